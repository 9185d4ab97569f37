"""A night's money: how much is due, where it goes, and the shares that keep what was promised in money and KPIs.

Runs after every segment has its wanted shares. Budgets move between segments and placements only where somebody can act on
it (levers 'budget' and 'served'); elsewhere the table says what is expected. Shares are one split per segment on all its
placements, so the placements' parts of a segment's money are settled first (`bandits/budget.py`), and then money per segment
and arm in one programme (`bandits/money.py`).

KPI bounds count on posterior means, over all segments together. The media cost of an impression is a segment's own and the
same for all its arms. Nothing here ever stops a night: what cannot be kept is kept as nearly as it can be, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dco import schemas
from dco.bandits.budget import whole
from dco.bandits.constraints import reachable_lower
from dco.bandits.money import Money, solve
from dco.bandits.money_proof import Stated, kpi_bounds
from dco.bandits.night import NEEDS, KpiName, Limit, Night
from dco.elements.model import Fit, fit
from dco.plan.budgets import Cells, cells_of, due
from dco.plan.reading import ArmRow, Known
from dco.plan.recipe import SPEEDS, Recipe
from dco.plan.segment import Split
from dco.plan.spend import Spend, read_spend
from dco.records import MICROS, PlanSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAGES = {"clicks": ("clicks",), "conversions": ("clicks", "conversions"), "revenue": ("clicks", "revenue")}
SAID = 0.005
"""A share moved by less is not worth a sentence."""


@dataclass(frozen=True)
class Part:
    """One segment's decision before money: `decided.share` is changed where money or a KPI asks for it."""

    s: int
    segment: str
    arms: list[ArmRow]
    rows: Ints
    decided: Split


@dataclass(frozen=True)
class Tonight:
    """`budgets` is `schemas.BUDGETS` (empty where no budget is stated); `notes` says per (segment, arm) what moved it."""

    budgets: pa.Table
    why: tuple[str, ...]
    stated: Stated
    notes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def explain(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Share rows, with what money did to a share added to its `why`."""
        for row in rows:
            note = self.notes.get((row["segment"], row["arm_id"]))
            if note:
                row["why"] = f"{row['why']}; {note}" if row.get("why") else note
        return rows


def tonight(
    settings: PlanSettings,
    model: Fit,
    known: Known,
    history: pa.Table | None,
    day: date,
    parts: Sequence[Part],
) -> Tonight:
    """Settles the night's money; changes `decided.share` of the parts where a promise asks for it."""
    starts = {p.segment: _start(known, p) for p in parts}
    arms = [row for p in parts for row in _arm_rows(p, starts[p.segment])]
    budgeted = bool(settings.daily_micros or settings.total_micros)
    if not parts or not (budgeted or kpi_bounds(settings) or settings.risk or settings.min_spend_micros):
        return Tonight(schemas.BUDGETS.empty_table(), (), Stated(tuple(arms)))
    spend = read_spend(history, settings.segments, settings.cells, day)
    why: list[str] = []
    pace = due(settings, spend, day, why)
    cells = cells_of(settings, model, spend, [p.segment for p in parts], pace, why)
    found, eased, notes = _shares(settings, model, known, spend, cells, parts, starts, arms, pace, why)
    part = cells.part if found is None else cells.part_with(found.cell_money / found.cell_money.sum())
    eased = cells.eased | eased
    rows = cells.rows(part, whole(part, round(pace))) if budgeted and pace >= 1 else []
    per_segment = cells.by_segment(part) * (pace or 1.0)
    return Tonight(
        pa.Table.from_pylist(rows, schemas.BUDGETS),
        tuple(why),
        Stated(
            tuple(arms),
            dict(zip(cells.segments, map(float, per_segment))),
            round(pace) if rows else None,
            max(settings.total_micros - int(spend.total), 0) if settings.total_micros else None,
            eased,
        ),
        notes,
    )


def _start(known: Known, part: Part) -> Floats:
    """Shares that tonight's moves start from, float[arm]; all 0 on a segment's first night."""
    given = np.array([known.previous.get((a.segment, a.arm_id), 0.0) for a in part.arms])
    return given / given.sum() if given.sum() > 0 else given


def _arm_rows(part: Part, start: Floats) -> list[dict[str, Any]]:
    return [
        {
            "segment": part.segment,
            "arm_id": a.arm_id,
            "start": float(start[i]),
            "leaving": i in part.decided.reasons,
        }
        for i, a in enumerate(part.arms)
    ]


def _shares(
    settings: PlanSettings, model: Fit, known: Known, spend: Spend, cells: Cells, parts: Sequence[Part],
    starts: Mapping[str, Floats], arms: list[dict[str, Any]], pace: float, why: list[str],
) -> tuple[Money | None, dict[str, float], dict[tuple[str, str], str]]:  # fmt: skip
    """Solves for money per segment and arm, writes the shares into the parts; None where nothing asks for it."""
    bounds, dropped = _judgeable(settings, known, spend, pace, why)
    risk = settings.risk if known.history.impressions.sum() else 0.0
    least = 0 if "min_spend" in dropped else settings.min_spend_micros
    eased: dict[str, float] = {"min_spend": 0.0} if "min_spend" in dropped else {}
    if not (bounds or risk or least):
        return None, eased, {}
    cost = _costs(spend, parts, pace, why)
    rates = {NEEDS[name]: _rates(settings, model, known, parts, NEEDS[name]) for name, _ in bounds}
    value, cov = _values(model, parts) if risk else (np.zeros(0), None)
    for i, row in enumerate(arms):
        row["cost_micros"] = float(cost[i])
        row |= {
            "revenue_micros" if k == "revenue" else k: float(v[i] * (MICROS if k == "revenue" else 1))
            for k, v in rates.items()
        }
    money = cells.by_segment(cells.part) * (pace / MICROS or 1.0)
    moves = cells.range_of_segments()
    kept = _kept(settings, parts, starts, arms, rates, cost, money, bounds, why)
    lower, upper = _ranges(settings, parts, starts, kept)
    found = solve(
        Night(
            cells=cells.segments, arms=tuple(a.arm_id for p in parts for a in p.arms),
            cell=np.concatenate([np.full(len(p.arms), k) for k, p in enumerate(parts)]),
            wanted=np.concatenate([p.decided.share for p in parts]), money=money,
            cost=cost / MICROS if pace else cost, lower=lower, upper=upper,
            cell_low=money.sum() * moves[0], cell_high=money.sum() * moves[1],
            limits=_limits(settings, cells, pace),
            least=np.concatenate([_least(p, least / MICROS) for p in parts]),
            kpis=tuple((cast(KpiName, n), v / MICROS if n == "cpa_max" else v) for n, v in bounds),
            rates=rates | {"value": value}, cov=cov, risk=risk,
        )
    )  # fmt: skip
    why += [f"All segments: {text}." for text in found.why]
    eased |= {n: v if n in ("roas_min", "ctr_min") else v * MICROS for n, v in found.eased.items()}
    if risk:
        why.append(_risk_text(risk, found))
    return found, eased, _write(parts, found, why)


def _judgeable(
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


def _costs(spend: Spend, parts: Sequence[Part], pace: float, why: list[str]) -> Floats:
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


def _rates(settings: PlanSettings, model: Fit, known: Known, parts: Sequence[Part], what: str) -> Floats:
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
    return _values(fitted, parts)[0]


def _values(model: Fit, parts: Sequence[Part]) -> tuple[Floats, Floats]:
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


def _kept(
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


def _ranges(
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


def _least(part: Part, least: float) -> Floats:
    """Minimum spend per arm, in currency units; arms on their way out are owed nothing."""
    return np.array([0.0 if i in part.decided.reasons else least for i in range(len(part.arms))])


def _limits(settings: PlanSettings, cells: Cells, pace: float) -> tuple[Limit, ...]:
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


def _risk_text(risk: float, found: Money) -> str:
    if found.risk_moved < SAID:
        return f"Risk {risk:g}: the mix is already as sure as asked (mean less {risk:g} sd), so nothing was moved for it."
    return (
        f"Risk {risk:g}: mixes are judged by mean less {risk:g} sd, and learning may cost 1/{1 + risk:g} of what a neutral night "
        f"pays for it; shares move by up to {found.risk_moved:.1%} for it (found to within {found.gap:.1g})."
    )


def _write(parts: Sequence[Part], found: Money, why: list[str]) -> dict[tuple[str, str], str]:
    """The solved shares into the parts, and notes for arms that moved."""
    asked = [*found.wanted_broke, *(["risk"] if found.risk_moved >= SAID else [])]
    reason = " and ".join(asked) or "the budget"
    notes, at = {}, 0
    for p in parts:
        before, share = p.decided.share, found.share[at : at + len(p.arms)]
        at += len(p.arms)
        top = int(np.argmax(p.decided.p_best))
        for i, arm in enumerate(p.arms):
            if abs(share[i] - before[i]) >= SAID:
                notes[p.segment, arm.arm_id] = f"{before[i]:.1%} without {reason}"
        if abs(share[top] - before[top]) >= SAID:
            why.append(
                f"{p.segment}: {p.arms[top].arm_id} gets {share[top]:.1%} instead of {before[top]:.1%}, because of {reason}."
            )
        p.decided.share = share
    return notes
