"""How much money is due tonight, and its parts per segment and placement: `bandits/budget.py` on what the reports say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.bandits.budget import pace, square_root_split, within_limits
from dco.elements.model import Fit
from dco.plan.spend import Spend
from dco.records import MICROS, BudgetBound, Lever, PlanSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOVABLE = ("budget", "served")
"""Levers whose money somebody can set."""
FIRST_PART = 0.25
"""A cell without any report gets this part of an even split: enough to be seen, too little to hurt."""
UNKNOWN = 1e3
"""Variance of the log value of a cell without data: it is taken at the common mean."""
CHANGED = 0.001


@dataclass(frozen=True)
class Cells:
    """Money per (segment, placement). Arrays are [cell]; parts sum to 1. `segments` are those with live arms, in order."""

    keys: tuple[tuple[str, str], ...]
    levers: tuple[Lever | None, ...]
    segments: tuple[str, ...]
    of: Ints  # [cell] index into `segments`
    present: Floats
    part: Floats
    movable: NDArray[np.bool_]
    step: float
    value: Floats  # value per money against the mean, nan where nothing is known
    eased: dict[str, float] = field(default_factory=dict)

    def by_segment(self, part: Floats) -> Floats:
        return np.asarray(np.bincount(self.of, part, len(self.segments)), float)

    def part_with(self, segments: Floats) -> Floats:
        """The cells' parts when segments get other parts: each keeps its mix of placements."""
        own = self.by_segment(self.part)
        part = self.part * (segments / np.where(own > 0, own, 1.0))[self.of]
        return np.asarray(part / part.sum())

    def range_of_segments(self) -> tuple[Floats, Floats]:
        """Least and largest part of every segment; one with a placement that cannot be moved keeps what it has."""
        own = self.by_segment(self.part)
        free = np.bincount(self.of, ~self.movable, len(self.segments)) == 0
        was = self.by_segment(self.present)
        low, high = np.where(free, was * (1 - self.step), own), np.where(free, was * (1 + self.step), own)
        return np.minimum(low, own), np.maximum(high, own)

    def parts_in(self, bound: BudgetBound) -> Floats:
        """float[segment]: the part of each segment's money that a bound counts."""
        inside = np.array([bound.covers(s, p) for s, p in self.keys], bool)
        own = self.by_segment(self.part)
        return self.by_segment(np.where(inside, self.part, 0.0)) / np.where(own > 0, own, 1.0)

    def rows(self, part: Floats, micros: Sequence[int]) -> list[dict[str, Any]]:
        """Rows of `schemas.BUDGETS`."""
        return [
            {
                "segment": segment, "placement": placement, "lever": self.levers[i], "money_micros": micros[i],
                "why": self._why(i, float(part[i])),
            }
            for i, (segment, placement) in enumerate(self.keys)
        ]  # fmt: skip

    def _why(self, i: int, part: float) -> str:
        was = float(self.present[i])
        text = f"{part:.1%} of the night's money"
        if not self.movable[i]:
            lever = f"lever '{self.levers[i]}'" if self.levers[i] else "no lever is known"
            return f"{text}, expected and no advice: {lever}, so its money is not ours to move"
        if abs(part - was) < CHANGED:
            return f"{text}, as until now"
        earns = (
            "" if np.isnan(self.value[i]) else f": its money earns {self.value[i]:.2f} times the mean of all"
        )
        held = ", as far as the daily step allows" if abs(part - was) >= self.step * was - 1e-9 else ""
        return f"{text}, {was:.1%} until now{earns}{held}"


def due(settings: PlanSettings, spend: Spend, day: date, why: list[str]) -> float:
    """Tonight's money in micros: as paced where a budget is stated, else a recent day's spend; 0 where nothing is known."""
    recent = float(spend.daily_spend.sum())
    if not (settings.daily_micros or settings.total_micros):
        return recent
    nights = (settings.horizon_days if settings.nights_left is None else settings.nights_left) + 1
    spent = spend.total
    if settings.total_micros and spend.last is not None:
        silent = max((day - spend.last).days - 1, 0)
        if not spend.stated:
            gone = max((settings.flight_days or nights) - nights, 0)
            spent = settings.total_micros * gone / max(settings.flight_days or nights, 1)
            why.append(
                "Money: no report states spend, so the nights so far are taken to have spent an even pace."
            )
        elif silent and recent:
            spent += silent * recent
            why.append(
                f"Money: reports end on {spend.last}; the {silent} days since are counted at {recent / MICROS:,.2f} a day."
            )
    found = pace(
        settings.total_micros / MICROS, settings.daily_micros / MICROS, spent / MICROS, nights,
        planned_nights=settings.flight_days,
    )  # fmt: skip
    why.append(f"Money: {found.why}.")
    return float(np.floor(found.money * MICROS + 1e-3))


def cells_of(
    settings: PlanSettings, model: Fit, spend: Spend, segments: Sequence[str], money: float, why: list[str]
) -> Cells:
    """Parts of the night's money per cell of the segments with live arms."""
    keep = [i for i, (s, _) in enumerate(spend.cells) if s in segments]
    keys = [spend.cells[i] for i in keep]
    missing = [s for s in segments if s not in {k[0] for k in keys}]
    keys += [(s, "") for s in missing]
    levers = [spend.levers[i] for i in keep] + [None] * len(missing)
    at = np.array(keep, dtype=np.int64)

    def cell(values: Floats) -> Floats:
        return np.concatenate([values[at], np.zeros(len(missing))])

    names = tuple(s for s in segments if any(k[0] == s for k in keys))
    shown = cell(
        spend.daily_spend if spend.stated and spend.daily_spend.sum() > 0 else spend.daily_impressions
    )
    present = _present(shown)
    budgeted = bool(settings.daily_micros or settings.total_micros)
    movable = np.array([budgeted and lever in MOVABLE for lever in levers], bool)
    log_value, variance, known = _values(settings, model, spend, cell)
    # A lone movable cell has nobody to trade with; parts of cells that stay put are not up for sharing either.
    target = np.array(present)
    if movable.sum() > 1 and known[movable].sum() > 1:
        among = present[movable] / present[movable].sum()
        target[movable] = (
            square_root_split(among, log_value[movable], variance[movable]) * present[movable].sum()
        )
    bounds = [
        (tuple(i for i, k in enumerate(keys) if b.covers(*k)), b.low(money) / money, b.high(money) / money, b)
        for b in settings.budget_bounds
        if money > 0
    ]
    part = target
    if movable.sum() > 1:
        part = within_limits(target, present, settings.step, movable, [b[:3] for b in bounds])
    eased = _eased(bounds, part, money, why)
    mean = (
        float((present[known] * np.exp(log_value[known])).sum() / present[known].sum())
        if known.any()
        else 1.0
    )
    of = np.array([names.index(s) for s, _ in keys], dtype=np.int64)
    value = np.where(known, np.exp(log_value) / mean, np.nan)
    return Cells(tuple(keys), tuple(levers), names, of, present, part, movable, settings.step, value, eased)


def _present(shown: Floats) -> Floats:
    n = len(shown)
    if shown.sum() <= 0:
        return np.full(n, 1.0 / n)
    part = shown / shown.sum()
    part = np.where(part > 0, part, FIRST_PART / n)
    return np.asarray(part / part.sum())


def _values(
    settings: PlanSettings, model: Fit, spend: Spend, cell: Any
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Log of what a cell's money earned, its variance, and whether anything is known: events per spend (else impression).

    The half event is Jeffreys'; the variance is a Poisson count's times the model's dispersion, twice that for revenue, whose
    orders differ about as much as exponential ones.
    """
    clicks, conversions, revenue = cell(spend.clicks), cell(spend.conversions), cell(spend.revenue)
    counts, gained, spread = clicks, clicks, 1.0
    if settings.kpi != "ctr" and np.isfinite(conversions).any():
        counts = gained = np.nan_to_num(conversions)
    if settings.kpi in ("roas", "revenue_per_impression") and np.isfinite(revenue).any():
        per_event = np.nansum(revenue) / max(float(counts.sum()), 1.0)
        gained, spread = np.nan_to_num(revenue) / max(per_event, 1e-9), 2.0
    base = cell(spend.spend if spend.stated and spend.spend.sum() > 0 else spend.impressions)
    known = base > 0
    if not known.any():
        return np.zeros(len(base)), np.full(len(base), UNKNOWN), known
    log_value = np.where(known, np.log((gained + 0.5) / np.where(known, base, 1.0)), 0.0)
    log_value = np.where(known, log_value, log_value[known].mean())
    dispersion = float(model.rates[-1].dispersion) if spend.clicks.sum() > 0 else 1.0
    variance = np.where(known, spread * max(dispersion, 1.0) / (counts + 0.5), UNKNOWN)
    return log_value, variance, known


def _eased(
    bounds: Sequence[tuple[tuple[int, ...], float, float, BudgetBound]],
    part: Floats,
    money: float,
    why: list[str],
) -> dict[str, float]:
    """Bounds that tonight's step does not reach: name and the money reached, in micros; with a sentence each."""
    found = {}
    for inside, low, high, bound in bounds:
        has = float(part[list(inside)].sum())
        for side, broken, asked in (("min", has < low - 1e-7, low), ("max", has > high + 1e-7, high)):
            if broken:
                found[f"{bound.name} {side}"] = has * money
                why.append(
                    f"Money: {bound.name} {side} {asked * money / MICROS:,.2f} cannot be reached tonight, because a budget moves by "
                    f"at most the daily step and only where the lever is ours; {has * money / MICROS:,.2f} is the nearest."
                )
    return found
