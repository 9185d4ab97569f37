"""The Gaussian core of the element model: two-level regression over segments, exact, in blocks.

    r_i = x_i (w_0 + w_s) + e_i + noise,   w_0 ~ N(0, v_0), w_s ~ N(0, v_1) per segment, e_i ~ N(0, arm)

`w_0` is what all segments share, `w_s` how segment s deviates, `e_i` what the arm has beyond its options. The arm effect
is integrated out into the noise, and the segments into a Schur complement, so the largest system has as many unknowns
as there are options: a fit takes milliseconds for any number of segments and creatives.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Variances(NamedTuple):
    """Prior variances on the log scale. `level` and `segment` are held; the other three are learnt."""

    shared: float  # of an option's effect, the same in all segments
    own: float  # of an option's deviation in one segment
    arm: float  # of what an arm has beyond its options
    segment: float = 0.5
    level: float = 9.0

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


def normal_equations(
    x: Floats, segment: Ints, r: Floats, noise: Floats, n_segments: int
) -> tuple[Floats, Floats]:
    """Per segment X'V^-1 X as float[segment, width, width] and X'V^-1 r as float[segment, width]."""
    width = x.shape[1]
    gram, moment = np.zeros((n_segments, width, width)), np.zeros((n_segments, width))
    for s in range(n_segments):
        rows = segment == s
        weighted = x[rows] / noise[rows, None]
        gram[s] = weighted.T @ x[rows]
        moment[s] = weighted.T @ r[rows]
    return gram, moment


def solve(
    x: Floats,
    segment: Ints,
    r: Floats,
    variance: Floats,
    prior: Variances,
    n_segments: int,
    *,
    equations: tuple[Floats, Floats] | None = None,
) -> Posterior:
    """Exact posterior given working responses.

    Args:
        x: float[row, width] design; segment: int[row]; r: float[row] responses about the prior mean 0.
        variance: float[row], sampling variance of r; the arm variance of `prior` is added to it.
        equations: `normal_equations` of the same rows and noise, where the caller already has them.
    """
    noise = variance + prior.arm
    width = x.shape[1]
    gram, moment = equations or normal_equations(x, segment, r, noise, n_segments)
    v0, v1 = prior.common(width), prior.deviation(width)
    blocks = gram + np.diag(1.0 / v1)
    inverse = np.linalg.inv(blocks)
    shift = inverse @ gram  # how w_s gives way when w_0 moves
    common_precision = np.diag(1.0 / v0) + (gram - gram @ shift).sum(axis=0)
    common_precision = (common_precision + common_precision.T) / 2
    common_cov = np.linalg.inv(common_precision)
    right = (moment - np.einsum("sij,sj->si", gram, np.einsum("sij,sj->si", inverse, moment))).sum(axis=0)
    common = common_cov @ right
    own = np.einsum("sij,sj->si", inverse, moment - gram @ common)
    remain = np.eye(width) - shift
    cov = remain @ common_cov @ np.swapaxes(remain, 1, 2) + inverse
    log_det = np.linalg.slogdet(blocks)[1].sum() + np.linalg.slogdet(common_precision)[1]
    fitted = float(moment.sum(axis=0) @ common + (moment * own).sum())
    evidence = -0.5 * (
        float(np.log(noise).sum() + log_det + np.log(v0).sum() + n_segments * np.log(v1).sum())
        + float((r * r / noise).sum())
        - fitted
    )
    return Posterior(common, common_cov, common + own, cov, float(evidence))


def learn_variances(
    x: Floats,
    segment: Ints,
    r: Floats,
    variance: Floats,
    start: Variances,
    usual: Variances,
    n_segments: int,
    *,
    sweeps: int = 10,
    spread: float = 1.5,
) -> Variances:
    """Raise the evidence by halving or doubling one variance at a time, until no step helps.

    `usual` is what comparable campaigns show; a log-normal prior of log-sd `spread` holds each variance near it until the
    data speak (without it, a handful of arms switches components on and off from one night to the next).
    """

    def penalty(v: Variances) -> float:
        logs = [np.log(v[k] / usual[k]) for k in range(3)]
        return float(sum(value * value for value in logs)) / (2 * spread**2)

    cache: dict[float, tuple[Floats, Floats]] = {}

    def score(v: Variances) -> float:
        if v.arm not in cache:
            cache[v.arm] = normal_equations(x, segment, r, variance + v.arm, n_segments)
        found = solve(x, segment, r, variance, v, n_segments, equations=cache[v.arm])
        return found.evidence - penalty(v)

    best, best_score = start, score(start)
    for _ in range(sweeps):
        before = best_score
        for k, name in enumerate(("shared", "own", "arm")):
            for factor in (2.0, 0.5):
                trial = best._replace(**{name: float(np.clip(best[k] * factor, 1e-6, 2.0))})
                trial_score = score(trial)
                if trial_score > best_score + 1e-3:
                    best, best_score = trial, trial_score
                    break
        if best_score - before < 1e-2:
            break
    return best
