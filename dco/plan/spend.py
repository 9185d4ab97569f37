"""What the reports say about money: impressions, events and spend per segment and placement, newest versions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.errors import BadData
from dco.plan.cells import newest, rows_known, versions
from dco.records import Lever

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RECENT_DAYS = 7
"""What is served tonight is a week's mean: shorter would take a weekday for a trend."""
VALUE_DAYS = 28
"""What a cell's money earns is judged over four weeks: longer would miss a changed auction."""


@dataclass(frozen=True)
class Spend:
    """Arrays are [cell], in the order of `cells`; money in micros. `daily_*` are means of a recent day, the others sums over
    `VALUE_DAYS`; conversions and revenue are NaN where no report states them."""

    cells: tuple[tuple[str, str], ...]  # (segment, placement)
    levers: tuple[Lever | None, ...]
    daily_impressions: Floats
    daily_spend: Floats
    impressions: Floats
    clicks: Floats
    conversions: Floats
    revenue: Floats
    spend: Floats
    stated: bool  # whether any report states spend
    total: float  # spent since the first report
    last: date | None  # newest day with a report

    def cost(self, segment: str) -> float | None:
        """Micros per impression of a segment (of all, where it has none of its own); None where no spend is stated."""
        own = np.array([s == segment for s, _ in self.cells], bool)
        for at in (own, np.ones(len(self.cells), bool)):
            if self.spend[at].sum() > 0 and self.impressions[at].sum() > 0:
                return float(self.spend[at].sum() / self.impressions[at].sum())
        return None


def read_spend(
    history: pa.Table | None,
    segments: Sequence[str],
    cells: Sequence[tuple[str, str, Lever]],
    day: date,
) -> Spend:
    """Spend and yield of every cell, from all rows known on `day`.

    Args:
        cells: (segment, placement, lever) of the campaign; none: the cells of the history.

    Raises:
        BadData: spend below 0.
    """
    rows = rows_known(history, segments, day)
    seen = versions(rows, rows.arm)
    at = newest(seen)
    table, n = rows.table, rows.table.num_rows
    segment = np.array([segments.index(s) for s, _ in rows.keys], dtype=np.int64)
    placement, placements = _codes(table, "placement", n)
    pair = segment[rows.arm] * len(placements) + placement if n else np.zeros(0, dtype=np.int64)
    met, first, of = np.unique(pair, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = [(segments[int(m) // len(placements)], placements[int(m) % len(placements)]) for m in met[order]]
    levers: dict[tuple[str, str], Lever | None] = {(s, p): lever for s, p, lever in cells}
    if not cells:
        last = np.zeros(len(met), dtype=np.int64)
        last[of] = rows.row_of
        levers = dict(zip(place, _levers(rows.history, last[order]))) or {(s, ""): None for s in segments}
    # A cell that ran before and is no longer in the campaign counts for what was spent, and gets nothing.
    names = tuple(dict.fromkeys([*levers, *place]))
    number = np.empty(len(met), dtype=np.int64)
    number[order] = [names.index(c) for c in place]
    of = number[of]
    spend = _spend(rows.history, rows.row_of)
    age = seen.day.max(initial=0) - seen.day
    recent, valued = at[age[at] < RECENT_DAYS], at[age[at] < VALUE_DAYS]
    days = max(len(np.unique(seen.day[recent])), 1)

    def summed(values: Floats, where: Ints, *, said: bool = False) -> Floats:
        got = np.bincount(of[where], np.nan_to_num(values[where]), len(names))
        if said:
            got = np.where(np.bincount(of[where], np.isfinite(values[where]), len(names)) > 0, got, np.nan)
        return np.asarray(got[: len(levers)], float)

    return Spend(
        cells=tuple(levers), levers=tuple(levers.values()),
        daily_impressions=summed(seen.impressions, recent) / days, daily_spend=summed(spend, recent) / days,
        impressions=summed(seen.impressions, valued), clicks=summed(seen.clicks, valued),
        conversions=summed(seen.conversions, valued, said=True), revenue=summed(seen.revenue * 1e6, valued, said=True),
        spend=summed(spend, valued), stated=bool(np.isfinite(spend[at]).any()), total=float(np.nansum(spend[at])),
        last=max(pc.unique(table["day"]).to_pylist(), default=None) if n else None,
    )  # fmt: skip


def _codes(table: pa.Table, name: str, n: int) -> tuple[Ints, list[str]]:
    """A text column as numbers and their names; '' where nothing is said."""
    if not n or name not in table.column_names:
        return np.zeros(n, dtype=np.int64), [""]
    column = pc.fill_null(pc.cast(table[name], pa.string()), "").combine_chunks().dictionary_encode()
    return np.asarray(column.indices.to_numpy(zero_copy_only=False), np.int64), column.dictionary.to_pylist()


def _levers(history: pa.Table, rows: Ints) -> list[Lever | None]:
    if "lever" not in history.column_names:
        return [None] * len(rows)
    found: list[Lever | None] = history["lever"].take(pa.array(rows)).to_pylist()
    return found


def _spend(history: pa.Table, row_of: Ints) -> Floats:
    if "spend_micros" not in history.column_names:
        return np.full(len(row_of), np.nan)
    column = pc.cast(history["spend_micros"], pa.float64()).combine_chunks()
    found = np.asarray(column.to_numpy(zero_copy_only=False), float)[row_of]
    if (found < 0).any():
        raise BadData(f"history, spend_micros: expected amounts of at least 0, got {np.nanmin(found):.0f}")
    return found
