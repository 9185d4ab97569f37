"""From the tables a caller has to the arrays the model needs. Bad input is refused here, by name; nothing is repaired.

History may carry the genome as a struct or map column `attributes` or as one column per attribute, and may lack every
nullable column. Only rows known on the night (as_of <= day) count, the newest per (arm, segment, placement, size, day).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.elements.model import History
from dco.errors import BadData
from dco.records import Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class ArmRow:
    """An arm as given: id, segment, options, and whether the holdout serves it (None: not said)."""

    arm_id: str
    segment: str
    attributes: Mapping[str, str]
    control: bool | None = None


@dataclass(frozen=True)
class Known:
    """Everything a night knows. `row` maps (segment, arm_id) to the row of the history's arms."""

    alphabet: Alphabet
    history: History
    row: Mapping[tuple[str, str], int]
    live: tuple[ArmRow, ...]
    pending: tuple[ArmRow, ...]
    rejected: tuple[ArmRow, ...]
    first_day_arms: frozenset[tuple[str, str]]
    previous: Mapping[tuple[str, str], float]  # shares on the newest day
    days_served: Ints  # [arm] days with impressions
    has_conversions: bool
    has_revenue: bool
    remarks: tuple[str, ...]


def read_arms(table: Any, name: str, space: Space) -> tuple[ArmRow, ...]:
    """Arms from an Arrow table, a list of mappings, or None.

    Raises:
        BadData: a missing id, segment or attribute; an arm named twice in a segment.
    """
    if table is None:
        return ()
    rows: Iterable[Mapping[str, Any]] = (
        table.to_pylist() if isinstance(table, (pa.Table, pa.RecordBatch)) else table
    )
    found: list[ArmRow] = []
    for i, r in enumerate(rows):
        if not isinstance(r, Mapping) or not r.get("arm_id") or not r.get("segment"):
            raise BadData(f"{name}, row {i + 1}: expected arm_id, segment and attributes, got {r!r}")
        genome = _options(r.get("attributes"), r, space, f"{name}, arm {r['arm_id']!r}")
        control = r.get("control")
        found.append(
            ArmRow(str(r["arm_id"]), str(r["segment"]), genome, None if control is None else bool(control))
        )
    keys = [(a.segment, a.arm_id) for a in found]
    if name == "live" and len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise BadData(f"live: arm {twice[1]!r} is there twice in segment {twice[0]!r}; list each arm once")
    return tuple(found)


def _options(value: Any, row: Mapping[str, Any], space: Space, where: str) -> dict[str, str]:
    """The genome of a row, from its `attributes` (struct or map) or from one column per attribute."""
    given = dict(value) if value is not None else {a: row.get(a) for a in space.attributes}
    missing = [a for a in space.attributes if given.get(a) is None]
    if missing:
        raise BadData(
            f"{where}: attribute {missing[0]!r} is missing (it has {sorted(k for k, v in given.items() if v)}); "
            f"every arm needs one option of each of {list(space.attributes)}"
        )
    return {a: str(given[a]) for a in space.attributes}


def read(
    space: Space,
    segments: Sequence[str],
    history: pa.Table | None,
    live: Any,
    pending: Any,
    rejected: Any,
    day: date,
) -> Known:
    """All of a night's input, checked and numbered."""
    pools = {
        n: read_arms(t, n, space) for n, t in (("live", live), ("pending", pending), ("rejected", rejected))
    }
    for name, arms in pools.items():
        for arm in arms:
            if arm.segment not in segments:
                raise BadData(
                    f"{name}, arm {arm.arm_id!r}: unknown segment {arm.segment!r} (known: {', '.join(segments)})"
                )
    table = _night(history, day)
    remarks: list[str] = []
    past = _past_arms(table, space, segments, {(a.segment, a.arm_id) for a in pools["live"]})
    arms_by_key = {(a.segment, a.arm_id): a for a in (*past.values(), *pools["live"])}
    older = {
        a: [o for o in dict.fromkeys(arm.attributes[a] for arm in arms_by_key.values()) if o not in options]
        for a, options in space.attributes.items()
    }
    for a, extra in older.items():
        if extra:
            remarks.append(
                f"Options of {a!r} that the space no longer holds ({', '.join(extra)}) still inform the model, "
                "but nothing new is made with them."
            )
    alphabet = Alphabet.of(segments, {a: (*o, *older[a]) for a, o in space.attributes.items()})
    keys = list(arms_by_key)
    row = {key: i for i, key in enumerate(keys)}
    segment = np.array([alphabet.segment_code(s) for s, _ in keys], dtype=np.int64)
    codes = alphabet.encode([arms_by_key[k].attributes for k in keys]).reshape(
        len(keys), len(alphabet.attributes)
    )
    cells = _cells(table, row, day)
    arrays, previous, first = _newest(cells, keys)
    served = np.zeros(len(keys), dtype=np.int64)
    on = arrays["impressions"] > 0
    if on.any():
        _, one_each = np.unique(_joint([arrays["arm"][on], arrays["day"][on]]), return_index=True)
        np.add.at(served, arrays["arm"][on][one_each], 1)
    return Known(
        alphabet=alphabet,
        history=History(
            segment, codes, arrays["arm"], arrays["day"], arrays["context"], arrays["impressions"], arrays["clicks"],
            arrays["conversions"], arrays["revenue"], arrays["read_age"],
            cells["cell"], cells["age"], cells["conversions"],
        ),
        row=row, live=pools["live"], pending=pools["pending"], rejected=pools["rejected"],
        first_day_arms=first, previous=previous, days_served=served,
        has_conversions=bool(np.isfinite(arrays["conversions"]).any()),
        has_revenue=bool(np.isfinite(arrays["revenue"]).any()),
        remarks=tuple(remarks),
    )  # fmt: skip


def _night(history: pa.Table | None, day: date) -> pa.Table:
    """The rows known on the night, with the needed columns checked."""
    if history is None:
        return pa.table({"arm_id": [], "segment": [], "day": [], "impressions": [], "clicks": []})
    if not isinstance(history, pa.Table):
        raise BadData(
            f"history: expected an Arrow table in schemas.history(...), got {type(history).__name__}"
        )
    for name in ("arm_id", "segment", "day", "impressions", "clicks"):
        if name not in history.column_names:
            raise BadData(f"history: column {name!r} is missing (it has {history.column_names})")
        if history[name].null_count:
            raise BadData(f"history, column {name!r}: {history[name].null_count} values are missing")
    if not history.num_rows:
        return history
    if "as_of" not in history.column_names or history["as_of"].null_count == history.num_rows:
        if "as_of" in history.column_names:
            history = history.drop_columns(["as_of"])
        history = history.append_column("as_of", history["day"])
    days = [pc.cast(history[c], pa.date32()) for c in ("day", "as_of")]
    for name, column in zip(("day", "as_of"), days):
        history = history.set_column(history.column_names.index(name), name, column)
    return history.filter(pc.and_(pc.less_equal(days[1], day), pc.less_equal(days[0], day)))


def _past_arms(
    table: pa.Table, space: Space, segments: Sequence[str], live: set[tuple[str, str]]
) -> dict[tuple[str, str], ArmRow]:
    """Arms of the history that are not live (those state their options themselves), read from each arm's last row."""
    if not table.num_rows:
        return {}
    names = pc.unique(table["segment"]).to_pylist()
    for name in names:
        if name not in segments:
            raise BadData(f"history: unknown segment {name!r} (known: {', '.join(segments)})")
    index = pa.array(np.arange(table.num_rows))
    last = table.select(["arm_id", "segment"]).append_column("i", index)
    last = last.group_by(["segment", "arm_id"], use_threads=False).aggregate([("i", "max")])
    wanted = ["attributes"] if "attributes" in table.column_names else [
        a for a in space.attributes if a in table.column_names
    ]  # fmt: skip
    rows = table.select(["segment", "arm_id", *wanted]).take(last["i_max"]).to_pylist()
    return {
        (r["segment"], str(r["arm_id"])): ArmRow(
            str(r["arm_id"]),
            r["segment"],
            _options(r.get("attributes"), r, space, f"history, arm {r['arm_id']!r}"),
        )
        for r in rows
        if (r["segment"], str(r["arm_id"])) not in live
    }


def _numbers(table: pa.Table, name: str, *, needed: bool = False) -> Floats:
    """A column as float64, NaN where null or absent; negative and non-finite numbers are refused."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    said = ~np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False))
    bad = said & (~np.isfinite(values) | (values < 0))
    if bad.any() or (needed and not said.all()):
        at = int(np.argmax(bad if bad.any() else ~said))
        where = f"arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}"
        raise BadData(f"history, column {name!r}, {where}: expected a number >= 0, got {values[at]}")
    return values


def _cells(table: pa.Table, row: Mapping[tuple[str, str], int], day: date) -> dict[str, Any]:
    """Every version of every cell as arrays; `cell` numbers (arm, segment, placement, size, day)."""
    n = table.num_rows
    if not n:
        none = np.zeros(0, dtype=np.int64)
        zero = np.zeros(0)
        names = ("impressions", "clicks", "conversions", "revenue", "intended")
        return {
            "arm": none,
            "day": none,
            "age": none,
            "cell": none,
            "context": none,
            **dict.fromkeys(names, zero),
        }
    joined = pc.binary_join_element_wise(table["segment"], pc.cast(table["arm_id"], pa.string()), "\x1f")
    codes = _dictionary(joined)
    lookup = np.array(
        [row[tuple(text.split("\x1f", 1))] for text in codes.dictionary.to_pylist()], dtype=np.int64
    )  # type: ignore[index]
    arm = lookup[codes.indices.to_numpy()]
    days = np.asarray(pc.cast(table["day"], pa.int32()).to_numpy(), dtype=np.int64)
    as_of = np.asarray(pc.cast(table["as_of"], pa.int32()).to_numpy(), dtype=np.int64)
    if (as_of < days).any():
        at = int(np.argmax(as_of < days))
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}: day {table['day'][at].as_py()} was read on "
            f"{table['as_of'][at].as_py()}, before it happened"
        )
    where = [arm, days]
    for name in ("placement", "size"):
        if name in table.column_names and table[name].null_count < n:
            where.append(
                np.asarray(_dictionary(table[name]).indices.fill_null(-1).to_numpy(), dtype=np.int64)
            )
    context = np.zeros(n, dtype=np.int64)
    if len(where) > 2:
        context = _joint(where[2:])
    cell = _joint(where)
    found = {
        "arm": arm,
        "day": days - days.min(),
        "age": as_of - days,
        "cell": cell,
        "context": context,
        "impressions": _numbers(table, "impressions", needed=True),
        "clicks": _numbers(table, "clicks", needed=True),
        "conversions": _numbers(table, "conversions"),
        "revenue": _numbers(table, "revenue_micros") / 1e6,
        "intended": _numbers(table, "intended_share"),
    }
    wrong = found["clicks"] > found["impressions"]
    if wrong.any():
        at = int(np.argmax(wrong))
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}: {found['clicks'][at]:.0f} clicks "
            f"on {found['impressions'][at]:.0f} impressions; expected no more clicks than impressions"
        )
    if int(_joint([cell, as_of]).max()) + 1 < n:
        order = np.lexsort((as_of, cell))
        same = (np.diff(cell[order]) == 0) & (np.diff(as_of[order]) == 0)
        at = int(order[int(np.argmax(same)) + 1])
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}: two rows with the same placement, "
            f"size and as_of {table['as_of'][at].as_py()}; add them up, or tell them apart by placement or size"
        )
    return found


def _joint(columns: Sequence[Ints]) -> Ints:
    """Numbers 0.. of the distinct rows of some integer columns."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        shifted = column - column.min()
        _, key = np.unique(key * (int(shifted.max()) + 1) + shifted, return_inverse=True)
    return key


def _dictionary(column: Any) -> Any:
    """A text column as one Arrow dictionary array."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    return whole if isinstance(whole, pa.DictionaryArray) else whole.dictionary_encode()


def _newest(
    cells: Mapping[str, Any], keys: Sequence[tuple[str, str]]
) -> tuple[dict[str, Any], dict[tuple[str, str], float], frozenset[tuple[str, str]]]:
    """The newest version of every cell; shares on the newest day; the arms served on each segment's first day."""
    order = np.lexsort((cells["age"], cells["cell"]))
    last = np.append(np.diff(cells["cell"][order]) > 0, True) if len(order) else np.zeros(0, dtype=bool)
    at = np.sort(order[last])
    arrays = {
        k: cells[k][at]
        for k in ("arm", "day", "context", "impressions", "clicks", "conversions", "revenue", "intended")
    }
    arrays["read_age"] = cells["age"][at]
    # Placements and sizes of one arm-day are one draw of its quality on that day, read at their own ages.
    previous: dict[tuple[str, str], float] = {}
    first: set[tuple[str, str]] = set()
    names = np.array([s for s, _ in keys], dtype=object)
    for name in dict.fromkeys(names):
        inside = names[arrays["arm"]] == name if len(at) else np.zeros(0, dtype=bool)
        if not inside.any():
            continue
        day = arrays["day"]
        first |= {keys[int(a)] for a in arrays["arm"][inside & (day == day[inside].min())]}
        today = inside & (day == day[inside].max())
        total = arrays["impressions"][today].sum()
        for a in np.unique(arrays["arm"][today]):
            mine = today & (arrays["arm"] == a)
            said = mine & np.isfinite(arrays["intended"])
            weight = np.maximum(arrays["impressions"][said], 1.0)
            if said.any():
                previous[keys[int(a)]] = float((arrays["intended"][said] * weight).sum() / weight.sum())
            elif total > 0:
                previous[keys[int(a)]] = float(arrays["impressions"][mine].sum() / total)
    return arrays, previous, frozenset(first)
