"""What the night's programme is made of: which bounds can be judged, what arms cost and yield, how far shares may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.bandits.constraints import reachable_lower
from dco.bandits.money_proof import kpi_bounds
from dco.bandits.night import NEEDS, Limit
from dco.elements.model import Fit, fit
from dco.plan.budgets import Cells
from dco.plan.reading import ArmRow, Known
from dco.plan.recipe import SPEEDS, Recipe
from dco.plan.segment import Split
from dco.plan.spend import Spend
from dco.records import MICROS, PlanSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAGES = {"clicks": ("clicks",), "conversions": ("clicks", "conversions"), "revenue": ("clicks", "revenue")}


@dataclass(frozen=True)
class Part:
    """One segment's decision before money: `decided.share` is changed where money or a KPI asks for it."""

    s: int
    segment: str
    arms: list[ArmRow]
    rows: Ints
    decided: Split


def judgeable(
    settings: PlanSettings, known: Known, spend: Spend, pace: float, why: list[str]
) -> tuple[list[tuple[str, float]], set[str]]:
    """KPI bounds that the data can say something about; for the others a sentence says why not."""
    bounds, dropped = [], set()
    has = {"clicks": True, "conversions": known.has_conversions, "revenue": known.has_revenue}
    priced = spend.stated or pace > 0
    for name, value in kpi_bounds(settings):
        if not known.history.clicks.sum():
            why.append(f"{name} cannot be judged before the first clicks are reported.")
        elif not has[NEEDS[name]]:
            why.append(f"{name} cannot be judged: no report states {NEEDS[name]}.")
        elif name != "ctr_min" and not priced:
            why.append(f"{name} cannot be judged: no report states spend, and no budget is set.")
        else:
            bounds.append((name, value))
    if settings.min_spend_micros and not pace > 0:
        why.append(
            "The minimum spend of a creative cannot be kept: no report states spend, and no budget is set."
        )
        dropped.add("min_spend")
    return bounds, dropped


def impression_costs(spend: Spend, parts: Sequence[Part], pace: float, why: list[str]) -> Floats:
    """Micros per impression, float[line]; where no spend is reported, one price for all (1 where there is no budget)."""
    sizes = [len(p.arms) for p in parts]
    if spend.stated and spend.spend.sum() > 0:
        per = [spend.cost(p.segment) or 1.0 for p in parts]
    else:
        shown = float(spend.daily_impressions.sum())
        price = pace / shown if pace > 0 and shown > 0 else 1.0
        per = [price] * len(parts)
        if pace > 0 and shown > 0:
            why.append(
                "No report states spend, so every impression is taken to cost the same: tonight's money over a recent day's "
                f"impressions, {1000 * price / MICROS:,.2f} per thousand."
            )
    return np.repeat(np.array(per, float), sizes)


def posterior_rates(
    settings: PlanSettings, model: Fit, known: Known, parts: Sequence[Part], what: str
) -> Floats:
    """Posterior mean per impression, float[line]: clicks, conversions, or revenue in currency units."""
    stages = STAGES[what]
    fitted = (
        model
        if model.stages == stages
        else fit(
            known.history,
            known.alphabet,
            Recipe().fit(stages, learn_between=SPEEDS[settings.speed].learn_between),
        )
    )
    return posterior_values(fitted, parts)[0]


def posterior_values(model: Fit, parts: Sequence[Part]) -> tuple[Floats, Floats]:
    """Mean float[line] and covariance float[line, line] of the value rate: log-normal, segments apart."""
    means, covs = [], []
    for p in parts:
        mean, cov = model.moments(p.s, model.history.codes[p.rows], p.rows)
        rate = np.exp(mean + np.diag(cov) / 2)
        means.append(rate)
        covs.append(np.outer(rate, rate) * np.expm1(cov))
    n = sum(map(len, means))
    whole_cov, at = np.zeros((n, n)), 0
    for block in covs:
        whole_cov[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return np.concatenate(means), whole_cov


def kept_for_bounds(
    settings: PlanSettings, parts: Sequence[Part], starts: Mapping[str, Floats], arms: list[dict[str, Any]],
    rates: Mapping[str, Floats], cost: Floats, money: Floats, bounds: Sequence[tuple[str, float]], why: list[str],
) -> set[int]:  # fmt: skip
    """Lines of arms that were to leave and stay, because they keep a bound that the wanted mix breaks.

    What earns least by the KPI may be what a bound needs (few clicks, but cheap conversions). An arm that alone would keep
    the bound stays as long as the mix breaks it and the floor has room; where no arm would, a segment's best one stays.
    """
    share = np.concatenate([p.decided.share for p in parts])
    shown = np.repeat(money, [len(p.arms) for p in parts]) / cost
    segment = np.repeat(np.arange(len(parts)), [len(p.arms) for p in parts])
    good, broken = np.ones(len(share), bool), []
    for name, bound in bounds:
        rate = rates[NEEDS[name]] * (MICROS if name == "roas_min" else 1.0)
        over = (
            rate * bound - cost if name == "cpa_max" else rate - bound * (cost if name == "roas_min" else 1.0)
        )
        if (shown * share * over).sum() < 0:
            best = np.array([(over / cost)[segment == k].max() for k in range(len(parts))])
            good &= over / cost >= np.minimum(best, 0.0)[segment]
            broken.append(name)
    found: set[int] = set()
    line = 0
    for p in parts:
        staying = len(p.arms) - len(p.decided.reasons)
        for i, arm in enumerate(p.arms):
            room = (staying + 1) * settings.floor <= 1
            if broken and good[line] and i in p.decided.reasons and starts[p.segment][i] > 0 and room:
                del p.decided.reasons[i]
                p.decided.retired[i] = p.decided.resting[i] = arms[line]["leaving"] = False
                found.add(line)
                staying += 1
                why.append(
                    f"{p.segment}: {arm.arm_id} was to leave and stays, because {' and '.join(broken)} needs it."
                )
            line += 1
    return found


def share_ranges(
    settings: PlanSettings, parts: Sequence[Part], starts: Mapping[str, Floats], kept: set[int]
) -> tuple[Floats, Floats]:
    """Least and largest share of every arm, float[line] each: floor, holdout and step as the wanted shares keep them.

    `kept` arms were given less than they are owed now that they stay.
    """
    lower: list[Floats] = []
    upper: list[Floats] = []
    for p in parts:
        share, control, start = p.decided.share, p.decided.control_share, starts[p.segment]
        leaving = np.array([i in p.decided.reasons for i in range(len(share))])
        low = np.where(leaving, 0.0, settings.floor * (1 - control.sum())) + control
        high = np.ones(len(share))
        if start.sum() > 0:
            low, high = reachable_lower(start, settings.step, low), np.minimum(start + settings.step, 1.0)
        high = np.where(p.decided.retired, 0.0, np.where(leaving, share, high))
        back = np.isin(np.arange(len(share)) + sum(len(v) for v in lower), list(kept))
        lower.append(np.where(back, low, np.minimum(low, share)))
        upper.append(np.maximum(high, share))
    return np.concatenate(lower), np.concatenate(upper)


def least_spend(part: Part, least: float) -> Floats:
    """Minimum spend per arm, in currency units; arms on their way out are owed nothing."""
    return np.array([0.0 if i in part.decided.reasons else least for i in range(len(part.arms))])


def budget_limits(settings: PlanSettings, cells: Cells, pace: float) -> tuple[Limit, ...]:
    """Bounds per segment and placement, as rules on the segments' money; eased as far as the step could not reach them."""
    found = []
    for bound in settings.budget_bounds if pace > 0 else ():
        parts = cells.parts_in(bound)
        at = tuple(int(i) for i in np.flatnonzero(parts > 0))
        low = min(bound.low(pace), cells.eased.get(f"{bound.name} min", np.inf))
        high = max(bound.high(pace), cells.eased.get(f"{bound.name} max", 0.0))
        if at:
            found.append(
                Limit(
                    bound.name,
                    at,
                    low / MICROS * (1 - 1e-9),
                    high / MICROS * (1 + 1e-9),
                    tuple(parts[list(at)].tolist()),
                )
            )
    return tuple(found)
