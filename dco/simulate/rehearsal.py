"""A campaign rehearsed: its own space, segments and traffic on markets with a known truth, night after night.

One `Trial` is one scenario on one market with one seed. The truth, the starting creatives and the traffic's draws depend
on (market, run) and not on the scenario, so that scenarios are compared on the same truths (common random numbers).
All of it is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from dco import registry
from dco.errors import BadData, UnknownName
from dco.records import Space
from dco.simulate.loop import Decision, Night, run
from dco.simulate.market import BaseMarket
from dco.simulate.rows import arm_row
from dco.simulate.stage import Ints, Standing, coded

Floats = NDArray[np.float64]

CAUTIOUS, NULL = "faint", "null"
NEAR = 0.05
"""A leader counts as right if no starting creative is better by more than this (an indifference zone, Bechhofer 1954)."""
MOST_NIGHTS = 365


@dataclass(frozen=True)
class Profile:
    """A kind of truth the campaign may meet: a market of the family with changed fields, and words for a reader."""

    name: str
    market: str
    words: str
    changes: Mapping[str, float] = field(default_factory=dict)


PROFILES: Mapping[str, Profile] = {
    p.name: p
    for p in (
        Profile(
            CAUTIOUS, "additive", "ads differ as little as in real headline tests",
            {"creative_sd": 0.18, "attribute_share": 0.30, "buy_sd": 0.07},
        ),
        Profile("additive", "additive", "ads differ clearly, options add up"),
        Profile("interactions", "interactions", "options work in pairs"),
        Profile("drift", "drift", "tastes change over the season"),
        Profile(NULL, NULL, "no ad is better than another"),
    )
}  # fmt: skip
"""`faint` is the unkind one: click rates of random ads differ by 18 % (log-sd, fitted to real headline tests) and options
explain 30 % of that; in the other markets of difference it is 30 %, of which options explain 60 to 80 %."""


def profile(name: str) -> Profile:
    """One of `PROFILES`, or any other market of the family as it is.

    Raises:
        UnknownName: neither.
    """
    if name in PROFILES:
        return PROFILES[name]
    known = registry.names("markets")
    if name not in known:
        raise UnknownName("market", name, {*PROFILES, *known}, where="rehearse")
    return Profile(name, name, f"the '{name.replace('_', ' ')}' market")


@dataclass(frozen=True)
class Traffic:
    """What a campaign can expect before anything is learnt; arrays are per segment.

    `impressions` are per day, `levels` the segments' CTR as multiples of `ctr`, `order_value` is in currency units.
    """

    segments: tuple[str, ...]
    impressions: tuple[int, ...]
    ctr: float
    cvr: float
    order_value: float
    levels: tuple[float, ...] = ()

    def events(self, kpi: str) -> float:
        """Clicks (ctr) or conversions (else) a day, of average ads."""
        levels = self.levels or (1.0,) * len(self.segments)
        clicks = self.ctr * sum(n * x for n, x in zip(self.impressions, levels, strict=True))
        return clicks if kpi == "ctr" else clicks * self.cvr

    def worth(self, kpi: str) -> float:
        """Value a day in the KPI's unit: clicks, conversions (cpa), or revenue in currency units."""
        return self.events(kpi) * (1.0 if kpi in ("ctr", "cpa") else self.order_value)

    def times(self, factor: float) -> Traffic:
        """The same with another budget."""
        return replace(self, impressions=tuple(round(n * factor) for n in self.impressions))


@dataclass(frozen=True)
class Scenario:
    """What a buyer can choose. `start` creatives per segment, at most `new` a night and segment, `budget` as a multiple of
    the planned one, `nights` that are simulated, out of a flight of `flight`."""

    start: int
    new: int
    budget: float
    nights: int
    flight: int

    def differs(self, planned: Scenario) -> dict[str, float]:
        """What is not as planned."""
        names = ("start", "new", "budget", "nights")
        return {n: getattr(self, n) for n in names if getattr(self, n) != getattr(planned, n)}


@dataclass(frozen=True)
class Trial:
    """One run; arrays float64[night]. `engine` is expected value in the KPI's unit, net of the creatives made;
    `equal` the same of an equal split of the starting creatives; `right` the share of segments whose leader among the
    starting creatives is right; `made` the creatives made after the start."""

    market: str
    run: int
    engine: Floats
    equal: Floats
    right: Floats
    made: Ints


def build(profile: Profile, traffic: Traffic, space: Space, seed: int, run: int) -> BaseMarket:
    """The truth of one run: the same whatever the scenario."""
    maker = registry.load("markets", profile.market)
    market: BaseMarket = maker(
        seed=_seed(seed, profile.name, run), space=space, segments=traffic.segments,
        daily_impressions=traffic.impressions, base_ctr=traffic.ctr, base_cvr=traffic.cvr, base_aov=traffic.order_value,
        segment_levels=traffic.levels, **profile.changes,
    )  # fmt: skip
    return market


def generator(seed: int, market: str, run: int, purpose: int) -> np.random.Generator:
    """The randomness of one run for one purpose; scenarios share it."""
    return np.random.default_rng([_seed(seed, market, run), purpose])


def _seed(seed: int, market: str, run: int) -> int:
    return int(np.random.SeedSequence([seed, crc32(market.encode()), run]).generate_state(1)[0])


def pool_rows(segments: Mapping[str, Sequence[Mapping[str, str]]]) -> list[dict[str, object]]:
    """Starting creatives as arm rows, from ideas per segment."""
    return [arm_row(s, idea, control=True) for s, ideas in segments.items() for idea in ideas]


def trial(
    market: BaseMarket,
    decide: Callable[[Night], Decision],
    pool: Sequence[dict[str, object]],
    scenario: Scenario,
    rng: np.random.Generator,
    *,
    name: str,
    run_number: int,
    kpi: str,
    creation_cost: float,
    approval_nights: int,
) -> Trial:
    """Drive a decider through one scenario.

    Args:
        pool: starting creatives, arm rows. creation_cost: of one creative, in the KPI's unit of value.

    Raises:
        BadData: no starting creatives; a decision the loop refuses.
    """
    if not pool:
        raise BadData("rehearse: there are no starting creatives; the space allows none")
    watched = _Watched(market, decide, list(pool), scenario.nights, kpi)
    found = run(
        _WithPool(market, list(pool)), watched, scenario.nights, rng, kpi=kpi, start_per_segment=scenario.start,
        creation_cost=creation_cost, approval_nights=approval_nights, max_new=max(scenario.new, 1),
    )  # fmt: skip
    return Trial(name, run_number, found.engine, found.equal, watched.right, found.created)


class _WithPool:
    """A market whose starting pool is given instead of drawn."""

    def __init__(self, market: BaseMarket, pool: list[dict[str, object]]) -> None:
        self._market, self._pool = market, pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def starting_pool(self, n_per_segment: int) -> list[dict[str, object]]:
        return list(self._pool)


class _Watched:
    """A decider that is asked nightly which starting creative it believes best, and compared with the truth."""

    def __init__(
        self,
        market: BaseMarket,
        decide: Callable[[Night], Decision],
        pool: list[dict[str, object]],
        nights: int,
        kpi: str,
    ) -> None:
        self._market, self._decide, self._pool, self._kpi = market, decide, pool, kpi
        self._segment, codes, take = coded(market, pool)
        self._parts = market.parts(self._segment, codes, take)
        self._leader: dict[str, str] = {}
        self.right = np.zeros(nights)

    def __call__(self, night: Night) -> Decision:
        decision = self._decide(night)
        shares = decision.shares
        rows = shares.to_pylist() if hasattr(shares, "to_pylist") else shares
        best: dict[str, float] = {}
        starting = {(str(a["segment"]), str(a["arm_id"])) for a in self._pool}
        for row in rows:
            mean, segment = row.get("mean"), str(row["segment"])
            if (segment, str(row["arm_id"])) in starting and mean is not None and mean > best.get(segment, 0):
                best[segment], self._leader[segment] = mean, str(row["arm_id"])
        self.right[night.index] = self._share_right(night)
        return decision

    def _share_right(self, night: Night) -> float:
        value = self._values(night)
        right = []
        for s, segment in enumerate(self._market.segments):
            mine = np.flatnonzero(self._segment == s)
            led = [i for i in mine if self._pool[i]["arm_id"] == self._leader.get(segment)]
            if len(mine):
                # Before the first click nobody leads: any of them is a guess.
                at_par = value[mine] >= (1 - NEAR) * value[mine].max()
                right.append(
                    float(value[led[0]] >= (1 - NEAR) * value[mine].max()) if led else float(at_par.mean())
                )
        return float(np.mean(right))

    def _values(self, night: Night) -> Floats:
        """True value per impression tomorrow of each starting creative, had it all traffic."""
        counts = night.counts
        rows = np.array([counts.row[str(a["segment"]), str(a["arm_id"])] for a in self._pool])
        first = counts.first_day[rows]
        age = np.where(first < 0, 0, night.index + 1 - first).astype(float)
        one = np.ones(len(rows))
        standing = Standing(
            self._segment,
            self._parts,
            age,
            counts.impressions[rows],
            counts.clicks[rows],
            one,
            one * 1e9,
            True,
        )
        return self._market.worth(self._market.truth(standing, night.index + 1), self._kpi)
