"""Counts as given by a caller -> checked arrays by segment, batch and arm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dco.errors import BadData

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """One segment's counts. Arrays are float64[batch, arm]; a cell that was not given has n = 0 and propensity 0."""

    segment: str
    arms: tuple[str, ...]
    baseline: int
    """Index of the arm the others are compared with."""
    n: Floats
    s: Floats
    s2: Floats | None
    """Sum of squares of the values, for metrics that are not 0 or 1."""
    propensity: Floats | None
    batches: tuple[Any, ...]


def read_counts(counts: pa.Table | Mapping[str, Any], *, baseline: str) -> list[Counts]:
    """Checks and arranges counts, one `Counts` per segment in the order first met; batches in ascending order.

    Columns: arm, n (users or impressions), s (successes), optional s2 (sum of squares), batch, propensity, segment. Rows
    of the same cell are added. Raises BadData naming row, column, value and what was expected.
    """
    columns = {k: counts[k] for k in (counts.column_names if isinstance(counts, pa.Table) else list(counts))}
    for name in ("arm", "n", "s"):
        if name not in columns:
            raise BadData(f"counts: expected a column {name!r}, got {', '.join(map(str, columns)) or 'none'}")
    arm = _codes(columns["arm"], "arm")
    rows = len(arm.codes)
    if not rows:
        raise BadData("counts: expected one row per arm, got no rows")
    n, s = _numbers(columns, "n", rows), _numbers(columns, "s", rows)
    s2 = _numbers(columns, "s2", rows) if "s2" in columns else None
    _check_rows(arm, n, s, s2)
    propensity = _numbers(columns, "propensity", rows) if "propensity" in columns else None
    segment = _codes(columns["segment"], "segment", rows) if "segment" in columns else _one("all", rows)
    batch = _codes(columns["batch"], "batch", rows) if "batch" in columns else _one(0, rows)
    return [
        _arrange(str(name), np.flatnonzero(segment.codes == k), arm, batch, n, s, s2, propensity, baseline)
        for k, name in enumerate(segment.values)
    ]


def several_batches(counts: Counts, least: int) -> None:
    """Raises BadData unless there are at least `least` batches."""
    if len(counts.batches) < least:
        raise BadData(
            f"counts, batch: segment {counts.segment!r} has {len(counts.batches)} batch(es), expected at least {least}"
        )


def _arrange(
    segment: str,
    rows: NDArray[np.intp],
    arm: _Codes,
    batch: _Codes,
    n: Floats,
    s: Floats,
    s2: Floats | None,
    propensity: Floats | None,
    baseline: str,
) -> Counts:
    used, at_arm = _in_order(arm.codes[rows])
    arms = tuple(str(arm.values[k]) for k in used)
    if baseline not in arms:
        raise BadData(f"baseline: no arm {baseline!r} in segment {segment!r} (arms: {', '.join(arms)})")
    if len(arms) < 2:
        raise BadData(
            f"counts: segment {segment!r} has one arm, {arms[0]!r}; expected at least two to compare"
        )
    kinds, at_batch = _in_order(batch.codes[rows])
    try:
        order = sorted(range(len(kinds)), key=lambda i: batch.values[kinds[i]])
    except TypeError:
        raise BadData(
            "counts, batch: expected values of one kind that have an order (numbers or dates)"
        ) from None
    batches = tuple(batch.values[kinds[i]] for i in order)
    at = (np.argsort(order)[at_batch], at_arm)
    shape = (len(batches), len(arms))

    def grid(values: Floats) -> Floats:
        out = np.zeros(shape)
        np.add.at(out, at, values[rows])
        return out

    cells = grid(n)
    for k, name in enumerate(arms):
        if not cells[:, k].sum() > 0:
            raise BadData(f"counts, n: arm {name!r} of segment {segment!r} has no users; leave it out")
    e = None
    if propensity is not None:
        given = np.full(shape, np.nan)
        given[at] = propensity[rows]
        if (np.abs(given[at] - propensity[rows]) > 1e-9).any():
            k = int(np.argmax(np.abs(given[at] - propensity[rows]) > 1e-9))
            raise BadData(
                f"counts, propensity: arm {arms[at_arm[k]]!r} of segment {segment!r} has several in one batch; "
                "expected one, so give each batch a value of its own"
            )
        e = _propensities(given, cells, segment, batches, arms)
    return Counts(
        segment, arms, arms.index(baseline), cells, grid(s), None if s2 is None else grid(s2), e, batches
    )


def _propensities(
    e: Floats, n: Floats, segment: str, batches: tuple[Any, ...], arms: tuple[str, ...]
) -> Floats:
    """Absent cells are 0; every batch must sum to 1, and whoever was served must have had a chance."""
    e = np.nan_to_num(e, nan=0.0)
    total = e.sum(axis=1)
    off = np.abs(total - 1) > 1e-6
    if off.any():
        t = int(np.argmax(off))
        raise BadData(
            f"counts, propensity: segment {segment!r}, batch {batches[t]!r}: expected the arms' propensities to sum to 1, "
            f"got {total[t]:.6g}; an arm may be missing, or its floor not included"
        )
    wrong = (n > 0) & (e <= 0)
    if wrong.any():
        t, k = np.argwhere(wrong)[0]
        raise BadData(
            f"counts, propensity: arm {arms[k]!r}, batch {batches[t]!r}: {n[t, k]:g} users but propensity {e[t, k]:g}"
        )
    return e


def _check_rows(arm: _Codes, n: Floats, s: Floats, s2: Floats | None) -> None:
    """Refuses the first row that cannot be counts."""

    def refuse(broken: NDArray[np.bool_], say: Callable[[int], str]) -> None:
        if broken.any():
            row = int(np.argmax(broken))
            raise BadData(f"counts, row {row + 1} (arm {str(arm.values[arm.codes[row]])!r}), {say(row)}")

    refuse(n < 0, lambda r: f"n: expected a count >= 0, got {n[r]:g}")
    refuse(s < 0, lambda r: f"s: expected a count >= 0, got {s[r]:g}")
    if s2 is None:
        hint = "give s2 for metrics that are not 0 or 1"
        refuse(s > n, lambda r: f"s: expected at most n = {n[r]:g} successes, got {s[r]:g}; {hint}")
    else:
        refuse(
            s2 * n < s * s * (1 - 1e-9), lambda r: f"s2: expected a sum of squares >= s^2 / n, got {s2[r]:g}"
        )


class _Codes(NamedTuple):
    """A column of labels: codes[row] into `values`, in the order first met."""

    codes: NDArray[np.intp]
    values: list[Any]


def _one(value: Any, rows: int) -> _Codes:
    return _Codes(np.zeros(rows, np.intp), [value])


def _codes(column: Any, name: str, rows: int | None = None) -> _Codes:
    try:
        array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as problem:
        raise BadData(f"counts, {name}: expected labels of one kind, got {problem}") from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count:
        raise BadData(
            f"counts, row {array.is_null().to_pylist().index(True) + 1}, {name}: expected a value, got null"
        )
    if rows is not None and len(array) != rows:
        raise BadData(f"counts, {name}: expected {rows} values, got {len(array)}")
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    return _Codes(coded.indices.to_numpy(zero_copy_only=False).astype(np.intp), coded.dictionary.to_pylist())


def _in_order(codes: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(distinct codes in the order first met, position of each row among them)."""
    distinct, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], np.argsort(order)[inverse]


def _numbers(columns: Mapping[str, Any], name: str, rows: int) -> Floats:
    column = columns[name]
    values = column.to_pylist() if isinstance(column, pa.Array | pa.ChunkedArray) else column
    try:
        out = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        row = next(r for r, v in enumerate(values) if not _is_number(v))
        raise BadData(f"counts, row {row + 1}, {name}: expected a number, got {values[row]!r}") from None
    if out.shape != (rows,):
        raise BadData(f"counts, {name}: expected {rows} values, got shape {out.shape}")
    if not np.isfinite(out).all():
        row = int(np.argmax(~np.isfinite(out)))
        raise BadData(f"counts, row {row + 1}, {name}: expected a finite number, got {values[row]!r}")
    return out


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def groups(counts: pa.Table | Mapping[str, Any], baseline: str) -> Iterator[Counts]:
    """The segments one after the other."""
    yield from read_counts(counts, baseline=baseline)
