"""What a run is measured against: an equal split of the starting pool, and a clairvoyant who plays by the same rules.

The oracle knows every rate. In each segment it may make any of `TAKES` creatives of each of the `TOP` best ideas of
the season that would be approved (it sees their luck beforehand; what is used is followed by
another), serves one creative at a time, and refreshes on a
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

from dco.simulate.rows import arm_row
from dco.simulate.stage import Bools, Floats, Ints, MarketLike, Stage, Standing, coded

TOP = 8
TAKES = 8
"""Creatives of one idea whose luck the oracle may choose from."""
ASKED = 25
"""Times `TOP` ideas that the oracle would show to the approver to have `TOP` approved."""
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
    """Arm rows of the creatives the oracle may make: per segment and season `TOP * TAKES` that would be approved."""
    key = ("candidates", kpi, nights)
    if key not in market.memo:
        ideas = market.ideas
        best: dict[tuple[int, int, int], None] = {}
        for s in range(len(market.segments)):
            where = np.full(len(ideas), s)
            parts = market.idea_parts(where, ideas)
            for day in range(0, nights + SEASON, SEASON):
                value = market.worth(market.truth(_fresh(where, parts), day), kpi)
                # Where a person refuses, the best ideas may all be refused: more are asked about than can be kept.
                top = np.argsort(-value, kind="stable")[: TOP * ASKED]
                idea, take = np.repeat(top, TAKES), np.tile(np.arange(TAKES), len(top))
                yes = market.verdicts(np.full(len(idea), s), ideas[idea], take)
                kept = zip(idea[yes][: TOP * TAKES], take[yes][: TOP * TAKES])
                best |= {(s, int(i), int(k)): None for i, k in kept}
        genomes = {i: market.alphabet.decode(ideas[i]) for _, i, _ in best}
        market.memo[key] = [arm_row(market.segments[s], genomes[i], take=k) for s, i, k in best]
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
    offer = candidates(market, kpi, nights)
    supply = _Supply(market, offer)
    for t in range(nights):
        if t == earliest:
            entered = stage.enter(offer)
            made = np.concatenate([made, np.zeros(len(entered), bool)])
        if t == 1 or (t >= earliest and (t - earliest) % period == 0):
            until = min(period, nights - t)
            arms = _choose(stage, made, t, kpi, cost / until)
            new = arms[~made[arms]]
            total[max(t - earliest, 0)] -= cost * len(new)
            share = np.ones(len(arms))
            # What was made is followed by another take, so that there is always something fresh to choose from.
            entered = stage.enter(supply.after([stage.rows[i] for i in new]))
            made[arms] = True
            made = np.concatenate([made, np.zeros(len(entered), bool)])
        total[t] += stage.expected(arms, share, t, kpi)
    return total


def _choose(stage: Stage, made: Bools, t: int, kpi: str, daily_cost: float) -> Ints:
    """The arm of each segment that is worth most today, a new one only if it pays."""
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
    return np.array(chosen, np.int64)


class _Supply:
    """Further takes of ideas, numbered on from those the oracle knows."""

    def __init__(self, market: MarketLike, rows: Sequence[Mapping[str, Any]]) -> None:
        self._market = market
        self._next: dict[tuple[str, ...], int] = {}
        for row in rows:
            key = self._key(row)
            self._next[key] = max(self._next.get(key, 0), int(row["take"]) + 1)

    def after(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
        """For each arm one more creative of its idea, where one of the next few would be approved."""
        found: list[dict[str, object]] = []
        for row in rows:
            key = self._key(row)
            takes = np.arange(self._next[key], self._next[key] + ASKED)
            segment, codes, _ = coded(self._market, [row])
            yes = self._market.verdicts(segment.repeat(ASKED), codes.repeat(ASKED, axis=0), takes)
            self._next[key] = int(takes[-1]) + 1 if not yes.any() else int(takes[yes][0]) + 1
            if yes.any():
                found.append(arm_row(str(row["segment"]), row["attributes"], take=int(takes[yes][0])))
        return found

    @staticmethod
    def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
        return (str(row["segment"]), *row["attributes"].values())
