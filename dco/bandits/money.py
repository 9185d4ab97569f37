"""One optimiser for shares and money: what every arm of every cell gets tonight, under everything that was promised.

A cell is a place with its own traffic (a segment, or a segment on a placement). The unknowns are money per (cell, arm):
in them floor, holdout, step, spend limits and ratios (cost per conversion <= x is spend - x conversions <= 0) are linear.

Nothing here is greedy. A policy's shares explore on purpose, and a linear programme would throw that away and put all on
one arm. So the answer is the split NEAREST to the wanted one among those that keep every rule: exact and unique, and the wanted split itself where that keeps them. The distance is
chi-square, sum (money - wanted)^2 / wanted, the second-order form of Kullback and Leibler's: money that moves between cells
then leaves the split within each alone. `learn=False` asks for the best split of tonight alone instead.

Risk attitude r: a mix counts with its mean less r posterior sds of its value. The neutral split gives up some expected value
tonight for learning; at risk r it may give up 1 / (1 + r) of that amount, counted in mean less r sds, against the best mix
of that measure. So r = 0 changes nothing, and the larger r, the less is paid for learning and the less for what is uncertain.
The factor is a convention, not a theorem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dco.bandits.night import Night, Rule, checked, number, rules_of
from dco.bandits.programme import Rules, eased, feasible, largest, most_certain, nearest, nearest_certain
from dco.errors import BadData, Infeasible

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST = 1e-4
"""Least wanted money in the distance, as a part of all: an arm wanted by nobody may still be given something."""


@dataclass(frozen=True)
class Money:
    """The answer. `eased` holds the value reached, by rule, where the rule could not be kept; `gap` is what a better answer
    could still gain: in value (risk, or tonight alone) or in distance from the wanted split."""

    money: Floats  # [line]
    share: Floats  # [line] of its cell's impressions
    cell_money: Floats  # [cell]
    kpis: Mapping[str, float]  # expected value of every KPI bound, on posterior means
    wanted_kpis: Mapping[str, float]  # the same of the wanted split
    eased: Mapping[str, float]
    moved: float  # largest change of a share against the wanted split
    risk_moved: float  # the part of it that the risk attitude alone asks for, after every rule is kept
    wanted_broke: tuple[str, ...]  # rules that the wanted split would have broken
    gap: float
    why: tuple[str, ...]


def solve(night: Night, *, strict: bool = False, learn: bool = True) -> Money:
    """The night's money and shares.

    Args:
        strict: refuse rules that cannot hold together; else spend limits, and then KPIs, are kept as nearly as possible, said
            in `why` and `eased`.
        learn: the nearest split to the wanted one; False: the split that is best tonight (mean less risk sds of 'value').

    Raises:
        Infeasible: names a smallest set of rules that conflict, and the value each could have.
        BadData: arrays that do not belong together.
    """
    checked(night)
    rules = rules_of(night)
    goal = _goal(night)
    root = _root(goal)
    kept = _joined(rules, 0)
    if (clash := _conflicting(rules, strict=strict)) is not None:
        raise _conflict(clash)
    start, broken = _near(goal, root, kept, _any(kept)), []
    for tier in (1, 2):
        soft = _joined(rules, tier)
        if not len(soft.bound):
            continue
        inside = _any(kept.and_(soft))
        if inside is None:
            asked = soft
            soft, inside = eased(soft, kept, start)
            broken += _eased_rules(rules, tier, asked, soft)
        kept = kept.and_(soft)
        start = _near(goal, root, kept, inside)
    x, gap = _at_risk(night, goal, root, kept, start, learn)
    return _answer(night, rules, goal, start, x, gap, broken)


def conflict(night: Night) -> tuple[str, ...]:
    """Names of a smallest set of rules that cannot hold together; empty when all can."""
    rules = rules_of(night)
    clash = _conflicting(rules, strict=True)
    return () if clash is None else tuple(r.name for r in _irreducible(clash))


def _conflicting(rules: Sequence[Rule], *, strict: bool) -> Sequence[Rule] | None:
    """Rules that cannot hold together: those nothing may ease, else (strict) all of them; None when they can."""
    hard = [r for r in rules if r.tier == 0]
    if not feasible(_joined(hard, 0)):
        return hard
    return rules if strict and not feasible(_joined(rules, 0, 1, 2)) else None


def _joined(rules: Sequence[Rule], *tiers: int) -> Rules:
    """Rules of some tiers, stacked in order (their number of variables is that of the budget, the first rule)."""
    return Rules.none(rules[0].rules.rows.shape[1]).and_(*(r.rules for r in rules if r.tier in tiers))


def _goal(night: Night) -> Floats:
    weight = night.wanted * night.cost
    per_cell = np.bincount(night.cell, weight, len(night.cells))
    return weight / per_cell[night.cell] * night.money[night.cell] / night.total


def _root(goal: Floats) -> Floats:
    return np.diag(1.0 / np.sqrt(np.maximum(goal, SMALLEST)))


def _any(rules: Rules) -> Floats | None:
    """A point that keeps the rules."""
    return largest(np.zeros(rules.rows.shape[1]), rules)


def _near(goal: Floats, root: Floats, rules: Rules, inside: Floats | None) -> Floats:
    """The nearest point; where rounding leaves the least squares no room, the point already known to keep the rules."""
    try:
        return nearest(goal, root, rules)
    except BadData:
        if inside is None:
            raise
        return inside


def _at_risk(
    night: Night, goal: Floats, root: Floats, kept: Rules, start: Floats, learn: bool
) -> tuple[Floats, float]:
    if learn and night.risk <= 0:
        return start, 0.0
    mean = night.rates["value"] / night.cost
    cov = (
        np.zeros((len(mean), len(mean)))
        if night.cov is None
        else night.cov / np.outer(night.cost, night.cost)
    )
    top = largest(mean, kept)
    most = float(mean @ (start if top is None else top))
    try:
        best = most_certain(mean, cov, night.risk, kept, start)
        if not learn:
            return best.x, best.gap
        least = best.value - max(most - float(mean @ start), 0.0) / (1 + night.risk)
        return nearest_certain(goal, root, kept, mean, cov, night.risk, least, best.x)
    except BadData:  # rounding leaves no room between the rules: what keeps them is served
        sd = float(np.sqrt(max(float(start @ cov @ start), 0.0)))
        return start, max(most - float(mean @ start) + night.risk * sd, 0.0)


def _eased_rules(rules: Sequence[Rule], tier: int, asked: Rules, got: Rules) -> list[str]:
    """Names of a tier's rules whose bound had to give."""
    gave = got.bound - asked.bound > 1e-12
    names = [r.name for r in rules if r.tier == tier for _ in r.rules.bound]
    return list(dict.fromkeys(n for n, g in zip(names, gave) if g))


def _answer(
    night: Night, rules: Sequence[Rule], goal: Floats, start: Floats, x: Floats, gap: float, broken: list[str]
) -> Money:
    share = _shares(night, x)
    moved = float(np.abs(share - night.wanted).max(initial=0.0))
    by_risk = float(np.abs(share - _shares(night, start)).max(initial=0.0))
    if moved <= 1e-12:
        share = night.wanted
    broke = tuple(r.name for r in rules if r.tier > 0 and r.rules.excess(goal).max(initial=0.0) > 1e-9)
    named = {r.name: r for r in rules if r.measure is not None}
    reached = {n: named[n].measure(x) for n in broken}  # type: ignore[misc]
    kpis: dict[str, float] = {n: named[n].measure(x) for n, _ in night.kpis}  # type: ignore[misc]
    before: dict[str, float] = {n: named[n].measure(goal) for n, _ in night.kpis}  # type: ignore[misc]
    why = [_eased_text(named[n], reached[n]) for n in broken]
    why += [_kpi_text(named[n], before[n], kpis[n]) for n in kpis if n not in broken]
    return Money(
        x * night.total, share, np.asarray(np.bincount(night.cell, x, len(night.cells)) * night.total, float), kpis, before, reached, moved,
        by_risk, broke, gap, tuple(why),
    )  # fmt: skip


def _shares(night: Night, x: Floats) -> Floats:
    """Shares of impressions per cell; a cell without money keeps the wanted ones."""
    shown = x / night.cost
    per_cell = np.bincount(night.cell, shown, len(night.cells))[night.cell]
    return np.asarray(np.where(per_cell > 0, shown / np.where(per_cell > 0, per_cell, 1.0), night.wanted))


def _eased_text(rule: Rule, reached: float) -> str:
    value = number(rule.name, reached)
    if rule.tier == 2:
        return (
            f"{rule.text} cannot be met tonight: the nearest mix that everything else allows is expected at {value}, and is "
            f"served; set {rule.name} to {value} or weaker, or loosen floor, holdout, daily step or spend limits"
        )
    return f"{rule.text} cannot be kept tonight: {value} is the nearest that everything else allows"


def _kpi_text(rule: Rule, before: float, now: float) -> str:
    if abs(before - now) <= 1e-6 * abs(now):
        return f"{rule.text} holds: {number(rule.name, now)} is expected, and nothing had to give"
    return (
        f"{rule.text} holds: {number(rule.name, now)} is expected; the mix wanted for learning would have had "
        f"{number(rule.name, before)}, and the nearest mix that keeps the bound is served"
    )


def _irreducible(rules: Sequence[Rule]) -> list[Rule]:
    """Deletion filter (Chinneck and Dravnieks, 1991): drop every rule without which the rest still conflicts."""
    kept = list(rules)
    n = rules[0].rules.rows.shape[1]
    for rule in rules:
        rest = [r for r in kept if r is not rule]
        if not feasible(Rules.none(n).and_(*(r.rules for r in rest))):
            kept = rest
    return kept


def _conflict(rules: Sequence[Rule]) -> Infeasible:
    found = _irreducible(rules)
    ways = [f"{r.name} {number(r.name, v)}" for r in found if (v := _possible(r, rules, found)) is not None]
    text = "; ".join(r.text for r in found)
    return Infeasible(
        f"money: these cannot hold together: {text}"
        + (f" (with the others kept, possible is: {'; or '.join(ways)})" if ways else ""),
        [r.name for r in found],
    )


def _possible(rule: Rule, rules: Sequence[Rule], conflicting: Sequence[Rule]) -> float | None:
    """The value of a rule's own number that all others allow (or, where they conflict too, the others of its conflict)."""
    if rule.measure is None or rule.name == "budget":
        return None
    n = rule.rules.rows.shape[1]
    for others in (rules, conflicting):
        hard = Rules.none(n).and_(*(r.rules for r in others if r is not rule))
        start = largest(np.zeros(n), hard)
        if start is not None and start.sum() > 0:
            return rule.measure(eased(rule.rules, hard, start).x)
    return None
