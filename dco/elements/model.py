"""The element model: what attributes, segments and arms earn. `fit(history, alphabet, settings) -> Fit`.

Value per impression is a product of stages, each with its own shrinkage: clicks per impression, and, when the KPI asks
for it, conversions (or revenue) per click with late conversions counted by their completeness. Log rates add.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.elements.delay import completeness, completion
from dco.elements.gaussian import Variances
from dco.elements.lottery import Draw, Lottery
from dco.elements.numbering import dense
from dco.elements.orders import fit_order_value
from dco.elements.prior import Prior, fit_from
from dco.elements.process import standardised
from dco.elements.rates import USUAL, Cells, Rates, fit_rates
from dco.elements.wear import wear_offset
from dco.stats.eigen import symmetric_root

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEASON_DAYS = 7
"""Today's level is the last week's: shorter would take a weekday for a trend."""
ORDER_VALUE = "order value"
Z90 = 1.6448536269514722
"""Normal quantile of the two-sided 90 % interval."""


@dataclass(frozen=True)
class History:
    """Newest knowledge per arm and day, as arrays; and the reading triangle for late conversions.

    `day` counts days from any origin; `read_age` is the age of the cell when it was last read. `conversions` and
    `revenue` hold NaN where the platform said nothing. The `seen_*` arrays hold every as-of version of every cell.
    """

    segment: Ints  # [arm]
    codes: Ints  # [arm, attribute]
    arm: Ints  # [cell]
    day: Ints  # [cell]
    context: Ints  # [cell] placement and size, numbered: base rates differ between them
    impressions: Floats  # [cell]
    clicks: Floats  # [cell]
    conversions: Floats  # [cell]
    revenue: Floats  # [cell], in currency units
    read_age: Ints  # [cell]
    seen_cell: Ints  # [version]
    seen_age: Ints  # [version]
    seen_conversions: Floats  # [version]
    features: Floats | None = None  # [arm, feature] of the creatives; a row of NaN: not known


@dataclass(frozen=True)
class FitSettings:
    """`stages`: 'clicks' alone, or 'clicks' with 'conversions' or 'revenue' per click.

    `half_life_days` forgets by the calendar: the counts fade and the prior stays whole, so what is not seen any more goes
    back to the prior and no further (stabilised forgetting). Off by default: no gain was confirmed on simulated drift.
    `rounds` and `learn_between` (whether variances are learnt in all of them) as in `rates.fit_rates`. `pairs` lets pairs of
    options have effects. `features`: whether the history's features of creatives are used. `order_value` splits revenue per
    click into conversions and what an order is worth, the latter by logarithms (`orders`), where conversions are reported.
    `delay` counts young conversions by their completeness; `usual` are the variances that learning starts from.
    """

    stages: tuple[str, ...] = ("clicks",)
    half_life_days: float | None = None
    wear: bool = True
    learn: bool = True
    rounds: int = 3
    learn_between: bool = True
    delay: bool = True
    usual: Variances = USUAL
    pairs: bool = False
    features: bool = True
    order_value: bool = False


class Effect(NamedTuple):
    """What one option is worth against the average option of its attribute. Percentages; 90 % credible interval."""

    attribute: str
    option: str
    segment: str  # "" = what all segments share
    effect_pct: float
    low_pct: float
    high_pct: float


@dataclass(frozen=True)
class Fit:
    """A fitted model; every question to it is answered without changing it."""

    alphabet: Alphabet
    stages: tuple[str, ...]
    rates: tuple[Rates, ...]
    history: History
    age_today: Floats  # [arm] days since first served
    completion: Floats  # F(age)
    season: Floats  # [segment] log effect of the last week's days, all stages
    unit_value: float = 1.0  # mean order value when the stage is revenue
    carried: tuple[float, ...] = ()  # per stage, share of taste found to carry over from earlier campaigns

    @property
    def level(self) -> float:
        """Log of the overall value rate per impression."""
        return sum(rate.level for rate in self.rates) + float(np.log(self.unit_value))

    @property
    def p_equal(self) -> float:
        """Smallest p-value over stages (Bonferroni) of 'all creatives of a segment earn the same'."""
        return min(1.0, len(self.rates) * min(rate.p_equal for rate in self.rates))

    @property
    def p_usual(self) -> float:
        """Probability, by the stage that says most, that creatives differ by a usual amount rather than not at all."""
        return max(rate.p_usual for rate in self.rates)

    def moments(self, segment: int, codes: Ints, arm: Ints | None = None) -> tuple[Floats, Floats]:
        """Mean and covariance of today's log value rate of genomes in one segment.

        Args:
            codes: int[genome, attribute]; arm: int[genome], fitted row, -1 (default) for arms never served.
        """
        row = np.full(len(codes), -1) if arm is None else arm
        parts = [rate.moments(segment, codes, row) for rate in self.rates]
        return self._today(segment, row, [m for m, _ in parts]), np.asarray(sum(c for _, c in parts))

    def means(self, segment: int, codes: Ints, arm: Ints) -> Floats:
        """The means of `moments` alone: no covariance of all genomes with all."""
        return self._today(segment, arm, [rate.means(segment, codes, arm) for rate in self.rates])

    def _today(self, segment: int, arm: Ints, parts: list[Floats]) -> Floats:
        """The stages' means, with the level, the season and today's wear."""
        mean = np.full(len(arm), self.level + float(self.season[segment]))
        age = np.where(arm >= 0, self.age_today[arm], 0.0) if len(self.age_today) else np.zeros(len(arm))
        for rate, part in zip(self.rates, parts):
            mean = mean + part + wear_offset(rate.wear, age)
        return mean

    def predict(self, genomes: list[dict[str, str]], segments: list[str]) -> tuple[Floats, Floats]:
        """Mean and sd of the log value rate of new arms: float[genome] each, one segment per genome."""
        mean, sd = np.empty(len(genomes)), np.empty(len(genomes))
        codes = self.alphabet.encode(genomes)
        for i, name in enumerate(segments):
            m, c = self.moments(self.alphabet.segment_code(name), codes[i : i + 1])
            mean[i], sd[i] = m[0], np.sqrt(c[0, 0])
        return mean, sd

    def arm_posterior(self, arms: Ints) -> tuple[Floats, Floats]:
        """Mean and sd of today's log value rate of fitted rows `arms`, each in its own segment."""
        mean, sd = np.empty(len(arms)), np.empty(len(arms))
        for segment in np.unique(self.history.segment[arms]):
            at = np.flatnonzero(self.history.segment[arms] == segment)
            m, c = self.moments(int(segment), self.history.codes[arms[at]], arms[at])
            mean[at], sd[at] = m, np.sqrt(np.diag(c))
        return mean, sd

    def draw(self, segment: int, temperature: float, rng: np.random.Generator) -> Floats | Draw:
        """Option weights float[width] of one segment, drawn at a temperature: 0 is the mean, 1 the posterior.

        Where pairs of options have effects, a `Draw` that holds those, too.
        """
        return self.lottery(segment).draw(temperature, rng)

    def lottery(self, segment: int) -> Lottery:
        """The option weights of one segment, ready for many draws."""
        parts = tuple(
            rate.process or (rate.posterior.mean[segment], symmetric_root(rate.posterior.cov[segment]))
            for rate in self.rates
        )
        return Lottery(parts, segment, self.alphabet.starts)

    def effects(self) -> list[Effect]:
        """Every option, shared and per segment, against the mean option of its attribute."""
        names = [
            (a, o) for a, options in zip(self.alphabet.attributes, self.alphabet.options) for o in options
        ]
        centre = np.zeros((len(names), len(names)))
        for start, options in zip(self.alphabet.starts - 1, self.alphabet.options):
            at = slice(int(start), int(start) + len(options))
            centre[at, at] = np.eye(len(options)) - 1.0 / len(options)
        table: list[Effect] = []
        for s, segment in enumerate(("", *self.alphabet.segments)):
            mean, cov = self._weights(s - 1)
            value = centre @ mean[1:]
            sd = np.sqrt(np.maximum(((centre @ cov[1:, 1:]) * centre).sum(axis=1), 0.0))
            percent = 100 * np.expm1(value[:, None] + np.outer(sd, [0.0, -Z90, Z90]))
            table += [Effect(a, o, segment, *row) for (a, o), row in zip(names, percent.tolist())]
        return table

    def _weights(self, segment: int) -> tuple[Floats, Floats]:
        """Mean and covariance of the option weights of a segment, or (segment -1) of what all share."""
        found = [
            (r.posterior.common, r.posterior.common_cov)
            if segment < 0
            else (r.posterior.mean[segment], r.posterior.cov[segment])
            for r in self.rates
        ]
        return sum(m for m, _ in found), sum(c for _, c in found)  # type: ignore[return-value]


def fit(
    history: History, alphabet: Alphabet, settings: FitSettings = FitSettings(), prior: Prior | None = None
) -> Fit:
    """Fit every stage, from what earlier campaigns taught where a prior is given. Deterministic; pure."""
    n_days = int(history.day.max()) + 1 if len(history.day) else 1
    n_arms = len(history.segment)
    group = history.segment[history.arm] * n_days + history.day if len(history.arm) else history.arm
    group = dense(group)
    n_groups = int(group.max(initial=-1)) + 1
    place = history.segment[history.arm] * (int(history.context.max(initial=0)) + 1) + history.context
    first = np.full(n_arms, n_days)
    np.minimum.at(first, history.arm, history.day)
    age = (history.day - first[history.arm]).astype(float)
    today = np.where(first < n_days, n_days - first, 0).astype(float)
    recency = np.ones(len(history.day))
    if settings.half_life_days:
        recency = 0.5 ** ((n_days - 1 - history.day) / settings.half_life_days)
    factors = completion(history.seen_cell, history.seen_age, history.seen_conversions)
    if not settings.delay:
        factors = np.ones(len(factors))
    rates: list[Rates] = []
    carried: tuple[float, ...] = ()
    season, unit = np.zeros(len(alphabet.segments)), 1.0
    lately = history.day >= n_days - SEASON_DAYS
    looks = standardised(history.features) if settings.features and history.features is not None else None
    stages = _stages(history, settings)
    for stage in stages:
        exposure, events = history.impressions, history.clicks
        if stage != "clicks":
            said = np.isfinite(history.conversions)
            exposure = np.where(said, history.clicks * completeness(history.read_age, factors), 0.0)
            events = np.where(said, history.conversions, 0.0)
        if stage in ("revenue", ORDER_VALUE):
            said = np.isfinite(history.revenue)
            orders = np.where(said, events, 0.0)
            money = np.where(said, history.revenue, 0.0)
            total = float(orders.sum())
            unit = float(money.sum()) / total if total > 0 and money.sum() > 0 else 1.0
            if stage == ORDER_VALUE:
                rates.append(
                    fit_order_value(
                        alphabet, history.segment, history.codes, history.arm, orders, money / unit, recency,
                        n_groups=n_groups, spread=rates[-1].dispersion, learn=settings.learn,
                    )
                )  # fmt: skip
                continue
            exposure, events = np.where(said, exposure, 0.0), money / unit
        cells = Cells(history.arm, group, place, age, exposure * recency, events * recency)
        told = None if prior is None else prior.stages.get(stage)
        how: dict[str, Any] = {
            "n_groups": n_groups, "learn": settings.learn, "wear": settings.wear and stage == "clicks",
            "rounds": settings.rounds, "learn_between": settings.learn_between, "pairs": settings.pairs, "looks": looks,
        }  # fmt: skip
        if told is None:
            rates.append(
                fit_rates(alphabet, history.segment, history.codes, cells, usual=settings.usual, **how)
            )
        else:
            found, share = fit_from(told, alphabet, history.segment, history.codes, cells, **how)
            rates.append(found)
            carried += (share,)
        where = history.segment[history.arm[lately]]
        weight = np.bincount(where, cells.exposure[lately], len(season))
        moved = np.bincount(where, cells.exposure[lately] * rates[-1].days[group[lately]], len(season))
        season += moved / np.maximum(weight, 1e-9)
    return Fit(alphabet, stages, tuple(rates), history, today, factors, season, unit, carried)


def _stages(history: History, settings: FitSettings) -> tuple[str, ...]:
    """The settings' stages, with revenue split into orders and their value where that is asked for and can be."""
    told = bool((np.nan_to_num(history.conversions) * np.nan_to_num(history.revenue) > 0).any())
    if not (settings.order_value and told):
        return settings.stages
    split = {"revenue": ("conversions", ORDER_VALUE)}
    return tuple(part for stage in settings.stages for part in split.get(stage, (stage,)))
