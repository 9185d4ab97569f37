"""The history table as arrays: rows known on the night, the arms they are about, every version of every cell.

Columns are numbered and checked as wholes; the genome column, by far the widest, is only read where an arm's last row is.
Bad input is refused here, by arm and day; nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.elements.numbering import count_distinct, dense, joint
from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, str]

NEEDED = ("arm_id", "segment", "day", "impressions", "clicks")
OPTIONAL = ("as_of", "placement", "size", "conversions", "revenue_micros", "intended_share")


@dataclass(frozen=True)
class Rows:
    """The rows known on the night. `table` lacks the genome, `row_of[i]` is row i's place in the whole history."""

    table: pa.Table
    history: pa.Table
    row_of: Ints
    keys: tuple[Key, ...]  # (segment, arm_id), in order of appearance
    arm: Ints  # [row] index into `keys`
    last: Ints  # [key] its last row in the whole history


class Versions(NamedTuple):
    """Every version of every cell; `cell` numbers (arm, segment, placement, size, day). Arrays are [version]."""

    arm: Ints
    day: Ints  # since the first one
    age: Ints
    cell: Ints
    context: Ints
    impressions: Floats
    clicks: Floats
    conversions: Floats
    revenue: Floats
    intended: Floats

    def at(self, rows: Ints) -> Versions:
        return Versions(
            self.arm[rows], self.day[rows], self.age[rows], self.cell[rows], self.context[rows], self.impressions[rows],
            self.clicks[rows], self.conversions[rows], self.revenue[rows], self.intended[rows],
        )  # fmt: skip


def rows_known(history: pa.Table | None, segments: Sequence[str], day: date) -> Rows:
    """The rows known on the night (day, as_of <= `day`), with the needed columns checked and the arms numbered."""
    if history is None:
        history = pa.table({name: [] for name in NEEDED})
    if not isinstance(history, pa.Table):
        raise BadData(
            f"history: expected an Arrow table in schemas.history(...), got {type(history).__name__}"
        )
    for name in NEEDED:
        if name not in history.column_names:
            raise BadData(f"history: column {name!r} is missing (it has {history.column_names})")
        if history[name].null_count:
            raise BadData(f"history, column {name!r}: {history[name].null_count} values are missing")
    _one_currency(history)
    table = history.select([c for c in (*NEEDED, *OPTIONAL) if c in history.column_names])
    row_of = np.arange(table.num_rows)
    if table.num_rows:
        if "as_of" not in table.column_names or table["as_of"].null_count == table.num_rows:
            table = table.drop_columns(["as_of"]) if "as_of" in table.column_names else table
            table = table.append_column("as_of", table["day"])
        for name in ("day", "as_of"):
            table = table.set_column(table.column_names.index(name), name, pc.cast(table[name], pa.date32()))
        known = pc.and_(pc.less_equal(table["as_of"], day), pc.less_equal(table["day"], day)).fill_null(False)
        if not pc.all(known).as_py():
            table, row_of = table.filter(known), np.flatnonzero(known.to_numpy())
    return _numbered(table, history, row_of, segments)


def _one_currency(history: pa.Table) -> None:
    """Refuses amounts of unlike currencies, where the history says in which its amounts are (optional column `currency`)."""
    if "currency" not in history.column_names:
        return
    met = sorted(str(c) for c in pc.unique(history["currency"]).to_pylist() if c is not None)
    if len(met) > 1:
        raise BadData(
            f"history: amounts in {' and '.join(met)}; convert them, or plan the campaigns of each apart: expected one currency"
        )


def _numbered(table: pa.Table, history: pa.Table, row_of: Ints, segments: Sequence[str]) -> Rows:
    n = table.num_rows
    if not n:
        none = np.zeros(0, dtype=np.int64)
        return Rows(table, history, row_of, (), none, none)
    segment, segment_names = _coded(table["segment"])
    arm, arm_names = _coded(table["arm_id"])
    for i in np.flatnonzero(np.bincount(segment)):
        if segment_names[i] not in segments:
            raise BadData(f"history: unknown segment {segment_names[i]!r} (known: {', '.join(segments)})")
    key = segment * len(arm_names) + arm
    number = dense(key)
    # Of repeated places, an assignment keeps the last: read backwards, that is the first row.
    first, last = np.zeros(int(number.max()) + 1, dtype=np.int64), np.zeros(int(number.max()) + 1, np.int64)
    first[number[::-1]] = np.arange(n)[::-1]
    last[number] = np.arange(n)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    keys = [(segment_names[segment[i]], str(arm_names[arm[i]])) for i in first[order].tolist()]
    return Rows(table, history, row_of, tuple(keys), rank[number], row_of[last[order]])


def versions(rows: Rows, arm: Ints) -> Versions:
    """Every version of every cell, checked; `arm` int[row] numbers the arm of each row.

    Raises:
        BadData: a number below 0, more clicks than impressions, a day read before it happened, two rows for one reading.
    """
    table, n = rows.table, rows.table.num_rows
    if not n:
        none, zero = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Versions(none, none, none, none, none, zero, zero, zero, zero, zero)
    days, as_of = (
        np.asarray(pc.cast(table[c], pa.int32()).to_numpy(), dtype=np.int64) for c in ("day", "as_of")
    )
    if (as_of < days).any():
        at = int(np.argmax(as_of < days))
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}: day {table['day'][at].as_py()} was read on "
            f"{table['as_of'][at].as_py()}, before it happened"
        )
    where = [
        _coded(table[name])[0]
        for name in ("placement", "size")
        if name in table.column_names and table[name].null_count < n
    ]
    cell = joint([arm, days, *where])
    impressions, clicks = (_numbers(table, name, needed=True) for name in ("impressions", "clicks"))
    conversions, revenue, intended = (
        _numbers(table, name) for name in ("conversions", "revenue_micros", "intended_share")
    )
    wrong = clicks > impressions
    if wrong.any():
        at = int(np.argmax(wrong))
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}: {clicks[at]:.0f} clicks "
            f"on {impressions[at]:.0f} impressions; expected no more clicks than impressions"
        )
    if count_distinct(cell * (int(np.ptp(as_of)) + 1) + as_of - as_of.min()) < n:
        order = np.lexsort((as_of, cell))
        same = (np.diff(cell[order]) == 0) & (np.diff(as_of[order]) == 0)
        at = int(order[int(np.argmax(same)) + 1])
        raise BadData(
            f"history, arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}: two rows with the same placement, "
            f"size and as_of {table['as_of'][at].as_py()}; add them up, or tell them apart by placement or size"
        )
    context = joint(where) if where else np.zeros(n, dtype=np.int64)
    return Versions(
        arm, days - days.min(), as_of - days, cell, context, impressions, clicks, conversions, revenue / 1e6, intended
    )  # fmt: skip


def newest(all_: Versions) -> Ints:
    """The rows that hold the newest version of their cell, in the order given."""
    if not len(all_.cell):
        return np.zeros(0, dtype=np.int64)
    oldest = np.zeros(int(all_.cell.max()) + 1, dtype=np.int64)
    np.maximum.at(oldest, all_.cell, all_.age)
    return np.flatnonzero(all_.age == oldest[all_.cell])


def take(column: pa.ChunkedArray, rows: Ints) -> pa.Array:
    """`column` at some rows, one array. Asked chunk by chunk: Arrow would first copy all of a nested column."""
    order = np.argsort(rows, kind="stable")
    found, start = [], 0
    for chunk in column.chunks:
        low, high = np.searchsorted(rows[order], [start, start + len(chunk)])
        if high > low:
            found.append(chunk.take(pa.array(rows[order][low:high] - start)))
        start += len(chunk)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return (pa.concat_arrays(found) if found else pa.nulls(0, column.type)).take(pa.array(back))


def _numbers(table: pa.Table, name: str, *, needed: bool = False) -> Floats:
    """A column as float64, NaN where null or absent; negative and non-finite numbers are refused."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    nulls = column.null_count
    in_range = not (np.fmin.reduce(values) < 0 or np.fmax.reduce(values) == np.inf)
    if in_range and int(np.isnan(values).sum()) == nulls and not (needed and nulls):
        return values
    said = ~np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False))
    bad = said & (~np.isfinite(values) | (values < 0))
    at = int(np.argmax(bad if bad.any() else ~said))
    where = f"arm {table['arm_id'][at].as_py()!r}, day {table['day'][at].as_py()}"
    raise BadData(f"history, column {name!r}, {where}: expected a number >= 0, got {values[at]}")


def _coded(column: Any) -> tuple[Ints, list[Any]]:
    """A column as numbers int[row] into its distinct values; -1 for null."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    coded = whole if isinstance(whole, pa.DictionaryArray) else whole.dictionary_encode()
    codes = coded.indices.fill_null(-1) if coded.null_count else coded.indices
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64), coded.dictionary.to_pylist()
