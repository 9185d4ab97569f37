"""A table layout of a platform, described by its columns, and the machinery that reads any such description.

REPORT = Report("google_ads", {
    "day": Day("Day"),
    "impressions": Count("Impr."),
    "spend_micros": Micros("Cost"),
}, ...)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dco import schemas
from dco.errors import BadReport
from dco.platforms import names, preamble
from dco.platforms.cells import Cells, Mark, by_value, decide_mark, shown, trimmed, zero
from dco.platforms.columns import Column, Columns, Count, Day, Hour
from dco.platforms.sniff import Sheet, norm
from dco.platforms.table import Grid, read_grid
from dco.platforms.totals import Choice, Measure, Totals, check

MEASURES = ("impressions", "viewable", "clicks", "conversions", "revenue_micros", "spend_micros")
_TYPES = {f.name: f.type for f in schemas.REPORT}

NEEDED = ("day", "impressions", "clicks")
"""Fields without which a row is no fact."""

_WITHOUT_CENTS = {"JPY", "KRW", "VND", "CLP"}
"""Currencies without a minor unit: a mark in their amounts can only group thousands."""

Values = dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a layout found in a file: rows (`schemas.REPORT`) and what the file says about itself."""

    rows: pa.Table
    scope: str = "full"
    first_day: date | None = None
    last_day: date | None = None
    stamp: datetime | None = None
    zone: str = ""
    checksum: str = "no total row in the file"


class Layout(Protocol):
    """One way a platform writes a table: recognises it, reads it."""

    @property
    def platform(self) -> str: ...

    def claims(self, sheet: Sheet) -> bool: ...

    def read(self, sheet: Sheet) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A part of the family `formats`: a platform's layouts, and a writer of its own export where there is one.

    `write(rows, stamp=, currency=, title=)` gives the bytes of a file that reads back to the same rows.
    """

    name: str
    meaning: str
    layouts: tuple[Layout, ...]
    write: Callable[..., bytes] | None = None

    def claiming(self, sheet: Sheet) -> Layout | None:
        """The first layout that recognises the file."""
        return next((layout for layout in self.layouts if layout.claims(sheet)), None)


@dataclass(frozen=True, slots=True)
class Report:
    """A delimited table. Field -> column; fields that start with '_' are private to `derive`.

    Args:
        needs: fields whose headers must all be there for the file to be this platform's.
        marks: headers of which at least one must be there; none given means `needs` is enough.
        foreign: headers that only another platform writes.
        periods: headers of weeks, months and other spans, which are not days.
        blank_is_zero: kinds of columns in which an empty cell means zero (Meta) instead of 'not reported'.
        machine: numbers are written for programs: decimal point, no grouping, nothing to decide.
        day_hint: how to get a file with days from the platform.
        derive: last step over the columns read, before the rows are made.
    """

    platform: str
    columns: Columns
    needs: tuple[str, ...]
    marks: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    totals: Totals = field(default_factory=Totals)
    blank_is_zero: tuple[type[Column], ...] = ()
    machine: bool = False
    day_hint: str = "add the day to the report and download it again"
    derive: Callable[[str, Values, pa.Array], Values] | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Constant text columns, as a mapping may state them (currency, account)."""
    zone: str = ""
    """The zone of the platform's report days where it is always the same."""
    keep: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Rows to keep: (field, its allowed texts)."""
    scope: str = ""
    """The same in words."""

    def claims(self, sheet: Sheet) -> bool:
        return not sheet.is_json and self.locate(sheet) is not None

    def locate(self, sheet: Sheet) -> tuple[str, int] | None:
        """(delimiter, record index) of the header, or None."""
        for delimiter, records in sheet.heads.items():
            for index, record in enumerate(records):
                if len(record.cells) > 1 and self._is_header(record.cells):
                    return delimiter, index
        return None

    def _is_header(self, cells: tuple[str, ...]) -> bool:
        plain = {norm(c) for c in cells}
        if any(norm(f) in plain for f in self.foreign):
            return False
        if self.marks and not any(norm(m) in plain for m in self.marks):
            return False
        return all(self.columns[name].find(cells) for name in self.needs)

    def read(self, sheet: Sheet) -> Reading:
        found = self.locate(sheet)
        assert found is not None, "read() follows claims()"
        delimiter, index = found
        header = sheet.heads[delimiter][index].cells
        places = {name: place for name, c in self.columns.items() if (place := c.find(header))}
        self._has_days(sheet, header, places)
        self._has_measures(sheet, header, places)
        wanted = {0} | {i for i, _ in places.values()} | _twins(header, places)
        grid = read_grid(
            sheet, delimiter, index, wanted, footer=self._looks_total, ends_at_blank=self.totals.ends_at_blank
        )
        _refuse_unequal_twins(grid, places)
        body, totals = self._split(grid, places)
        if len(grid.before) and not len(totals) and not sheet.data.endswith(b"\n") and self.totals.label:
            # A web export has a title; its totals come last, so a cut loses them, and usually part of a line.
            raise BadReport(
                sheet.source,
                "ends in the middle of a line and without its total row: cut short, download it again",
            )
        for name, allowed in self.keep:
            body = body.filter(pc.is_in(trimmed(body.column(places[name][0])), value_set=pa.array(allowed)))
        if not len(body):
            raise BadReport(
                sheet.source, "no rows of data below the header; export a range of days with delivery"
            )
        mark = self._mark(body, places)
        values = self._values(body, places, mark)
        choice = self.totals.choose(_labels(totals), self._level(places))
        checksum = check(self._measures(body, totals, places, mark, values), _labels(totals), choice)
        if self.derive:
            values = self.derive(sheet.source, values, body.lines)
        rows = build(sheet.source, self.platform, values, body.lines)
        return self._reading(sheet, grid, rows, choice, checksum)

    def _has_days(self, sheet: Sheet, header: tuple[str, ...], places: Mapping[str, Any]) -> None:
        span = [h for h in header if norm(h) in {norm(p) for p in self.periods}]
        if "day" in places:
            return
        if span:
            raise BadReport(sheet.source, f"rows per {span[0]!r} cannot be cut into days; {self.day_hint}")
        if "_starts" not in places:
            raise BadReport(
                sheet.source, f"no day column, so its rows cover a whole range of days; {self.day_hint}"
            )

    def _has_measures(self, sheet: Sheet, header: tuple[str, ...], places: Mapping[str, Any]) -> None:
        for name in ("impressions", "clicks"):
            if name not in places:
                known = ", ".join(repr(n) for n in self.columns[name].names)
                raise BadReport(
                    sheet.source, f"no column of {name} (known names: {known}); add it to the report"
                )

    def _looks_total(self, cells: list[str]) -> bool:
        return bool(self.totals.label and re.match(self.totals.label, cells[0].strip()))

    def _split(self, grid: Grid, places: Mapping[str, tuple[int, str]]) -> tuple[Grid, Grid]:
        """Rows and total rows."""
        if not len(grid):
            return grid, grid
        is_total = pa.array([False]).take(pa.array([0] * len(grid)))
        day = grid.column(places["day"][0]) if "day" in places else None
        if self.totals.label:
            label = self.totals.label
            labelled = by_value(
                lambda t: pc.match_substring_regex(pc.utf8_trim_whitespace(t), label), grid.column(0)
            )
            dayless = labelled if day is None or places["day"][0] == 0 else _blank(day)
            is_total = pc.and_(labelled, dayless)
        blanks = [grid.column(places[name][0]) for name in self.totals.blank if name in places]
        if blanks:
            empty = _blank(day) if day is not None else pa.array([True]).take(pa.array([0] * len(grid)))
            for column in blanks:
                empty = pc.and_(empty, _blank(column))
            is_total = pc.or_(is_total, empty)
        return grid.filter(pc.invert(is_total)), grid.filter(is_total)

    def _level(self, places: Mapping[str, Any]) -> str:
        """The finest thing the rows are about: ad, ad_group, campaign or account."""
        for level in ("ad", "ad_group", "campaign"):
            if level in places or f"{level}_id" in places:
                return level
        return "account"

    def _cells(self, grid: Grid, index: int, mark: Mark = ".") -> Cells:
        return Cells(grid.source, grid.header[index].strip(), grid.column(index), grid.lines, mark)

    def _mark(self, grid: Grid, places: Mapping[str, tuple[int, str]]) -> Mark:
        if self.machine:
            return "."
        showing: tuple[str, ...] = ("spend_micros", "revenue_micros", "conversions", "_results")
        whole: tuple[str, ...] = ("impressions", "clicks")
        if self._currencies(grid, places) & _WITHOUT_CENTS:
            showing, whole = showing[2:], whole + showing[:2]
        cells = {n: self._cells(grid, places[n][0]) for n in showing + whole if n in places}
        return decide_mark([cells[n] for n in showing if n in cells], [cells[n] for n in whole if n in cells])

    def _currencies(self, grid: Grid, places: Mapping[str, tuple[int, str]]) -> set[str]:
        """Codes the file states, in a column or in a header."""
        column = (
            set(pc.unique(grid.column(places["currency"][0])).to_pylist()) if "currency" in places else set()
        )
        return {c.strip() for c in column} | {code for _, code in places.values() if code}

    def _measures(
        self, body: Grid, totals: Grid, places: Mapping[str, tuple[int, str]], mark: Mark, values: Values
    ) -> list[Measure]:
        if not len(totals):
            return []
        found = [(name, self.columns[name], places[name][0]) for name in MEASURES if name in places]
        return [
            Measure(c, self._cells(body, i, mark), values[n], self._cells(totals, i, mark))
            for n, c, i in found
        ]

    def _values(self, grid: Grid, places: Mapping[str, tuple[int, str]], mark: Mark) -> Values:
        values: Values = {}
        for name, (index, currency) in places.items():
            cells = self._cells(grid, index, mark)
            values[name] = self._read(self.columns[name], name, cells)
            if currency:
                values["currency"] = _constant(currency, len(grid))
        for name, text in self.fixed.items():
            values.setdefault(name, _constant(text, len(grid)))
        return values

    def _read(self, column: Column, name: str, cells: Cells) -> pa.Array:
        values = column.read(cells)
        if isinstance(column, self.blank_is_zero) and name != "_results":
            values = pc.fill_null(values, zero(values.type))
        if (
            values.null_count
            and isinstance(column, Day | Hour | Count)
            and name in NEEDED
            and f"_{name}_0" not in self.columns  # a part of a sum may be missing, the sum may not
        ):
            row = pc.index(pc.is_null(values), pa.scalar(True)).as_py()
            raise cells.refuse(row, "a day like 2026-09-30" if name == "day" else "a whole number like 1234")
        return values

    def _reading(self, sheet: Sheet, grid: Grid, rows: pa.Table, choice: Choice, checksum: str) -> Reading:
        around = grid.before + grid.after
        first, last = preamble.span_in(around)
        preamble.check_span(sheet.source, rows, first, last)
        scope = self.scope or preamble.scope_in(around) or choice.scope
        zone = preamble.zone_in(around) or self.zone
        stamp = preamble.stamp_in([" ".join(record) for record in around])
        return Reading(rows, scope, first, last, stamp, zone, checksum)


def build(source: str, platform: str, values: Values, lines: pa.Array) -> pa.Table:
    """Columns -> a table in `schemas.REPORT`: arm id and size out of the ad name, nulls where the file says nothing."""
    n = len(lines)
    values = {**values, "platform": _constant(platform, n), "line": lines}
    ad = values.get("ad", pa.nulls(n, pa.string()))
    arm, size = names.found_in(ad)
    values["arm_id"] = arm
    values["size"] = pc.coalesce(names.tidy_size(values["size"]), size) if "size" in values else size
    columns = [
        values[name].cast(kind) if name in values else pa.nulls(n, kind) for name, kind in _TYPES.items()
    ]
    for name in NEEDED:
        if name in values and values[name].null_count:
            row = pc.index(pc.is_null(values[name]), pa.scalar(True)).as_py()
            raise BadReport(source, f"a row without {name}; export it again", line=lines[row].as_py())
    table = pa.Table.from_arrays(columns, schema=schemas.REPORT)
    _one_currency(source, table)
    return table


def _one_currency(source: str, table: pa.Table) -> None:
    codes = pc.unique(pc.drop_null(table["currency"])).to_pylist()
    bad = [c for c in codes if not re.fullmatch(r"[A-Z]{3}", c)]
    if bad:
        raise BadReport(source, f"expected a currency code like EUR, got {shown(bad[0])}")
    if len(codes) > 1:
        raise BadReport(
            source,
            f"amounts in several currencies ({', '.join(sorted(codes))}); export one account or currency at a time",
        )


def _constant(text: str, n: int) -> pa.Array:
    return pa.array([text], pa.string()).take(pa.array([0] * n, pa.int64()))


def _blank(text: pa.Array) -> pa.Array:
    return by_value(lambda t: pc.is_null(trimmed(t)), text)


def _labels(totals: Grid) -> list[str]:
    return [(text or "").strip() for text in totals.column(0).to_pylist()] if len(totals) else []


def _twins(header: tuple[str, ...], places: Mapping[str, tuple[int, str]]) -> set[int]:
    """Columns with the same name as one that is read."""
    plain = [norm(h) for h in header]
    return {j for i, _ in places.values() for j, text in enumerate(plain) if j != i and text == plain[i]}


def _refuse_unequal_twins(grid: Grid, places: Mapping[str, tuple[int, str]]) -> None:
    for i, _ in places.values():
        for j in _twins(grid.header, {"one": (i, "")}):
            if not grid.column(i).equals(grid.column(j)):
                raise BadReport(
                    grid.source,
                    "two columns of this name differ; export it with each column once",
                    column=grid.header[i],
                )
