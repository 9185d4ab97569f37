"""Which pairs of options are believed to do more, or less, together than each does alone.

Read off a fitted model after the fact: the working responses of a stage (log rates of arms) are explained by options and
arms as fitted, and each pair of attributes is asked in turn whether a random effect of its option pairs, shared by all
segments, explains them better:
    r ~ N(0, S + t^2 Z Z'),   S = prior covariance of the main effects + sampling variance + f * arm variance.
t (the pairs' sd) and f (how much of the arms' own part is left) are summed over on a grid, f under both hypotheses alike,
so the Bayes factor of a pair of attributes is a ratio of marginal likelihoods.

Multiplicity. All pairs together are expected to hold `EXPECTED` interacting ones, so each starts with that divided by
their number, and is believed above `BELIEVED`. With no interaction anywhere a Bayes factor exceeds k with probability of
at most 1 / k (Ville), so the chance of any false claim is at most about EXPECTED / (BELIEVED / (1 - BELIEVED)) = 3 %.
Of a believed pair of attributes those option pairs are named whose sign is wrong with probability below `FALSE_SIGN`
(local false sign rate, Stephens 2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logsumexp, ndtr, ndtri

from dco.elements.alphabet import Alphabet
from dco.elements.model import Fit
from dco.elements.rates import Rates
from dco.stats.eigen import eigh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPECTED = 0.5
"""Interacting pairs of attributes expected beforehand, in all: most ads' options just add up."""
BELIEVED = 0.95
FALSE_SIGN = 0.05
SDS = (0.03, 0.05, 0.08, 0.12, 0.18, 0.27)
"""Standard deviations of a pair's effects on the log scale, equally likely beforehand."""
ARM_PARTS = (2.0, 1.0, 0.5, 0.2, 0.05)
"""Factors on the fitted arm variance, equally likely: what interactions explain had to pass for the arms' own luck."""
MOST_ARMS = 1_000
"""Arms that are looked at, those with most data: the work grows with their cube."""
LEAST_EVENTS = 1.0
"""Arms with fewer expected events say nothing that a normal approximation could hear."""


class PairOfAttributes(NamedTuple):
    """Whether options of two attributes work in pairs: natural log of the Bayes factor, and the probability."""

    stage: str
    first: str
    second: str
    log_bayes_factor: float
    probability: float


class Interaction(NamedTuple):
    """What two options earn together beyond what each earns alone. Percentages; 90 % credible interval."""

    stage: str
    first: str
    first_option: str
    second: str
    second_option: str
    effect_pct: float
    low_pct: float
    high_pct: float
    false_sign: float  # probability that the effect has the other sign
    arms: int  # creatives with data that had both
    probability: float  # of the pair of attributes


class Found(NamedTuple):
    """Every pair of attributes that was asked, and the option pairs that are believed, surest first."""

    asked: tuple[PairOfAttributes, ...]
    believed: tuple[Interaction, ...]


def interactions(fit: Fit) -> Found:
    """Asks every pair of attributes in every stage of a fitted model. Deterministic; some milliseconds per hundred arms."""
    pairs = list(combinations(range(len(fit.alphabet.attributes)), 2))
    questions = len(pairs) * len(fit.rates)
    asked: list[PairOfAttributes] = []
    believed: list[Interaction] = []
    for stage, rate in zip(fit.stages, fit.rates):
        for (a, b), log_factor, cells in _stage(fit, rate, pairs):
            chance = _posterior(log_factor, EXPECTED / questions)
            first, second = fit.alphabet.attributes[a], fit.alphabet.attributes[b]
            asked.append(PairOfAttributes(stage, first, second, log_factor, chance))
            if chance >= BELIEVED:
                believed += _named(fit.alphabet, stage, a, b, cells, chance)
    asked.sort(key=lambda p: -p.log_bayes_factor)
    return Found(tuple(asked), tuple(sorted(believed, key=lambda i: (i.false_sign, -abs(i.effect_pct)))))


class _Cells(NamedTuple):
    """Posterior of the option pairs of two attributes, arrays [option pair that occurs]."""

    number: Ints  # option of the first * options of the second + option of the second
    arms: Ints
    mean: Floats
    sd: Floats
    negative: Floats  # P(effect < 0)


def _posterior(log_factor: float, prior: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(log_factor + np.log(prior / (1 - prior)), -700, 700))))


def _stage(
    fit: Fit, rate: Rates, pairs: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], float, _Cells]]:
    """Each pair of attributes with its log Bayes factor and the posterior of its option pairs."""
    h = fit.history
    rows = np.flatnonzero(rate.precision * rate.dispersion >= LEAST_EVENTS)
    if len(rows) > MOST_ARMS:
        rows = np.sort(rows[np.argsort(-rate.precision[rows], kind="stable")[:MOST_ARMS]])
    if len(rows) < 3 or rate.variances.arm <= 0:
        return
    codes, segment = h.codes[rows], h.segment[rows]
    response = rate.residual[rows] + _by_options(rate, segment, codes)
    main = _main_effects(rate, segment, codes)
    worlds = [
        _World.of(main, 1.0 / rate.precision[rows] + part * rate.variances.arm, response)
        for part in ARM_PARTS
    ]
    alone = logsumexp([w.evidence for w in worlds])
    for a, b in pairs:
        known = np.flatnonzero((codes[:, a] >= 0) & (codes[:, b] >= 0))
        pair = codes[known, a] * len(fit.alphabet.options[b]) + codes[known, b]
        number, at, arms = np.unique(pair, return_inverse=True, return_counts=True)
        if len(number) < 2:
            continue
        z = np.zeros((len(rows), len(number)))
        z[known, at] = 1.0
        logs, means, variances, negative = _over_grid(worlds, z)
        weight = np.exp(logs - logsumexp(logs))
        mean = weight @ means
        var = weight @ (variances + (means - mean) ** 2)
        factor = float(logsumexp(logs) - np.log(len(SDS)) - alone)
        yield (a, b), factor, _Cells(number, arms, mean, np.sqrt(var), weight @ negative)


def _by_options(rate: Rates, segment: Ints, codes: Ints) -> Floats:
    """What the fitted options alone say of each arm, float[arm]."""
    found = np.empty(len(codes))
    for s in np.unique(segment):
        mine = np.flatnonzero(segment == s)
        found[mine] = rate.means(int(s), codes[mine], np.full(len(mine), -1))
    return found


def _main_effects(rate: Rates, segment: Ints, codes: Ints) -> Floats:
    """float[arm, arm]: prior covariance of what segments and single options explain."""
    v = rate.variances
    same = ((codes[:, None, :] == codes[None, :, :]) & (codes >= 0)).sum(axis=2)
    here = segment[:, None] == segment[None, :]
    return v.level + v.shared * same + here * (v.segment + v.own * same)


class _World(NamedTuple):
    """One value of the arms' own variance: Cholesky factor of S, S^-1 r, and the log evidence without any pair."""

    factor: tuple[Floats, bool]
    solved: Floats
    evidence: float

    @classmethod
    def of(cls, main: Floats, noise: Floats, response: Floats) -> _World:
        factor = cho_factor(main + np.diag(noise), lower=True)
        solved = cho_solve(factor, response)
        log_det = 2 * float(np.log(np.diagonal(factor[0])).sum())
        return cls(factor, solved, -0.5 * (log_det + float(response @ solved)))


def _over_grid(worlds: list[_World], z: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Per point of the grid (arm part x sd): log evidence, and means, variances and P(< 0) of the option pairs.

    In the eigenbasis of A = Z'S^-1 Z: log det(I + t^2 A), and u ~ N(V b, V) with V = (1 / t^2 + A)^-1, b = Z'S^-1 r.
    """
    logs, means, variances = [], [], []
    for world in worlds:
        value, basis = eigh(z.T @ cho_solve(world.factor, z))
        value = np.maximum(value, 0.0)
        b = basis.T @ (z.T @ world.solved)
        for sd in SDS:
            t2 = sd**2
            shrunk = t2 / (1.0 + t2 * value)
            logs.append(world.evidence - 0.5 * float(np.log1p(t2 * value).sum()) + 0.5 * float(shrunk @ b**2))
            means.append(basis @ (shrunk * b))
            variances.append((basis**2) @ shrunk)
    mean, var = np.array(means), np.array(variances)
    return np.array(logs), mean, var, ndtr(-mean / np.sqrt(var))


def _named(
    alphabet: Alphabet, stage: str, a: int, b: int, cells: _Cells, chance: float
) -> Iterator[Interaction]:
    """The option pairs whose sign is settled."""
    z90 = float(ndtri(0.95))
    for number, arms, mean, sd, negative in zip(*cells):
        wrong = float(min(negative, 1 - negative))
        if wrong < FALSE_SIGN:
            i, k = divmod(int(number), len(alphabet.options[b]))
            low, high = (100 * float(np.expm1(mean + z * sd)) for z in (-z90, z90))
            yield Interaction(
                stage, alphabet.attributes[a], alphabet.options[a][i], alphabet.attributes[b],
                alphabet.options[b][k], 100 * float(np.expm1(mean)), low, high, wrong, int(arms), chance,
            )  # fmt: skip
