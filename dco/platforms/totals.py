"""A file's own total row as a checksum: rows that do not add up to it are refused, never summed.

Counts must agree exactly. Amounts and conversions are shown rounded, so a sum of n rounded numbers may differ from the
rounded sum by at most n // 2 steps of the last decimal; of that, not more than six standard deviations of n rounding errors
(each uniform, variance 1/12) is allowed, so that a million rows do not excuse a thousand euros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import TotalMismatch
from dco.platforms import cells as read
from dco.platforms.cells import Cells
from dco.platforms.columns import Column, Count, Micros, RawMicros


@dataclass(frozen=True, slots=True)
class Choice:
    """What each total row of a file is for: equal to the rows' sum, or an upper bound of it."""

    equal: tuple[int, ...]
    bound: tuple[int, ...] = ()
    any_of: tuple[int, ...] = ()
    """At least one of these must agree (labels in a language whose scope is not known)."""
    scope: str = "full"


def every(labels: Sequence[str], level: str) -> Choice:
    """All total rows must equal the rows' sum."""
    return Choice(tuple(range(len(labels))))


@dataclass(frozen=True, slots=True)
class Totals:
    """How a format writes its total rows.

    `label` is an RE2 pattern of the first cell; `blank` names the fields that are all empty in a total row instead. In both
    cases the row must not have a day of its own.
    """

    label: str = ""
    blank: tuple[str, ...] = ()
    ends_at_blank: bool = False
    choose: Callable[[Sequence[str], str], Choice] = every


@dataclass(frozen=True, slots=True)
class Measure:
    """One summed column: its cells, the values read from them (null = not reported), and the total rows' cells."""

    column: Column
    rows: Cells
    values: pa.Array
    totals: Cells


def check(measures: Sequence[Measure], labels: Sequence[str], choice: Choice) -> str:
    """Compare, and say in words what was compared. Raises TotalMismatch."""
    for measure in measures:
        for i in choice.equal:
            _equal(measure, i, labels[i])
        for i in choice.bound:
            _bound(measure, i, labels[i])
    if choice.any_of and not any(all(_agrees(m, i) for m in measures) for i in choice.any_of):
        for measure in measures:
            _equal(measure, choice.any_of[0], labels[choice.any_of[0]])
    compared = choice.equal or choice.any_of or choice.bound
    if compared and not any(_stated(m, i) is not None for m in measures for i in compared):
        return "its total row states no numbers"
    if choice.equal or choice.any_of:
        agreeing = [i for i in choice.any_of if all(_agrees(m, i) for m in measures)]
        return f"agrees with {_quoted(labels, choice.equal or agreeing)}"
    return f"within {_quoted(labels, choice.bound)}" if choice.bound else "no total row in the file"


def _quoted(labels: Sequence[str], which: Sequence[int]) -> str:
    return ", ".join(repr(labels[i]) if labels[i] else "its total row" for i in which)


def _sum(measure: Measure) -> Decimal:
    wide = pa.decimal128(38, 6 if pa.types.is_decimal(measure.values.type) else 0)
    total = pc.sum(measure.values.cast(wide)).as_py()
    return _in_units(measure.column, total if total is not None else Decimal(0))


def _in_units(column: Column, value: Decimal) -> Decimal:
    return value.scaleb(-6) if isinstance(column, Micros | RawMicros) else value


def _stated(measure: Measure, i: int) -> Decimal | None:
    one = measure.totals
    cell = Cells(one.source, one.header, one.text.slice(i, 1), one.lines.slice(i, 1), one.mark)
    value = measure.column.read(cell)[0].as_py()
    return None if value is None else _in_units(measure.column, Decimal(value))


def _difference(measure: Measure, i: int) -> tuple[Decimal, Decimal, Decimal] | None:
    """(sum of rows, stated total, allowance), or None where the total row says nothing of this column."""
    stated = _stated(measure, i)
    if stated is None:
        return None
    total = _sum(measure)
    return total, stated, Decimal(0) if total == stated else _allowance(measure, i)


def _allowance(measure: Measure, i: int) -> Decimal:
    if isinstance(measure.column, Count | RawMicros):
        return Decimal(0)
    n = len(measure.rows.text) - read.trimmed(measure.rows.text).null_count
    rows_step = Decimal(1).scaleb(-_decimals(measure.rows))
    total_step = Decimal(1).scaleb(-_decimals(measure.totals))
    steps = min(n // 2, math.ceil(6 * math.sqrt(n / 12)))
    return rows_step * steps + (total_step / 2 if total_step > rows_step else 0)


def _decimals(cells: Cells) -> int:
    """The most digits behind the decimal mark in a column."""
    mark = r"\." if cells.mark == "." else ","
    found = pc.extract_regex(read.trimmed(cells.text), rf"{mark}(?P<digits>\d+)\D*$")
    return pc.max(pc.utf8_length(pc.struct_field(found, "digits"))).as_py() or 0


def _agrees(measure: Measure, i: int) -> bool:
    found = _difference(measure, i)
    return found is None or abs(found[0] - found[1]) <= found[2]


def _equal(measure: Measure, i: int, label: str) -> None:
    found = _difference(measure, i)
    if found and abs(found[0] - found[1]) > found[2]:
        raise _mismatch(measure, i, label, *found[:2], "the rows sum to")


def _bound(measure: Measure, i: int, label: str) -> None:
    found = _difference(measure, i)
    if found and found[0] - found[1] > found[2]:
        raise _mismatch(measure, i, label, *found[:2], "the rows sum to more than the whole,")


def _mismatch(
    measure: Measure, i: int, label: str, total: Decimal, stated: Decimal, says: str
) -> TotalMismatch:
    row = f"its row {label!r}" if label else "its total row"
    sums, says_so, apart = (_number(v, measure.column) for v in (total, stated, total - stated))
    return TotalMismatch(
        measure.rows.source,
        f"{says} {sums}, {row} says {says_so} (difference {apart}); "
        "rows are missing or were edited, download the report again",
        line=measure.totals.lines[i].as_py(),
        column=measure.rows.header,
    )


def _number(value: Decimal, column: Column) -> str:
    """A count as it is, anything else with at least two decimals."""
    if isinstance(column, Count):
        return f"{value:f}"
    cents = round(value, 2)
    return f"{cents:f}" if cents == value else f"{value.normalize():f}"
