"""A user's own table, described in a small YAML file: which column is what, in which unit.

name: my_export
platform: meta            # the rows' platform; days replace those of its other files
currency: EUR             # where no column states it
zone: UTC                 # of the days, where it is always the same
marks: [ad_key]           # headers that must be there for a built-in mapping to claim a file
foreign: [keyword_id]     # headers that must not be there: another table of the same connector
where: {objective: [SALES]}   # keep only these rows
blank_is_zero: true       # an empty count is zero, not 'not reported'
group: true               # add up rows that differ only in unread columns (device, network, hour)
columns:
  day: {day: date}        # day | hour (cut down to its day)
  ad_id: {id: ad_key}     # id | text
  impressions: {count: [imp_1, imp_2]}   # several columns are added up
  conversions: {exact: orders}
  spend_micros: {units: spend}           # units (12.34) | micros (12340000)
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dco import schemas
from dco.errors import BadReport, UnknownName
from dco.platforms.cells import zero
from dco.platforms.columns import (
    AccountId,
    Column,
    Count,
    Day,
    Exact,
    Hour,
    Id,
    Micros,
    RawMicros,
    ResourceId,
    Text,
)
from dco.platforms.report import MEASURES, Reading, Report, Values
from dco.platforms.sniff import Sheet

_KINDS: dict[str, type[Column]] = {
    "day": Day, "hour": Hour, "id": Id, "account": AccountId, "resource": ResourceId, "text": Text, "count": Count, "exact": Exact,
    "units": Micros, "micros": RawMicros,
}  # fmt: skip
_ALLOWED = {
    "account": ("id", "text", "account"), "day": ("day", "hour"), "currency": ("text",), "size": ("text",),
    "campaign_id": ("id", "resource"), "ad_group_id": ("id", "resource"), "ad_id": ("id", "resource"), "campaign": ("text",), "ad_group": ("text",), "ad": ("text",),
    "impressions": ("count",), "viewable": ("count",), "clicks": ("count",), "conversions": ("exact", "count"),
    "revenue_micros": ("units", "micros"), "spend_micros": ("units", "micros"),
}  # fmt: skip
_KEYS = (
    "name",
    "platform",
    "source",
    "currency",
    "account",
    "zone",
    "marks",
    "foreign",
    "where",
    "group",
    "blank_is_zero",
    "columns",
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A table described: its layout, and what is done with its rows."""

    name: str
    report: Report
    where: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    group: bool = True

    @property
    def platform(self) -> str:
        return self.report.platform

    def claims(self, sheet: Sheet) -> bool:
        return self.report.claims(sheet)

    def missing(self, sheet: Sheet) -> list[str]:
        """Columns of the mapping that no record of the file's head has, compared to the record that comes nearest."""
        best: list[str] = [c.names[0] for c in self.report.columns.values()]
        for records in sheet.heads.values():
            for record in records:
                gone = [c.names[0] for c in self.report.columns.values() if not c.find(record.cells)]
                best = min(best, gone, key=len)
        return best

    def read(self, sheet: Sheet) -> Reading:
        reading = self.report.read(sheet)
        return replace(reading, rows=grouped(reading.rows)) if self.group else reading


def grouped(rows: pa.Table) -> pa.Table:
    """Rows with equal texts and day added up; a measure no row reports stays null; the first line stands for all."""
    keys = [f.name for f in schemas.REPORT if f.name not in MEASURES and f.name != "line"]
    some = pc.ScalarAggregateOptions(skip_nulls=True, min_count=1)
    wide = rows.set_column(
        rows.schema.get_field_index("conversions"),
        "conversions",
        rows["conversions"].cast(pa.decimal128(38, 6)),
    )
    sums = [(name, "sum", some) for name in MEASURES]
    out = wide.group_by(keys, use_threads=False).aggregate([*sums, ("line", "min")])
    named = {f"{m}_sum": m for m in MEASURES} | {"line_min": "line"}
    out = out.rename_columns([named.get(c, c) for c in out.column_names])
    return out.select([f.name for f in schemas.REPORT]).cast(schemas.REPORT).sort_by("line")


def _derive(adds: MappingOf[str, tuple[str, ...]]) -> Any:
    def derive(source: str, values: Values, lines: pa.Array) -> Values:
        out = {k: v for k, v in values.items() if not k.startswith("_")}
        for name, parts in adds.items():
            for part in parts:
                none = zero(out[name].type)
                both_null = pc.and_(pc.is_null(out[name]), pc.is_null(values[part]))
                summed = pc.add(pc.fill_null(out[name], none), pc.fill_null(values[part], none))
                out[name] = pc.if_else(both_null, pa.scalar(None, summed.type), summed)
        return out

    return derive


def parse_mapping(document: Any, source: str) -> Mapping:
    """A mapping from its YAML value. Raises BadReport naming the key; UnknownName for a key that does not exist."""
    if not isinstance(document, dict) or not isinstance(document.get("columns"), dict):
        raise BadReport(source, "a mapping is a YAML file with the keys name, platform and columns")
    for key in document:
        if key not in _KEYS:
            raise UnknownName("key", str(key), _KEYS, where=source)
    columns: dict[str, Column] = {}
    adds: dict[str, tuple[str, ...]] = {}
    for name, entry in document["columns"].items():
        kind, headers = _entry(source, str(name), entry)
        columns[name] = _KINDS[kind](headers[0])
        extra = {f"_{name}_{i}": _KINDS[kind](h) for i, h in enumerate(headers[1:])}
        columns |= extra
        if extra:
            adds[name] = tuple(extra)
    for name in ("day", "impressions", "clicks"):
        if name not in columns:
            raise BadReport(source, f"columns must say where {name!r} is", column="columns")
    fixed = {k: str(document[k]) for k in ("currency", "account") if k in document}
    report = Report(
        platform=_word(source, document, "platform"),
        columns=columns,
        needs=tuple(columns),
        marks=tuple(str(m) for m in document.get("marks", ())),
        foreign=tuple(str(m) for m in document.get("foreign", ())),
        machine=True,
        derive=_derive(adds),
        fixed=fixed,
        blank_is_zero=(Count,) if document.get("blank_is_zero") is True else (),
        zone=str(document.get("zone", "")),
    )
    where = _where(source, document.get("where", {}))
    if where:
        report = _filtering(report, where)
    return Mapping(_word(source, document, "name"), report, where, bool(document.get("group", True)))


def _filtering(report: Report, where: MappingOf[str, tuple[str, ...]]) -> Report:
    kept = {f"_where_{i}": Text(header) for i, header in enumerate(where)}
    words = "; ".join(f"{header} = {' or '.join(values)}" for header, values in where.items())
    rules = tuple(zip(kept, where.values()))
    return replace(
        report, columns={**report.columns, **kept}, needs=(*report.needs, *kept), keep=rules, scope=words
    )


def _entry(source: str, name: str, entry: Any) -> tuple[str, list[str]]:
    if name not in _ALLOWED:
        raise UnknownName("column", name, _ALLOWED, where=source)
    if not isinstance(entry, dict) or len(entry) != 1:
        raise BadReport(
            source,
            f"expected one of {', '.join(_ALLOWED[name])} and a header, like {{text: Name}}",
            column=name,
        )
    kind, headers = next(iter(entry.items()))
    if kind not in _ALLOWED[name]:
        raise UnknownName(f"unit of {name}", str(kind), _ALLOWED[name], where=source)
    listed = headers if isinstance(headers, list) else [headers]
    summable = name in MEASURES
    if not listed or not all(isinstance(h, str) for h in listed) or (len(listed) > 1 and not summable):
        raise BadReport(
            source, "expected a header" + (" or a list of headers" if summable else ""), column=name
        )
    return kind, listed


def _word(source: str, document: MappingOf[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value.isidentifier():
        raise BadReport(source, f"expected a name like google_ads, got {value!r}", column=key)
    return value


def _where(source: str, value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise BadReport(source, "expected header: [values]", column="where")
    return {str(k): tuple(str(x) for x in (v if isinstance(v, list) else [v])) for k, v in value.items()}


def load_mapping(path: str | Path) -> Mapping:
    """A user's mapping file. Raises BadReport naming file, line and key."""
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError):
        raise BadReport(path.name, "no readable mapping file of that name") from None
    return parse_mapping(_yaml(text, path.name), path.name)


def _yaml(text: str, source: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise BadReport(source, f"not valid YAML: {error.problem}", line=line) from None
    except (YAMLError, ValueError) as error:
        raise BadReport(source, f"not valid YAML: {' '.join(str(error).split())}") from None


@lru_cache
def built_in() -> tuple[Mapping, ...]:
    """The mappings that come with dco, in order of file name."""
    folder = files("dco.platforms") / "mappings"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return tuple(parse_mapping(_yaml(f.read_text("utf-8"), f.name), f.name) for f in found)
