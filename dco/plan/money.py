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
from dco.bandits.money import Money, solve
from dco.bandits.money_proof import Stated, kpi_bounds
from dco.bandits.night import NEEDS, KpiName, Night
from dco.elements.model import Fit
from dco.plan.budgets import Cells, cells_of, due
from dco.plan.money_facts import (
    Part,
    budget_limits,
    impression_costs,
    judgeable,
    kept_for_bounds,
    least_spend,
    posterior_rates,
    posterior_values,
    share_ranges,
)
from dco.plan.reading import Known
from dco.plan.spend import Spend, read_spend
from dco.records import MICROS, PlanSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAID = 0.005
"""A share moved by less is not worth a sentence."""


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
    bounds, dropped = judgeable(settings, known, spend, pace, why)
    risk = settings.risk if known.history.impressions.sum() else 0.0
    least = 0 if "min_spend" in dropped else settings.min_spend_micros
    eased: dict[str, float] = {"min_spend": 0.0} if "min_spend" in dropped else {}
    if not (bounds or risk or least):
        return None, eased, {}
    cost = impression_costs(spend, parts, pace, why)
    rates = {NEEDS[name]: posterior_rates(settings, model, known, parts, NEEDS[name]) for name, _ in bounds}
    value, cov = posterior_values(model, parts) if risk else (np.zeros(0), None)
    for i, row in enumerate(arms):
        row["cost_micros"] = float(cost[i])
        row |= {
            "revenue_micros" if k == "revenue" else k: float(v[i] * (MICROS if k == "revenue" else 1))
            for k, v in rates.items()
        }
    money = cells.by_segment(cells.part) * (pace / MICROS or 1.0)
    moves = cells.range_of_segments()
    kept = kept_for_bounds(settings, parts, starts, arms, rates, cost, money, bounds, why)
    lower, upper = share_ranges(settings, parts, starts, kept)
    found = solve(
        Night(
            cells=cells.segments, arms=tuple(a.arm_id for p in parts for a in p.arms),
            cell=np.concatenate([np.full(len(p.arms), k) for k, p in enumerate(parts)]),
            wanted=np.concatenate([p.decided.share for p in parts]), money=money,
            cost=cost / MICROS if pace else cost, lower=lower, upper=upper,
            cell_low=money.sum() * moves[0], cell_high=money.sum() * moves[1],
            limits=budget_limits(settings, cells, pace),
            least=np.concatenate([least_spend(p, least / MICROS) for p in parts]),
            kpis=tuple((cast(KpiName, n), v / MICROS if n == "cpa_max" else v) for n, v in bounds),
            rates=rates | {"value": value}, cov=cov, risk=risk,
        )
    )  # fmt: skip
    why += [f"All segments: {text}." for text in found.why]
    eased |= {n: v if n in ("roas_min", "ctr_min") else v * MICROS for n, v in found.eased.items()}
    if risk:
        why.append(_risk_text(risk, found))
    return found, eased, _write(parts, found, why)


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
