"""What earlier campaigns say about a new one, as a value, and a stage of the element model that starts from it.

An option's shared effect in campaign c is w_c = g + d_c, with g ~ N(0, kappa v) common to all campaigns and
d_c ~ N(0, (1 - kappa) v) its own: kappa is the share of taste that carries over. It is not assumed but weighed on a grid
by evidence, that of the earlier campaigns and, every night, that of the new one; kappa = 0 is a start from nothing. So
what does not carry over is soon given no weight. The new campaign's prior mean and variance are those of the mixture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.elements.evidence import Sums, p_equal, p_usual
from dco.elements.gaussian import Design, Variances, eliminate, learn_variances, statistics, weights
from dco.elements.noise import Scatter
from dco.elements.rates import USUAL, Cells, Rates, fit_rates
from dco.elements.wear import wear_offset
from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CARRIED = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.95])
"""The grid of kappa. Not 1: no two campaigns are the same."""
BEFORE = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
"""Its probabilities before any evidence: as likely as not nothing carries over, or else each share alike."""


class Told(NamedTuple):
    """One earlier campaign about one stage.

    `options[attribute][option]` is (mean, sd) of the shared effect on the log rate, about the attribute's mean option, under
    the campaign's own prior variance `shared`. `level` is the log of events per exposure, `events` their number. `weight`
    in (0, 1] is what its evidence counts for (1: fully; less for a campaign that is old or about something else).
    """

    level: float
    events: float
    dispersion: float
    shared: float
    own: float
    arm: float
    options: Mapping[str, Mapping[str, tuple[float, float]]]
    weight: float = 1.0

    def evidence(self, attribute: str, option: str) -> tuple[float, float]:
        """(precision x effect, precision): what its data say without its prior; (0, 0) of an option it never had."""
        effects = self.options.get(attribute, {})
        if option not in effects or len(effects) < 2:
            return 0.0, 0.0
        mean, sd = effects[option]
        # About the mean of K options the prior variance is v (1 - 1/K).
        before = self.shared * (1.0 - 1.0 / len(effects))
        precision = 1.0 / sd**2
        return self.weight * mean * precision, self.weight * max(precision - 1.0 / before, 0.0)


@dataclass(frozen=True)
class StagePrior:
    """What earlier campaigns say about one stage; everything else follows from them."""

    campaigns: tuple[Told, ...]

    @property
    def usual(self) -> Variances:
        """Variances as usual in these campaigns: geometric means, `rates.USUAL` counting as one campaign more."""
        found = [
            float(
                np.exp(
                    self._average(
                        [float(np.log(getattr(t, name))) for t in self.campaigns], float(np.log(usual))
                    )
                )
            )
            for name, usual in zip(("shared", "own", "arm"), USUAL[:3])
        ]
        return USUAL._replace(shared=found[0], own=found[1], arm=found[2])

    @property
    def dispersion(self) -> float:
        return self._average([t.dispersion for t in self.campaigns], 1.3)

    @property
    def base_rate(self) -> tuple[float, float]:
        """Mean and sd of the log of events per exposure in a campaign like these (t-like: one campaign says sd 1)."""
        levels = np.array([t.level for t in self.campaigns])
        mean = float(levels.mean())
        return mean, float(np.sqrt((1.0 + np.square(levels - mean).sum()) / len(levels)))

    def _average(self, values: Sequence[float], usual: float) -> float:
        weight = [t.weight for t in self.campaigns]
        return float((np.dot(weight, values) + usual) / (sum(weight) + 1.0))

    def evidence(self, alphabet: Alphabet) -> tuple[Floats, Floats]:
        """(precision x effect, precision) per campaign and design column: float[campaign, width] each, 0 where unknown."""
        found = np.zeros((2, len(self.campaigns), alphabet.width))
        for c, told in enumerate(self.campaigns):
            for start, attribute, options in zip(alphabet.starts, alphabet.attributes, alphabet.options):
                for k, option in enumerate(options):
                    found[:, c, int(start) + k] = told.evidence(attribute, option)
        return found[0], found[1]

    def log_evidence(self) -> Floats:
        """float[kappa]: how well earlier campaigns fit each other at each kappa (equal for one campaign: it says nothing)."""
        names: dict[str, dict[str, None]] = {}
        for told in self.campaigns:
            for attribute, effects in told.options.items():
                names.setdefault(attribute, {}).update(dict.fromkeys(effects))
        union = Alphabet.of([], {a: list(o) for a, o in names.items()})
        h, precision = self.evidence(union)
        variance = self.usual.shared
        total = np.zeros(len(CARRIED))
        for i, kappa in enumerate(CARRIED):
            for j in range(1, union.width):
                seen = precision[:, j] > 0
                if seen.sum() < 2:
                    continue
                at = h[seen, j] / precision[seen, j]
                cov = np.diag(1.0 / precision[seen, j] + (1.0 - kappa) * variance) + kappa * variance
                total[i] -= 0.5 * float(np.linalg.slogdet(cov)[1] + at @ np.linalg.solve(cov, at))
        return total

    def at(self, kappa: float, alphabet: Alphabet) -> tuple[Floats, Floats]:
        """Mean and variance of the new campaign's option effects if a share `kappa` of taste carries over: float[width]."""
        h, precision = self.evidence(alphabet)
        v = self.usual.shared
        apart = 1.0 + precision * (1.0 - kappa) * v
        told = (precision / apart).sum(axis=0)
        # 1 / (1 / (kappa v) + told), finite for kappa = 0.
        common = kappa * v / (1.0 + kappa * v * told)
        mean = common * (h / apart).sum(axis=0)
        mean[0] = 0.0
        return mean, common + (1.0 - kappa) * v


@dataclass(frozen=True)
class Prior:
    """What named earlier campaigns teach, per stage ('clicks', 'conversions', 'revenue'); JSON can hold it."""

    stages: Mapping[str, StagePrior]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers."""
        return {
            stage: [
                t._asdict()
                | {"options": {a: {o: list(e) for o, e in by.items()} for a, by in t.options.items()}}
                for t in told.campaigns
            ]
            for stage, told in self.stages.items()
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Prior:
        """The inverse of `to_dict`.

        Raises:
            BadData: a field is missing, unknown or no number, a variance or sd is not above 0, a weight is not in (0, 1].
        """
        return cls(
            {str(stage): StagePrior(tuple(_told(stage, t) for t in rows)) for stage, rows in given.items()}
        )


def fit_from(
    told: StagePrior,
    alphabet: Alphabet,
    segment: Ints,
    codes: Ints,
    cells: Cells,
    *,
    n_groups: int,
    **how: Any,
) -> tuple[Rates, float]:
    """`rates.fit_rates` from what earlier campaigns say, and the share of taste found to carry over (mean of kappa).

    The prior mean enters as exposure and is added to the posterior afterwards; the prior variance is that of the mixture,
    the mean over options. That creatives differ can show in the new campaign's counts alone, or in that they differ as they
    did before: `p_equal` is the smaller of the counts' p-value and the probability that nothing carries over. `how`: as for
    `fit_rates`, less `usual`.
    """
    design = Design.of(alphabet.design(codes), segment, len(alphabet.segments))
    chance = _weigh(told, alphabet, design, cells, segment, learn=bool(how.get("learn", True)))
    by_kappa = [told.at(float(kappa), alphabet) for kappa in CARRIED]
    means, variances = (np.array(part) for part in zip(*by_kappa))
    offset = chance @ means
    shared = float((chance @ (variances + np.square(means - offset)))[1:].mean())
    expected = np.exp(alphabet.design(codes) @ offset)[cells.arm] if len(cells.arm) else cells.exposure
    fitted = fit_rates(
        alphabet, segment, codes, replace(cells, exposure=cells.exposure * expected),
        n_groups=n_groups, usual=told.usual._replace(shared=max(shared, 1e-5)), **how,
    )  # fmt: skip
    flat = cells.exposure * np.exp(
        fitted.level + fitted.days[cells.group] + wear_offset(fitted.wear, cells.age)
    )
    heard = Scatter(fitted.dispersion, fitted.kappa).heard(flat)
    sums = Sums.of(
        segment, cells.arm, cells.events * heard, flat * heard, fitted.dispersion, len(alphabet.segments)
    )
    found = fitted.posterior._replace(
        common=fitted.posterior.common + offset, mean=fitted.posterior.mean + offset
    )
    process = fitted.process
    if process is not None:
        base = process.base._replace(common=process.base.common + offset, mean=process.base.mean + offset)
        process = replace(process, base=base)
    # Shares that lean on the prior from the first night leave the weak arms few counts, so that these alone tell less.
    equal = min(p_equal(sums), float(chance[0]))
    fitted = replace(fitted, posterior=found, p_equal=equal, p_usual=p_usual(sums), process=process)
    return fitted, float(chance @ CARRIED)


def _weigh(
    told: StagePrior, alphabet: Alphabet, design: Design, cells: Cells, segment: Ints, *, learn: bool
) -> Floats:
    """float[kappa]: posterior probabilities, from earlier campaigns and the new one's counts so far."""
    score = np.log(BEFORE) + told.log_evidence()
    events = np.bincount(cells.arm, cells.events, len(segment)).astype(float)
    exposure = np.bincount(cells.arm, cells.exposure, len(segment)).astype(float)
    if events.sum() > 0:
        n = len(alphabet.segments)
        level = np.bincount(segment, events, n) / np.maximum(np.bincount(segment, exposure, n), 1e-300)
        expected = exposure * np.maximum(level[segment], 1e-300)
        # Working responses about each segment's level, shrunken where counts are few.
        eta = np.log((events + 5.0) / (expected + 5.0))
        mu = expected * np.exp(eta)
        response = np.where(expected > 0, eta + np.clip((events - mu) / np.maximum(mu, 1e-9), -1.0, 3.0), 0.0)
        sampling = told.dispersion / np.maximum(mu, 1e-6)
        usual = told.usual
        # Arm and segment variances as the new campaign shows them: too small an arm variance would make luck look like taste.
        here = learn_variances(design, response, sampling, usual, usual) if learn else usual
        for i, kappa in enumerate(CARRIED):
            mean, variance = told.at(float(kappa), alphabet)
            prior = here._replace(shared=float(variance[1:].mean()))
            rest = response - design.fitted(np.tile(mean, (n, 1)))
            known = statistics(design, rest, sampling + prior.arm)
            score[i] += weights(known, eliminate(known, prior), prior)[3]
    chance = np.exp(score - score.max())
    return np.asarray(chance / chance.sum())


def _told(stage: str, given: Mapping[str, Any]) -> Told:
    fields = set(Told._fields)
    if not isinstance(given, Mapping) or set(given) - fields or (fields - {"weight"}) - set(given):
        raise BadData(f"prior, stage {stage!r}: expected a mapping with {sorted(fields)}, got {given!r:.200}")
    numbers = {k: given.get(k, 1.0) for k in Told._fields if k != "options"}
    for name, value in numbers.items():
        if not isinstance(value, (int, float)) or not np.isfinite(value):
            raise BadData(f"prior, stage {stage!r}, {name}: expected a number, got {value!r}")
        if (name not in ("level", "events") and value <= 0) or (name == "weight" and value > 1):
            raise BadData(f"prior, stage {stage!r}, {name}: {value!r} is out of range")
    options: dict[str, dict[str, tuple[float, float]]] = {}
    for attribute, effects in dict(given["options"]).items():
        for option, effect in dict(effects).items():
            mean, sd = (float(v) for v in effect)
            if not (np.isfinite(mean) and np.isfinite(sd) and sd > 0):
                raise BadData(
                    f"prior, stage {stage!r}, {attribute}: {option}: expected a mean and an sd above 0, got {effect!r}"
                )
            options.setdefault(str(attribute), {})[str(option)] = (mean, sd)
    return Told(options=options, **{k: float(v) for k, v in numbers.items()})
