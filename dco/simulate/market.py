"""What every simulated market is: a seeded truth, traffic, and reports in which conversions arrive late.

All numbers made here are simulated. Effect sizes are assumptions (creative log-sd about .3, as seen between unlike ads),
not fitted to any real campaign; markets differ from each other on purpose, so that no engine is tuned to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dco.elements.alphabet import Alphabet
from dco.records import Space, content_hash

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEMO_SPACE = Space(
    {
        "scene": ("beach", "city skyline", "foliage", "marble tabletop", "mountain ridge", "studio podium"),
        "palette": ("amber", "blue", "coral", "green", "violet"),
        "light": ("dramatic light", "golden hour", "night", "soft light"),
        "composition": ("centered", "copy space left", "copy space right"),
        "headline": ("benefit", "price", "proof", "question"),
        "cta": ("buy", "discover", "learn"),
    }
)
"""4,320 ideas; the options are words of the embedded vocabulary."""


class Rates(NamedTuple):
    """Truth about a genome: clicks per impression, conversions per click, revenue per conversion (currency units)."""

    ctr: float
    cvr: float
    aov: float


@dataclass(frozen=True)
class Served:
    """What one arm really earned on one day. `conversions[lag]` become known `lag` days after the click day."""

    arm_id: str
    segment: str
    day: int
    impressions: int
    clicks: int
    conversions: tuple[int, ...]
    revenue: tuple[float, ...]
    share: float

    def known(self, as_of: int) -> tuple[int, int, int, float] | None:
        """(impressions, clicks, conversions, revenue) as a report read on `as_of` shows them; None before the day ends."""
        if as_of < self.day:
            return None
        until = as_of - self.day + 1
        return self.impressions, self.clicks, sum(self.conversions[:until]), float(sum(self.revenue[:until]))


@dataclass(frozen=True)
class Tastes:
    """Log effects of options: `click[s]` and `buy[s]` are float[width], aligned to `Alphabet.design`."""

    click: Floats  # [segment, width]
    buy: Floats  # [segment, width]
    order: Floats  # [segment, width]


@dataclass(frozen=True)
class BaseMarket:
    """A market whose log rates are additive in the options, plus what is beyond them; parts override `score`.

    `creative_sd` is the log-sd of CTR between random creatives; `attribute_share` the share of that variance that the
    options explain, of which `own_share` differs by segment. A day's rates move by `week_sd` with the day of the week, by
    a slow walk, and each arm-day scatters by `day_sd` beyond Poisson.
    """

    seed: int = 0
    space: Space = DEMO_SPACE
    segments: tuple[str, ...] = ("commuters", "parents", "students")
    daily_impressions: tuple[int, ...] = (40_000, 30_000, 20_000)
    base_ctr: float = 0.012
    base_cvr: float = 0.04
    base_aov: float = 60.0
    creative_sd: float = 0.30
    buy_sd: float = 0.12
    attribute_share: float = 0.8
    own_share: float = 0.3
    wear: float = 0.08
    """Log-rate lost per log1p(age / 10 days)."""
    day_sd: float = 0.08
    week_sd: float = 0.10
    delay_days: float = 3.0
    window_days: int = 14

    @property
    def name(self) -> str:
        return type(self).__module__.rsplit(".", 1)[-1]

    @cached_property
    def alphabet(self) -> Alphabet:
        return Alphabet.of(self.segments, self.space.attributes)

    @cached_property
    def tastes(self) -> Tastes:
        rng = np.random.default_rng([self.seed, 1])
        return Tastes(
            self._effects(rng, self.creative_sd), self._effects(rng, self.buy_sd), self._effects(rng, 0.03)
        )

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

    def beyond(self, segment: int, codes: Ints) -> Floats:
        """float[genome, 2]: what ideas have that their options do not explain (clicks, conversions); fixed for ever.

        A hash of the idea turned into normal numbers, so that any of millions of ideas has its own without a table.
        """
        sizes = tuple(len(o) for o in self.alphabet.options)
        index = np.ravel_multi_index(tuple(codes.T), sizes).astype(np.uint64)
        rest = np.sqrt(1 - self.attribute_share)
        columns = []
        for stage, sd in enumerate((self.creative_sd, self.buy_sd)):
            salt = np.uint64((self.seed * 1_000_003 + segment * 101 + stage) % 2**32)
            uniform = (_mix(index ^ (_mix(np.array([salt]))[0])) >> np.uint64(11)) / 2.0**53
            columns.append(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)) * rest * sd)
        return np.stack(columns, axis=1)

    def score(self, segment: int, codes: Ints, day: int) -> tuple[Floats, Floats, Floats]:
        """Log effects of genomes int[genome, attribute] on CTR, CVR and order value, without what is beyond options."""
        x = self.alphabet.design(codes)
        return x @ self.tastes.click[segment], x @ self.tastes.buy[segment], x @ self.tastes.order[segment]

    @cached_property
    def weather(self) -> Floats:
        """float[segment, day 0..399]: what moves all arms of a segment on a day (log)."""
        rng = np.random.default_rng([self.seed, 3])
        week = rng.standard_normal((len(self.segments), 7)) * self.week_sd
        walk = np.cumsum(rng.standard_normal((len(self.segments), 400)) * 0.01, axis=1)
        return np.tile(week, 58)[:, :400] + walk

    def worn(self, age: float) -> float:
        return -self.wear * float(np.log1p(max(age, 0) / 10.0))

    def rate(self, segment: str, genome: Mapping[str, str], day: int, age: int) -> Rates:
        """The truth about one genome in one segment on a day, `age` days after its first."""
        s = self.alphabet.segment_code(segment)
        codes = self.alphabet.encode([genome])
        click, buy, order = self.score(s, codes, day)
        extra = self.beyond(s, codes)[0]
        level = float(self.weather[s, day % 400]) + self.worn(age)
        return Rates(
            min(self.base_ctr * float(np.exp(click[0] + extra[0] + level)), 0.9),
            min(self.base_cvr * float(np.exp(buy[0] + extra[1])), 0.9),
            self.base_aov * float(np.exp(order[0])),
        )

    def value(self, rates: Rates, kpi: str) -> float:
        """Expected value per impression: clicks, conversions (cpa) or revenue in currency units."""
        if kpi == "ctr":
            return rates.ctr
        return rates.ctr * rates.cvr * (1.0 if kpi == "cpa" else rates.aov)

    def oracle(self, segment: str, day: int, kpi: str) -> float:
        """Value per impression of the best idea of the whole space on a day, unworn: an upper bound, not reachable."""
        s = self.alphabet.segment_code(segment)
        codes, beyond = self._every_idea
        click, buy, order = self.score(s, codes, day)
        extra = beyond[s]
        total = click + extra[:, 0]
        if kpi != "ctr":
            total = total + buy + extra[:, 1]
        if kpi in ("roas", "revenue_per_impression"):
            total = total + order
        best = self.alphabet.decode(codes[int(np.argmax(total))])
        return self.value(self.rate(segment, best, day, 0), kpi)

    @cached_property
    def _every_idea(self) -> tuple[Ints, Floats]:
        """Option codes of all allowed ideas, and what each has beyond its options, float[segment, idea, 2]."""
        sizes = [len(o) for o in self.alphabet.options]
        codes = np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=1).astype(np.int64)
        if self.space.forbidden:
            codes = codes[[self.space.allows(self.alphabet.decode(c)) for c in codes]]
        return codes, np.stack([self.beyond(s, codes) for s in range(len(self.segments))])

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

    def lag_shares(self) -> Floats:
        """float[window_days]: share of the conversions that become known `lag` days after the click."""
        lag = np.arange(self.window_days)
        share = np.exp(-lag / self.delay_days) if self.delay_days > 0 else (lag == 0).astype(float)
        return share / share.sum()

    def serve(
        self,
        day: int,
        arms: Sequence[Mapping[str, object]],
        shares: Mapping[tuple[str, str], float],
        born: Mapping[str, int],
        rng: np.random.Generator,
    ) -> list[Served]:
        """One day of traffic.

        Args:
            arms: rows with arm_id, segment, attributes. shares: (segment, arm_id) -> share of the segment's impressions.
            born: arm_id -> its first day.
        """
        rows: list[Served] = []
        lags = self.lag_shares()
        for arm in arms:
            name, segment = str(arm["arm_id"]), str(arm["segment"])
            share = shares.get((segment, name), 0.0)
            traffic = self.daily_impressions[self.segments.index(segment)]
            n = int(rng.poisson(traffic * share)) if share > 0 else 0
            rates = self.rate(segment, arm["attributes"], day, day - born.get(name, day))  # type: ignore[arg-type]
            scatter = float(np.exp(self.day_sd * rng.standard_normal() - self.day_sd**2 / 2))
            clicks = int(rng.binomial(n, min(rates.ctr * scatter, 1.0)))
            orders = rng.multinomial(int(rng.binomial(clicks, rates.cvr)), lags)
            money = [float(rng.gamma(4.0 * k, rates.aov / 4.0)) if k else 0.0 for k in orders]
            rows.append(Served(name, segment, day, n, clicks, tuple(map(int, orders)), tuple(money), share))
        return rows


def arm_row(segment: str, genome: Mapping[str, str], *, control: bool = False) -> dict[str, object]:
    """A simulated arm; its id hashes segment and idea, in the form of real arm ids."""
    return {
        "arm_id": "dco" + content_hash([segment, sorted(genome.items())]),
        "segment": segment,
        "attributes": dict(genome),
        "control": control,
    }


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: well-spread bits from any integer; wraps around by design."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
