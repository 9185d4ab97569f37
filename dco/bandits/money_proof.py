"""The proof at publish: every promise of a night, checked on the final numbers by another route than the solver's.

Plain sums over the rows that are about to be published, against the buyer's own settings. Of the plan only facts are taken
(`Stated`): from where shares moved, what is known of an arm's cost and yield, and which promises it said it could not keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, inf, isfinite
from typing import Any

from dco.bandits.night import NEEDS
from dco.records import MICROS, PlanSettings

EXACT = 1e-9
"""What rounding may do to a share."""
RATIO = 1e-6
"""What rounding may do to a ratio, as a part of it."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stated:
    """What the plan states about its night, JSON-able.

    `arms`: segment, arm_id, start (share it moved from; all 0 in a segment: a first night), leaving, and per impression
    cost_micros, clicks, conversions, revenue_micros where known. `segments`: money in micros per segment, {} if unknown.
    `money_micros`: to be spent tonight in all; `left_micros`: of the total budget; None where no budget is stated.
    `eased`: promise -> the value that could be reached instead (micros for money).
    """

    arms: tuple[Row, ...] = ()
    segments: Mapping[str, float] = field(default_factory=dict)
    money_micros: int | None = None
    left_micros: int | None = None
    eased: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "arms": [dict(a) for a in self.arms],
            "segments": dict(self.segments),
            "money_micros": self.money_micros,
            "left_micros": self.left_micros,
            "eased": dict(self.eased),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Stated:
        """The stated of a stored plan; an empty one where a plan states nothing."""
        if not said:
            return cls()
        return cls(
            tuple(said["arms"]), said["segments"], said["money_micros"], said["left_micros"], said["eased"]
        )


def prove(
    shares: Iterable[Row], settings: PlanSettings, stated: Stated = Stated(), budgets: Sequence[Row] = ()
) -> list[str]:
    """The promises that these numbers break, each in one sentence with its numbers; empty when all hold.

    Args:
        shares: rows as in `schemas.SHARES`; budgets: rows as in `schemas.BUDGETS`.
    """
    rows = list(shares)
    if bad := [b for r in rows if (b := _broken_number(r))]:
        return bad
    found: list[str] = []
    for segment in dict.fromkeys([r["segment"] for r in rows]):
        mine = [r for r in rows if r["segment"] == segment]
        known = [a for a in stated.arms if a["segment"] == segment]
        found += _of_segment(segment, mine, known, settings)
        found += _spend_of_arms(segment, mine, known, settings, stated)
    found += _kpis(rows, settings, stated)
    return found + _money(budgets, settings, stated)


def _broken_number(row: Row) -> str:
    share, control = row["share"], row.get("control_share") or 0.0
    where = f"{row['segment']}, {row['arm_id']}"
    if not (isfinite(share) and isfinite(control)):
        return f"{where}: share {share} with control share {control} is not a finite number"
    if not -EXACT <= control <= share + EXACT <= 1 + 2 * EXACT:
        return f"{where}: expected 0 <= control share <= share <= 1, got {control:.6g} and {share:.6g}"
    return ""


def _of_segment(segment: str, rows: Sequence[Row], known: Sequence[Row], settings: PlanSettings) -> list[str]:
    found = []
    if len({r["arm_id"] for r in rows}) < len(rows):
        found.append(f"{segment}: an arm has two shares")
    if abs(fsum(r["share"] for r in rows) - 1) > EXACT:
        found.append(f"{segment}: shares sum to {fsum(r['share'] for r in rows):.9g}, expected 1")
    control = {
        r["arm_id"]: r.get("control_share") or 0.0 for r in rows if (r.get("control_share") or 0.0) > 0
    }
    if not known:
        return found
    held = fsum(control.values())
    if control and abs(held - settings.holdout) > EXACT:
        found.append(
            f"{segment}, holdout: {held:.6g} is served to the starting arms, promised is {settings.holdout:g}"
        )
    if control and max(control.values()) - min(control.values()) > EXACT:
        found.append(
            f"{segment}, holdout: expected an equal split, got {min(control.values()):.6g} to {max(control.values()):.6g}"
        )
    share = {r["arm_id"]: r["share"] for r in rows}
    start = {a["arm_id"]: a["start"] for a in known}
    if unknown := sorted(set(share) - set(start)):
        found.append(f"{segment}, {unknown[0]}: has a share, but the plan does not know it")
    if fsum(start.values()) > EXACT:
        for arm, before in start.items():
            now = share.get(arm, 0.0)
            if abs(now - before) > settings.step + EXACT:
                found.append(
                    f"{segment}, {arm}, daily step: moves from {before:.6g} to {now:.6g}, more than {settings.step:g}"
                )
    owed = {
        a["arm_id"]: (0.0 if a["leaving"] else settings.floor * (1 - held)) + control.get(a["arm_id"], 0.0)
        for a in known
    }
    return found + _floor(segment, share, start, owed, settings.step)


def _floor(
    segment: str,
    share: Mapping[str, float],
    start: Mapping[str, float],
    owed: Mapping[str, float],
    step: float,
) -> list[str]:
    """Arms below what they are owed, unless the step explains it.

    The step explains it for an arm that rose by all of it, and for all arms when together they could not be lifted any
    further: then nobody may be below the common fraction that could be had.
    """
    below = [a for a in owed if share.get(a, 0.0) < owed[a] - EXACT]
    if not below:
        return []
    first = fsum(start.values()) <= EXACT
    short = [a for a in below if first or share.get(a, 0.0) < start[a] + step - EXACT]
    if short and not first:
        part = min(share.get(a, 0.0) / owed[a] for a in short) * (1 + RATIO) + EXACT
        need = fsum(max(start[a] - step, min(part * owed[a], start[a] + step), 0.0) for a in owed)
        if need > 1 - EXACT:
            return []
    return [
        f"{segment}, {a}, floor: has {share.get(a, 0.0):.6g} of the impressions, owed are {owed[a]:.6g}"
        for a in short
    ]


def _spend_of_arms(
    segment: str, rows: Sequence[Row], known: Sequence[Row], settings: PlanSettings, stated: Stated
) -> list[str]:
    least, money = settings.min_spend_micros, stated.segments.get(segment)
    if not least or money is None:
        return []
    owed = min(least, stated.eased.get("min_spend", inf))
    cost = {a["arm_id"]: a.get("cost_micros") or 1.0 for a in known}
    leaving = {a["arm_id"] for a in known if a["leaving"]}
    whole = fsum(r["share"] * cost.get(r["arm_id"], 1.0) for r in rows)
    found = []
    for r in rows:
        given = money * r["share"] * cost.get(r["arm_id"], 1.0) / whole
        if r["arm_id"] not in leaving and given < owed * (1 - RATIO) - 1:
            found.append(
                f"{segment}, {r['arm_id']}, min_spend: gets {given / MICROS:,.2f} tonight, promised are {owed / MICROS:,.2f}"
            )
    return found


def _kpis(rows: Sequence[Row], settings: PlanSettings, stated: Stated) -> list[str]:
    """Ratios on the posterior means the plan states, over all segments together."""
    found = []
    about = {(a["segment"], a["arm_id"]): a for a in stated.arms}
    for name, bound in kpi_bounds(settings):
        gained = {"conversions": "conversions", "revenue": "revenue_micros", "clicks": "clicks"}[NEEDS[name]]
        if not stated.segments or any(
            a.get(gained) is None or a.get("cost_micros") is None for a in stated.arms
        ):
            continue  # the plan says why it could not be judged
        spend = shown = events = 0.0
        for segment, money in stated.segments.items():
            mine = [
                (r["share"], a)
                for r in rows
                if (a := about.get((segment, r["arm_id"]))) and r["segment"] == segment
            ]
            price = fsum(s * a["cost_micros"] for s, a in mine)
            impressions = money / price if price > 0 else 0.0
            spend, shown = spend + money, shown + impressions
            events += impressions * fsum(s * a[gained] for s, a in mine)
        has = (
            (spend / events if events else inf)
            if name == "cpa_max"
            else events / (spend if name == "roas_min" else shown)
        )
        easy = stated.eased.get(name, bound)
        if name == "cpa_max" and has > max(bound, easy) * (1 + RATIO):
            found.append(
                f"cpa_max: {has / MICROS:,.4f} is expected, promised is at most {max(bound, easy) / MICROS:,.4f}"
            )
        if name != "cpa_max" and has < min(bound, easy) * (1 - RATIO):
            found.append(f"{name}: {has:,.6g} is expected, promised is at least {min(bound, easy):,.6g}")
    return found


def kpi_bounds(settings: PlanSettings) -> list[tuple[str, float]]:
    """KPI bounds that are set; cost per conversion in micros."""
    said = {"cpa_max": settings.cpa_max_micros, "roas_min": settings.roas_min, "ctr_min": settings.ctr_min}
    return [(name, float(value)) for name, value in said.items() if value]


def _money(budgets: Sequence[Row], settings: PlanSettings, stated: Stated) -> list[str]:
    if not budgets or stated.money_micros is None:
        return []
    found = []
    total = sum(b["money_micros"] for b in budgets)
    if any(b["money_micros"] < 0 for b in budgets):
        found.append(
            f"budget: a segment's money is below 0 ({min(b['money_micros'] for b in budgets)} micros)"
        )
    if len({(b["segment"], b["placement"]) for b in budgets}) < len(budgets):
        found.append("budget: a segment has two budgets on one placement")
    if total != stated.money_micros:
        found.append(
            f"budget: the parts sum to {total / MICROS:,.2f}, tonight's money is {stated.money_micros / MICROS:,.2f}"
        )
    for name, most in (("daily", settings.daily_micros or None), ("total", stated.left_micros)):
        if most is not None and total > most:
            found.append(
                f"budget.{name}: {total / MICROS:,.2f} is planned tonight, {most / MICROS:,.2f} may be spent"
            )
    for bound in settings.budget_bounds:
        inside = [b for b in budgets if bound.covers(b["segment"], b["placement"])]
        given, rounding = sum(b["money_micros"] for b in inside), len(budgets) + RATIO * total
        low = min(bound.low(total), stated.eased.get(f"{bound.name} min", inf))
        high = max(bound.high(total), stated.eased.get(f"{bound.name} max", 0.0))
        if inside and not low - rounding <= given <= high + rounding:
            found.append(
                f"{bound.name}: {given / MICROS:,.2f} is planned, promised are {low / MICROS:,.2f} to {high / MICROS:,.2f}"
            )
    return found
