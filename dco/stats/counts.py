"""Counts as given by a caller -> checked arrays by segment, batch and arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
    arm = _labels(columns["arm"])
    if not arm:
        raise BadData("counts: expected one row per arm, got no rows")
    n, s = _numbers(columns, "n", len(arm)), _numbers(columns, "s", len(arm))
    s2 = _numbers(columns, "s2", len(arm)) if "s2" in columns else None
    for row in range(len(arm)):
        _check_row(row, arm[row], n[row], s[row], None if s2 is None else s2[row])
    propensity = _numbers(columns, "propensity", len(arm)) if "propensity" in columns else None
    segment = _labels(columns["segment"], len(arm)) if "segment" in columns else ["all"] * len(arm)
    batch = _values(columns["batch"]) if "batch" in columns else [0] * len(arm)
    if len(batch) != len(arm):
        raise BadData(f"counts, batch: expected {len(arm)} values, got {len(batch)}")
    place = np.array([list(dict.fromkeys(segment)).index(x) for x in segment])
    out = []
    for k, name in enumerate(dict.fromkeys(segment)):
        rows = np.flatnonzero(place == k)
        out.append(_arrange(name, rows, arm, batch, n, s, s2, propensity, baseline))
    return out


def several_batches(counts: Counts, least: int) -> None:
    """Raises BadData unless there are at least `least` batches."""
    if len(counts.batches) < least:
        raise BadData(
            f"counts, batch: segment {counts.segment!r} has {len(counts.batches)} batch(es), expected at least {least}"
        )


def _arrange(
    segment: str,
    rows: NDArray[np.intp],
    arm: list[str],
    batch: list[Any],
    n: Floats,
    s: Floats,
    s2: Floats | None,
    propensity: Floats | None,
    baseline: str,
) -> Counts:
    arms = tuple(dict.fromkeys(arm[r] for r in rows))
    if baseline not in arms:
        raise BadData(f"baseline: no arm {baseline!r} in segment {segment!r} (arms: {', '.join(arms)})")
    if len(arms) < 2:
        raise BadData(
            f"counts: segment {segment!r} has one arm, {arms[0]!r}; expected at least two to compare"
        )
    try:
        batches = tuple(sorted({batch[r] for r in rows}))
    except TypeError:
        raise BadData(
            "counts, batch: expected values of one kind that have an order (numbers or dates)"
        ) from None
    at = (
        np.array([batches.index(batch[r]) for r in rows]),
        np.array([arms.index(arm[r]) for r in rows]),
    )
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


def _check_row(row: int, arm: str, n: float, s: float, s2: float | None) -> None:
    place = f"counts, row {row + 1} (arm {arm!r})"
    if n < 0 or s < 0:
        name, value = ("n", n) if n < 0 else ("s", s)
        raise BadData(f"{place}, {name}: expected a count >= 0, got {value:g}")
    if s2 is None and s > n:
        raise BadData(
            f"{place}, s: expected at most n = {n:g} successes, got {s:g}; give s2 for metrics that are not 0 or 1"
        )
    if s2 is not None and s2 * n < s * s * (1 - 1e-9):
        raise BadData(
            f"{place}, s2: expected a sum of squares of at least s^2/n = {s * s / n if n else 0:g}, got {s2:g}"
        )


def _values(column: Any) -> list[Any]:
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return list(column.to_pylist())
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _labels(column: Any, length: int | None = None) -> list[str]:
    out = [str(v) for v in _values(column)]
    if length is not None and len(out) != length:
        raise BadData(f"counts, segment: expected {length} values, got {len(out)}")
    return out


def _numbers(columns: Mapping[str, Any], name: str, length: int) -> Floats:
    values = _values(columns[name])
    if len(values) != length:
        raise BadData(f"counts, {name}: expected {length} values, got {len(values)}")
    out = np.empty(length)
    for row, value in enumerate(values):
        try:
            out[row] = float(value)
        except (TypeError, ValueError):
            raise BadData(f"counts, row {row + 1}, {name}: expected a number, got {value!r}") from None
        if not np.isfinite(out[row]):
            raise BadData(f"counts, row {row + 1}, {name}: expected a finite number, got {value!r}")
    return out


def groups(counts: pa.Table | Mapping[str, Any], baseline: str) -> Iterator[Counts]:
    """The segments one after the other."""
    yield from read_counts(counts, baseline=baseline)
