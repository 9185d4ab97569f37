"""What a run is measured against: an equal split of the starting pool, and a clairvoyant who plays by the same rules.

The oracle knows every rate. In each segment it may make any of `TAKES` creatives of the `TOP` best ideas of the season
(it sees their luck, and what the approver would refuse, beforehand), serves one creative at a time, and refreshes on a
fixed schedule when the gain until the next refresh pays for the new creative. It waits for approval, keeps to the weekly
limit, wears its creatives out and restarts learning phases like everybody; its value is that of the best of several
schedules, in expectation, costs subtracted. It is greedy: a reachable reference and not a proven bound. A share of its
gain over the equal split therefore means the same in every market: 0 is doing nothing, 1 is knowing everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dco.simulate.market import arm_row
from dco.simulate.stage import Bools, Floats, Ints, MarketLike, Stage, Standing, coded

TOP = 8
TAKES = 8
"""Creatives of one idea whose luck the oracle may choose from."""
SEASON = 30
"""Days after which the oracle looks again which ideas are best."""
PERIODS = (1, 2, 4, 8, 16, 400)
"""Days between refreshes; the last stands for once and for all."""


@dataclass(frozen=True)
class Reference:
    """Expected value per night, float64[night], in the KPI's unit, of the equal split and of the oracle (net of costs)."""

    equal: Floats
    oracle: Floats


def reference(
    market: MarketLike,
    start: Sequence[Mapping[str, Any]],
    nights: int,
    kpi: str,
    *,
    creation_cost: float = 0.0,
    approval_nights: int | None = None,
) -> Reference:
    """Both references of a market; remembered in `market.memo`, because every decider is compared with the same.

    Args:
        start: the starting pool, arm rows. creation_cost: in the KPI's unit of value, per creative.
        approval_nights: of every creative; None: as the market says.
    """
    wait = max(market.approval_nights if approval_nights is None else approval_nights, 1)
    key = (nights, kpi, creation_cost, wait, tuple(str(a["arm_id"]) for a in start))
    if key not in market.memo:
        weekly = market.weekly_approvals or np.inf
        plays = [
            _play(market, start, nights, kpi, creation_cost, wait, period)
            for period in PERIODS
            if 7 / period <= weekly
        ]
        market.memo[key] = Reference(
            _equal(market, start, nights, kpi), max(plays, key=lambda v: float(v.sum()))
        )
    found = market.memo[key]
    assert isinstance(found, Reference)
    return found


def candidates(market: MarketLike, kpi: str, nights: int) -> list[dict[str, object]]:
    """Arm rows of the creatives that the oracle may make: `TAKES` of each of the `TOP` ideas per segment and season."""
    key = ("candidates", kpi, nights)
    if key not in market.memo:
        names, ideas = market.segments, market.ideas
        best: dict[tuple[int, int], None] = {}
        for s in range(len(names)):
            where = np.full(len(ideas), s)
            parts = market.idea_parts(where, ideas)
            for day in range(0, nights + SEASON, SEASON):
                value = market.worth(market.truth(_fresh(where, parts), day), kpi)
                top = np.argsort(-value, kind="stable")[:TOP]
                best |= {(s, int(i)): None for i in top}
        genomes = {i: market.alphabet.decode(ideas[i]) for _, i in best}
        rows = [arm_row(names[s], genomes[i], take=k) for s, i in best for k in range(TAKES)]
        wanted = market.verdicts(*coded(market, rows))
        market.memo[key] = [row for row, yes in zip(rows, wanted) if yes]
    found: list[dict[str, object]] = market.memo[key]
    return found


def best_unworn(market: MarketLike, segment: str, day: int, kpi: str) -> float:
    """Value per impression on a day of the segment's best candidate, unworn, with all traffic: more than can be had."""
    season = day // SEASON * SEASON
    key = ("coded", kpi, season)
    if key not in market.memo:
        where, codes, take = coded(market, candidates(market, kpi, season))
        market.memo[key] = _fresh(where, market.parts(where, codes, take))
    standing = market.memo[key]
    value = market.worth(market.truth(standing, day), kpi)
    return float(value[standing.segment == market.segments.index(segment)].max())


def _fresh(segment: Ints, parts: Floats) -> Standing:
    """Arms that were never served, each alone, beyond any learning phase."""
    zero, one = np.zeros(len(segment)), np.ones(len(segment))
    return Standing(segment, parts, zero, zero, zero, one, one * 1e9, True)


def _equal(market: MarketLike, start: Sequence[Mapping[str, Any]], nights: int, kpi: str) -> Floats:
    stage = Stage(market)
    arms = stage.enter(start)
    share = 1.0 / np.bincount(stage.segment, minlength=len(market.segments))[stage.segment]
    return np.array([stage.expected(arms, share, t, kpi) for t in range(nights)])


def _play(
    market: MarketLike,
    start: Sequence[Mapping[str, Any]],
    nights: int,
    kpi: str,
    cost: float,
    wait: int,
    period: int,
) -> Floats:
    """Expected value per night of one refresh schedule; nothing is known on day 0, as for everybody."""
    stage = Stage(market)
    arms = stage.enter(start)
    share = 1.0 / np.bincount(stage.segment, minlength=len(market.segments))[stage.segment]
    made = np.ones(len(arms), bool)
    total = np.zeros(nights)
    # Asked for on night 0, approved on night `wait`, served the day after.
    earliest = wait + 1
    for t in range(nights):
        if t == earliest:
            entered = stage.enter(candidates(market, kpi, nights))
            made = np.concatenate([made, np.zeros(len(entered), bool)])
        if t == 1 or (t >= earliest and (t - earliest) % period == 0):
            until = min(period, nights - t)
            arms, new = _choose(stage, made, t, kpi, cost / until)
            made[arms] = True
            share = np.ones(len(arms))
            total[max(t - earliest, 0)] -= cost * new
        total[t] += stage.expected(arms, share, t, kpi)
    return total


def _choose(stage: Stage, made: Bools, t: int, kpi: str, daily_cost: float) -> tuple[Ints, int]:
    """The arm of each segment that is worth most today, a new one only if it pays; and how many are new."""
    market = stage.market
    everyone = np.arange(len(stage.rows))
    standing = stage.stand(everyone, np.ones(len(everyone)), t, alone=True)
    # A restart of the learning phase is charged by playing the schedule out, not when its creatives are chosen.
    standing = replace(standing, since_edit=np.full(len(everyone), 1e9))
    traffic = np.array(market.daily_impressions, float)[standing.segment]
    value = market.worth(market.truth(standing, t), kpi) * traffic - np.where(made, 0.0, daily_cost)
    chosen = [
        int(everyone[standing.segment == s][np.argmax(value[standing.segment == s])])
        for s in range(len(market.segments))
        if (standing.segment == s).any()
    ]
    arms = np.array(chosen, np.int64)
    return arms, int((~made[arms]).sum())
