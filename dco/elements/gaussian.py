"""The Gaussian core of the element model: two-level regression over segments, exact, in blocks.

    r_i = x_i (w_0 + w_s) + e_i + noise,   w_0 ~ N(0, v_0), w_s ~ N(0, v_1) per segment, e_i ~ N(0, arm)

`w_0` is what all segments share, `w_s` how segment s deviates, `e_i` what the arm has beyond its options. The arm effect
is integrated out into the noise, and the segments into a Schur complement, so the largest system has as many unknowns
as there are options: a fit takes milliseconds for any number of segments and creatives.

The work is done in steps that depend on ever more of the prior, so that each can be kept while the rest changes:
`Design` (nothing), `Statistics` (the arm variance), `Eliminated` (and `own`), `Posterior` (and `shared`).
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri

from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Variances(NamedTuple):
    """Prior variances on the log scale. `level` and `segment` are held; `shared`, `own` and `arm` are learnt, and by
    `components.learn` those of the terms of `process`."""

    shared: float  # of an option's effect, the same in all segments
    own: float  # of an option's deviation in one segment
    arm: float  # of what an arm has beyond its options
    segment: float = 0.5
    level: float = 9.0
    pair: float = 0.0  # of all pairs of a genome's options together, the same in all segments
    own_pair: float = 0.0  # of their deviation in one segment
    look: float = 0.0  # of what creatives that look alike have in common

    def common(self, width: int) -> Floats:
        return np.concatenate([[self.level], np.full(width - 1, self.shared)])

    def deviation(self, width: int) -> Floats:
        return np.concatenate([[self.segment], np.full(width - 1, self.own)])


class Posterior(NamedTuple):
    """Posterior of u_s = w_0 + w_s and of w_0; `evidence` is the log marginal likelihood of r up to a constant."""

    common: Floats  # [width]
    common_cov: Floats  # [width, width]
    mean: Floats  # [segment, width]
    cov: Floats  # [segment, width, width]
    evidence: float


class Design(NamedTuple):
    """The rows of a regression, laid out by segment: `blocks[s]` is float[row of s, width], `rows[s]` which rows those are."""

    rows: tuple[Ints, ...]
    blocks: tuple[Floats, ...]

    @classmethod
    def of(cls, x: Floats, segment: Ints, n_segments: int) -> Design:
        """From x float[row, width] and segment int[row]."""
        rows = tuple(np.flatnonzero(segment == s) for s in range(n_segments))
        return cls(rows, tuple(x[at] for at in rows))

    @property
    def width(self) -> int:
        return self.blocks[0].shape[1]

    def fitted(self, mean: Floats) -> Floats:
        """float[row]: x_i mean_s, for mean float[segment, width]."""
        out = np.empty(sum(map(len, self.rows)))
        for at, x, weights in zip(self.rows, self.blocks, mean):
            out[at] = x @ weights
        return out


class Statistics(NamedTuple):
    """All that the prior of the weights is judged by: sufficient statistics of responses r with noise variances V."""

    gram: Floats  # [segment, width, width] X'V^-1 X
    moment: Floats  # [segment, width] X'V^-1 r
    scatter: float  # sum of r^2 / V + log V


class Eliminated(NamedTuple):
    """The segments' deviations integrated out: what is left is a regression on the shared weights."""

    inverse: Floats  # [segment, width, width] (X'V^-1 X + 1 / v_1)^-1
    moved: Floats  # [segment, width] inverse @ moment: the segments' weights where nothing is shared
    precision: Floats  # [width, width] what the segments say about the shared weights
    right: Floats  # [width]
    log_det: float  # of the segments' systems and prior


def statistics(design: Design, r: Floats, noise: Floats) -> Statistics:
    """Sufficient statistics of responses float[row] with noise variances float[row]."""
    n, width = len(design.rows), design.width
    gram, moment = np.empty((n, width, width)), np.empty((n, width))
    precision = 1.0 / noise
    weighted = precision * r
    for s, (at, x) in enumerate(zip(design.rows, design.blocks)):
        gram[s] = (x.T * precision[at]) @ x
        moment[s] = weighted[at] @ x
    return Statistics(gram, moment, float(np.log(noise).sum() + weighted @ r))


def _inverse(systems: Floats) -> tuple[Floats, float]:
    """Inverses of symmetric positive definite systems[..., width, width], overwritten, and the sum of their log determinants.

    By Cholesky's factor, which gives both: a third less work than a general inverse and a determinant.
    """
    log_dets = 0.0
    for system in systems:
        factor, failed = dpotrf(system.T, lower=1, clean=0, overwrite_a=1)
        log_dets += 2 * float(np.log(np.diagonal(factor)).sum())
        system.T[...], unfit = dpotri(factor, lower=1, overwrite_c=1)
        if failed or unfit:
            raise BadData("element model: the counts span too many orders of magnitude to be fitted together")
    upper = np.triu(systems, 1)
    upper += np.swapaxes(upper, 1, 2)
    at = range(systems.shape[1])
    upper[:, at, at] = systems[:, at, at]
    return upper, log_dets


def eliminate(found: Statistics, prior: Variances) -> Eliminated:
    """Integrates the segments out (Schur complement); depends on `prior.own` and the statistics only.

    With D = 1 / v_1 and B = (G + D)^-1, G - G B G = D - D B D and m - G B m = D B m: no product of full matrices.
    """
    n, width = found.moment.shape
    d = 1.0 / prior.deviation(width)
    blocks = found.gram.copy()
    blocks[:, range(width), range(width)] += d
    inverse, log_dets = _inverse(blocks)
    moved = (inverse @ found.moment[:, :, None])[:, :, 0]
    precision = -d[:, None] * inverse.sum(axis=0) * d
    precision[range(width), range(width)] += n * d
    log_det = float(log_dets - n * np.log(d).sum())
    return Eliminated(inverse, moved, (precision + precision.T) / 2, d * moved.sum(axis=0), log_det)


def weights(
    found: Statistics, rest: Eliminated, prior: Variances, *, want_evidence: bool = True
) -> tuple[Floats, Floats, Floats, float]:
    """Posterior means of w_0 float[width] and of u_s float[segment, width], precision of w_0, and the log evidence."""
    width = len(rest.right)
    v0, d = prior.common(width), 1.0 / prior.deviation(width)
    precision = rest.precision.copy()
    precision[range(width), range(width)] += 1.0 / v0
    common = np.asarray(np.linalg.solve(precision, rest.right), dtype=float)
    mean = rest.moved + rest.inverse @ (d * common)
    if not want_evidence:
        return common, mean, precision, float("nan")
    log_det = rest.log_det + float(np.linalg.slogdet(precision)[1] + np.log(v0).sum())
    evidence = -0.5 * (found.scatter + log_det - float((found.moment * mean).sum()))
    return common, mean, precision, evidence


def segment_means(found: Statistics, prior: Variances) -> Floats:
    """Posterior mean of u_s, float[segment, width], without the covariances: what an iteration needs."""
    return weights(found, eliminate(found, prior), prior, want_evidence=False)[1]


def posterior(found: Statistics, prior: Variances) -> Posterior:
    """Exact posterior given the sufficient statistics (of the same `prior.arm`)."""
    rest = eliminate(found, prior)
    common, mean, precision, evidence = weights(found, rest, prior)
    common_cov = np.asarray(np.linalg.inv(precision), dtype=float)
    follow = rest.inverse / prior.deviation(len(common))  # how u_s goes with w_0
    cov = follow @ common_cov @ np.swapaxes(follow, 1, 2) + rest.inverse
    return Posterior(common, common_cov, mean, cov, evidence)


def solve(design: Design, r: Floats, variance: Floats, prior: Variances) -> Posterior:
    """Exact posterior given working responses.

    Args:
        r: float[row] responses about the prior mean 0.
        variance: float[row], sampling variance of r; the arm variance of `prior` is added to it.
    """
    return posterior(statistics(design, r, variance + prior.arm), prior)


def learn_variances(
    design: Design,
    r: Floats,
    variance: Floats,
    start: Variances,
    usual: Variances,
    *,
    sweeps: int = 10,
    spread: float = 1.5,
) -> Variances:
    """Raise the evidence by halving or doubling one variance at a time, until no step helps.

    `usual` is what comparable campaigns show; a log-normal prior of log-sd `spread` holds each variance near it until the
    data speak (without it, a handful of arms switches components on and off from one night to the next).
    """

    def penalty(v: Variances) -> float:
        return sum(log(v[k] / usual[k]) ** 2 for k in range(3)) / (2 * spread**2)

    # A trial of `shared` needs only the last step anew, one of `own` the last two.
    seen: dict[float, Statistics] = {}
    eliminated: dict[tuple[float, float], Eliminated] = {}

    def score(v: Variances) -> float:
        if v.arm not in seen:
            seen[v.arm] = statistics(design, r, variance + v.arm)
        if (v.arm, v.own) not in eliminated:
            eliminated[v.arm, v.own] = eliminate(seen[v.arm], v)
        return weights(seen[v.arm], eliminated[v.arm, v.own], v)[3] - penalty(v)

    best, best_score = start, score(start)
    tried = {start}
    for _ in range(sweeps):
        before = best_score
        for k, name in enumerate(("shared", "own", "arm")):
            for factor in (2.0, 0.5):
                trial = best._replace(**{name: min(max(best[k] * factor, 1e-6), 2.0)})
                if trial in tried:  # its score is known, and was not better
                    continue
                tried.add(trial)
                trial_score = score(trial)
                if trial_score > best_score + 1e-3:
                    best, best_score = trial, trial_score
                    break
        if best_score - before < 1e-2:
            break
    return best
