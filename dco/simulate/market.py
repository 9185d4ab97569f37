"""What every simulated market is: a seeded truth, traffic, and reports in which conversions arrive late.

All numbers made here are simulated. Effect sizes span what is known of real ads: between unlike creatives of one product
a log-sd of CTR of .18 (fitted to real headline tests) to .30 (a kind market), of which options explain .3 to .8. Markets
differ from each other on purpose, so that no engine is tuned to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtri

from dco.elements.alphabet import Alphabet
from dco.records import Space, content_hash
from dco.simulate.oracle import best_unworn
from dco.simulate.rows import DEMO_SPACE, WIDE_SPACE, Rates, Served, arm_row, scrambled
from dco.simulate.stage import Bools, Drawn, Floats, Ints, Standing, coded

__all__ = [
    "BUY",
    "CLICK",
    "DEMO_SPACE",
    "LUCK",
    "ORDER",
    "WIDE_SPACE",
    "BaseMarket",
    "Rates",
    "Served",
    "arm_row",
]


MANY_IDEAS = 200_000
"""Ideas that an oracle looks through at most."""


@dataclass(frozen=True)
class Tastes:
    """Log effects of options: `click[s]` and `buy[s]` are float[width], aligned to `Alphabet.design`."""

    click: Floats  # [segment, width]
    buy: Floats  # [segment, width]
    order: Floats  # [segment, width]


CLICK, BUY, ORDER, LUCK = range(4)
"""Columns of `BaseMarket.parts`: log effects on CTR, CVR and order value, and the creative's own luck on CTR."""


@dataclass(frozen=True)
class BaseMarket:
    """A market whose log rates are additive in the options, plus each creative's own luck; parts override `idea_parts`.

    `creative_sd` is the log-sd of CTR between random creatives; `attribute_share` the share of that variance that is
    common to all creatives of an idea, of which `own_share` differs by segment. The rest is the luck of a creative: it
    is not in its options, and another take of the same idea has another. A day's rates move by `week_sd` with the day
    of the week, by a slow walk, and each arm-day scatters by `day_sd` beyond Poisson.
    """

    kpi: ClassVar[str] = "ctr"
    """What the market is meant to be judged by."""

    seed: int = 0
    space: Space = DEMO_SPACE
    segments: tuple[str, ...] = ("commuters", "parents", "students")
    daily_impressions: tuple[int, ...] = (40_000, 30_000, 20_000)
    segment_levels: tuple[float, ...] = ()
    """CTR of each segment as a multiple of `base_ctr`; empty: all alike."""
    base_ctr: float = 0.012
    base_cvr: float = 0.04
    base_aov: float = 60.0
    creative_sd: float = 0.30
    buy_sd: float = 0.12
    order_sd: float = 0.03
    attribute_share: float = 0.8
    own_share: float = 0.3
    wear: float = 0.08
    """Log-rate lost per log1p(age / 10 days)."""
    day_sd: float = 0.08
    week_sd: float = 0.10
    delay_days: float = 3.0
    window_days: int = 14
    approval_nights: int = 1
    """Nights that a person takes to answer about a new creative."""
    weekly_approvals: int | None = None
    """Approvals per segment and calendar week at most; None: as many as are good."""
    edit_size: float = np.inf
    """A change of an arm's share beyond this restarts its learning phase."""
    creation_days: float = 0.0017
    """Cost of one creative, in average days of a segment's value; about 1.50 on 900 of revenue."""

    @property
    def name(self) -> str:
        return type(self).__module__.rsplit(".", 1)[-1]

    @cached_property
    def alphabet(self) -> Alphabet:
        return Alphabet.of(self.segments, self.space.attributes)

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """References that were computed for this market, kept for the next decider."""
        return {}

    @cached_property
    def tastes(self) -> Tastes:
        rng = np.random.default_rng([self.seed, 1])
        sds = (self.creative_sd, self.buy_sd, self.order_sd)
        return Tastes(*(self._effects(rng, sd) for sd in sds))

    def _effects(self, rng: np.random.Generator, sd: float) -> Floats:
        """Option effects, centred per attribute, whose sum over attributes has variance attribute_share sd^2."""
        alphabet, n_segments = self.alphabet, len(self.segments)
        weights = np.zeros((n_segments, alphabet.width))
        # Attributes matter unequally: a gamma draw per attribute splits the variance.
        split = rng.gamma(3.0, size=len(alphabet.attributes))
        split = split / split.sum() * self.attribute_share * sd**2
        for a, options in enumerate(alphabet.options):
            shared = rng.standard_normal(len(options)) * np.sqrt(1 - self.own_share)
            own = rng.standard_normal((n_segments, len(options))) * np.sqrt(self.own_share)
            effect = shared + own
            effect -= effect.mean(axis=1, keepdims=True)
            scale = np.sqrt(split[a] / max(float((effect**2).mean()), 1e-12)) if len(options) > 1 else 0.0
            start = int(alphabet.starts[a])
            weights[:, start : start + len(options)] = effect * scale
        return weights

    def summed(self, weights: Floats, segment: Ints, codes: Ints) -> Floats:
        """float[arm]: the sum of the options' weights float[segment, width]."""
        return weights[segment[:, None], codes + self.alphabet.starts].sum(axis=1)

    def uniform(self, stage: int, segment: Ints, codes: Ints, take: Ints) -> Floats:
        """float[arm] in (0, 1), fixed for ever by creative: a hash, so that any of millions has its own without a table."""
        sizes = tuple(len(o) for o in self.alphabet.options)
        index = np.ravel_multi_index(tuple(codes.T), sizes).astype(np.uint64)
        with np.errstate(over="ignore"):
            index = index + take.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        salt = ((self.seed * 1_000_003 + segment * 101 + stage) % 2**32).astype(np.uint64)
        found = (scrambled(index ^ scrambled(salt)) >> np.uint64(11)) / 2.0**53
        return np.clip(found, 1e-12, 1 - 1e-12)

    def normal(self, stage: int, segment: Ints, codes: Ints, take: Ints) -> Floats:
        """As `uniform`, standard normal."""
        return np.asarray(ndtri(self.uniform(stage, segment, codes, take)))

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        """float[idea, part]: what all creatives of an idea share; the first columns are CLICK, BUY, ORDER, LUCK (0)."""
        tastes = self.tastes
        columns = [self.summed(w, segment, codes) for w in (tastes.click, tastes.buy, tastes.order)]
        return np.stack([*columns, np.zeros(len(codes))], axis=1)

    def parts(self, segment: Ints, codes: Ints, take: Ints) -> Floats:
        """float[creative, part]: an idea's parts and the luck of its `take`-th creative in the segment."""
        parts = self.idea_parts(segment, codes)
        rest = np.sqrt(1 - self.attribute_share)
        parts[:, LUCK] = self.normal(0, segment, codes, take) * rest * self.creative_sd
        parts[:, BUY] += self.normal(1, segment, codes, take) * rest * self.buy_sd
        return parts

    def effects(self, parts: Floats, day: int) -> tuple[Floats, Floats, Floats]:
        """Log effects on CTR, CVR and order value of arms on a day, from their parts."""
        return parts[:, CLICK] + parts[:, LUCK], parts[:, BUY], parts[:, ORDER]

    @cached_property
    def weather(self) -> Floats:
        """float[segment, day 0..399]: what moves all arms of a segment on a day (log)."""
        rng = np.random.default_rng([self.seed, 3])
        week = rng.standard_normal((len(self.segments), 7)) * self.week_sd
        walk = np.cumsum(rng.standard_normal((len(self.segments), 400)) * 0.01, axis=1)
        moves = np.tile(week, 58)[:, :400] + walk
        return moves + np.log(np.array(self.segment_levels))[:, None] if self.segment_levels else moves

    def worn(self, standing: Standing) -> Floats:
        """Log-rate that arms have lost by the morning of a day, <= 0."""
        return -self.wear * np.log1p(standing.age / 10.0)

    def truth(self, standing: Standing, day: int) -> Floats:
        """float[arm, 3]: clicks per impression, conversions per click, revenue per conversion on a day."""
        click, buy, order = self.effects(standing.parts, day)
        level = self.weather[standing.segment, day % 400] + self.worn(standing)
        found = np.empty((len(click), 3))
        found[:, 0] = np.minimum(self.base_ctr * np.exp(click + level), 0.9)
        found[:, 1] = np.minimum(self.base_cvr * np.exp(buy), 0.9)
        found[:, 2] = self.base_aov * np.exp(order)
        return found

    def worth(self, truth: Floats, kpi: str) -> Floats:
        """float[arm]: expected value per impression: clicks, conversions (cpa) or revenue in currency units."""
        if kpi == "ctr":
            return truth[:, 0]
        return truth[:, 0] * truth[:, 1] * (1.0 if kpi == "cpa" else truth[:, 2])

    def deliver(self, standing: Standing, day: int) -> Floats:
        """Delivered shares of a day; here the platform does as it is told."""
        return standing.share

    def verdicts(self, segment: Ints, codes: Ints, take: Ints) -> Bools:
        """Whether the person who approves would say yes to a creative; fixed for ever."""
        return np.ones(len(codes), bool)

    def rate(
        self, segment: str, genome: Mapping[str, str], day: int, age: int, take: int = 0, shown: float = 0.0
    ) -> Rates:
        """The truth about one creative that has all traffic of a segment on a day, `age` days after its first."""
        s = np.array([self.alphabet.segment_code(segment)])
        parts = self.parts(s, self.alphabet.encode([genome]), np.array([take]))
        one = np.ones(1)
        standing = Standing(s, parts, one * max(age, 0), one * shown, one * 0, one, one * 1e9, True)
        return Rates(*map(float, self.truth(standing, day)[0]))

    def value(self, rates: Rates, kpi: str) -> float:
        """Expected value per impression of one creative; see `worth`."""
        return float(self.worth(np.array([rates]), kpi)[0])

    def creation_cost(self, kpi: str | None = None) -> float:
        """What making one creative costs, in the KPI's unit of value."""
        average = np.array([[self.base_ctr, self.base_cvr, self.base_aov]])
        daily = float(self.worth(average, kpi or self.kpi)[0]) * float(np.mean(self.daily_impressions))
        return self.creation_days * daily

    def oracle(self, segment: str, day: int, kpi: str) -> float:
        """Value per impression of the best creative that an oracle knows, unworn, on a day; see `oracle.candidates`."""
        return best_unworn(self, segment, day, kpi)

    @cached_property
    def ideas(self) -> Ints:
        """int[idea, attribute]: option codes of all allowed ideas; of a greater space, of `MANY_IDEAS` random ones."""
        sizes = [len(o) for o in self.alphabet.options]
        count = prod(sizes)
        some = np.random.default_rng([self.seed, 8]).integers(count, size=MANY_IDEAS)
        chosen = np.arange(count) if count <= MANY_IDEAS else np.unique(some)
        codes = np.stack(np.unravel_index(chosen, sizes), axis=1).astype(np.int64)
        if self.space.forbidden:
            codes = codes[[self.space.allows(self.alphabet.decode(c)) for c in codes]]
        return codes

    def starting_pool(self, n_per_segment: int) -> list[dict[str, object]]:
        """Random allowed creatives, as arm rows; the same for every policy that is compared."""
        rng = np.random.default_rng([self.seed, 4])
        arms: list[dict[str, object]] = []
        for segment in self.segments:
            seen: set[str] = set()
            for _ in range(200 * n_per_segment):
                if len(seen) == n_per_segment:
                    break
                genome = {a: str(rng.choice(o)) for a, o in self.space.attributes.items()}
                key = content_hash(genome)
                if key not in seen and self.space.allows(genome):
                    seen.add(key)
                    arms.append(arm_row(segment, genome, control=True))
        return arms

    @cached_property
    def lags(self) -> Floats:
        """float[window_days]: share of the conversions that become known `lag` days after the click."""
        lag = np.arange(self.window_days)
        share = np.exp(-lag / self.delay_days) if self.delay_days > 0 else (lag == 0).astype(float)
        return share / share.sum()

    def money(self, orders: Ints, aov: Floats, rng: np.random.Generator) -> Floats:
        """float[arm, lag]: revenue of numbers of orders whose expected value is `aov`; gamma with a relative sd of .5."""
        return np.asarray(rng.gamma(4.0 * orders, aov[:, None] / 4.0))

    def draw(self, standing: Standing, truth: Floats, rng: np.random.Generator) -> Drawn:
        """One day of traffic on delivered shares."""
        traffic = np.array(self.daily_impressions)[standing.segment]
        n = rng.poisson(traffic * standing.share)
        scatter = np.exp(self.day_sd * rng.standard_normal(len(n)) - self.day_sd**2 / 2)
        clicks = rng.binomial(n, np.minimum(truth[:, 0] * scatter, 1.0))
        orders = rng.multinomial(rng.binomial(clicks, truth[:, 1]), self.lags)
        return Drawn(n, clicks, orders, self.money(orders, truth[:, 2], rng))

    def serve(
        self,
        day: int,
        arms: Sequence[Mapping[str, object]],
        shares: Mapping[tuple[str, str], float],
        born: Mapping[str, int],
        rng: np.random.Generator,
    ) -> list[Served]:
        """One day of traffic for callers without a `Stage` (nothing is known of earlier impressions).

        Args:
            arms: rows with arm_id, segment, attributes. shares: (segment, arm_id) -> share of the segment's impressions.
            born: arm_id -> its first day.
        """
        if not arms:
            return []
        names = [(str(a["segment"]), str(a["arm_id"])) for a in arms]
        segment, codes, take = coded(self, arms)
        none = np.zeros(len(arms))
        age = np.array([max(day - born.get(name, day), 0) for _, name in names], float)
        intended = np.array([shares.get(name, 0.0) for name in names])
        standing = Standing(segment, self.parts(segment, codes, take), age, none, none, intended, age)
        standing = replace(standing, share=self.deliver(standing, day))
        drawn = self.draw(standing, self.truth(standing, day), rng)
        columns = (a.tolist() for a in drawn)
        return [
            Served(name, where, day, n, clicks, tuple(orders), tuple(money), float(share))
            for (where, name), n, clicks, orders, money, share in zip(names, *columns, intended)
        ]
