"""Arms that share features: a (generalised) linear model of each arm's level, by Newton and Laplace, in weight space.

    t_k = offset_k + x_k' w + a_k       w ~ N(0, diag(tau^2)),  a_k ~ N(0, s_k^2)
    counts of arm k ~ likelihood(t_k)

The arm effects a are integrated out exactly within each Newton step (their block of the Hessian is diagonal), so a step
costs O(K F^2 + F^3) for K arms and F features, whatever K is. The Laplace posterior keeps that structure,

    t = mean + loading d + noise * e,    d ~ N(0, (L L')^-1),  e ~ N(0, 1) independent by arm

with L L' = S = diag(tau^-2) + X' diag(W / (1 + W s^2)) X: the precision itself is factorised and drawn from by solving with
L', so that an untrained weight has its prior's sd (W = 0: S^-1 = diag(tau^2)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""levels[arm] -> (log likelihood, its slope, minus its curvature >= 0), each float64[arm]."""

STEPS = 60
SETTLED = 1e-10


class Model(NamedTuple):
    """The prior of the levels. With F = 0 columns the arms know nothing of each other."""

    offset: Floats
    """float64[arm]"""
    design: Floats
    """float64[arm, feature], columns already in units of their prior sd tau (so w ~ N(0, I))."""
    arm_sd: Floats
    """float64[arm], >= 0"""


class Levels(NamedTuple):
    """A Gaussian posterior of the levels, low rank plus diagonal."""

    mean: Floats
    loading: Floats
    """float64[arm, feature]"""
    root: Floats
    """float64[feature, feature], lower triangular L; d = L'^-1 z with z standard normal."""
    noise: Floats
    """float64[arm], sd of what is each arm's own."""
    weights: Floats
    """float64[feature], the weights' posterior mean in units of their prior sd."""

    def sd(self) -> Floats:
        """float64[arm], marginal sd of the levels."""
        part = solve_triangular(self.root, self.loading.T, lower=True) if self.root.size else self.loading.T
        return np.sqrt(np.square(part).sum(axis=0) + np.square(self.noise))


def fit(model: Model, likelihood: Likelihood) -> Levels:
    """Mode and curvature of the posterior; damped Newton on a concave objective, so it converges from anywhere."""
    x, s2 = model.design, np.square(model.arm_sd)
    w, a = np.zeros(x.shape[1]), np.zeros(len(x))
    level = model.offset + x @ w + a
    value, slope, weight = likelihood(level)
    score = _objective(value, w, a, s2)
    for _ in range(STEPS):
        root = _precision_root(x, weight, s2)
        keep = 1 + weight * s2
        own = (s2 * slope - a) / keep  # the arm effects' own step, were w to stay
        gradient = x.T @ (slope - weight * own) - w
        dw = _solve(root, gradient)
        da = own - s2 * weight / keep * (x @ dw)
        size, better = 1.0, False
        while size > 1e-6 and not better:
            new_w, new_a = w + size * dw, a + size * da
            new_level = model.offset + x @ new_w + new_a
            new = likelihood(new_level)
            new_score = _objective(new[0], new_w, new_a, s2)
            better = bool(np.isfinite(new_score)) and new_score >= score - 1e-12 * abs(score)
            size /= 2
        if not better:
            break
        step = float(np.abs(new_level - level).max())
        w, a, level, (value, slope, weight), score = new_w, new_a, new_level, new, new_score
        if step < SETTLED:
            break
    root = _precision_root(x, weight, s2)
    keep = 1 + weight * s2
    return Levels(level, x / keep[:, None], root, np.sqrt(s2 / keep), w)


def binomial(successes: Floats, trials: Floats) -> Likelihood:
    """Logit link: s of n trials."""

    def at(level: Floats) -> tuple[Floats, Floats, Floats]:
        p = 1 / (1 + np.exp(-np.clip(level, -700, 700)))
        log_one = np.logaddexp(0.0, level)
        return successes * level - trials * log_one, successes - trials * p, trials * p * (1 - p)

    return at


def poisson(successes: Floats, exposure: Floats) -> Likelihood:
    """Log link: counts at a rate per exposure; successes may be fractional."""

    def at(level: Floats) -> tuple[Floats, Floats, Floats]:
        expected = exposure * np.exp(np.minimum(level, 300.0))
        return successes * level - expected, successes - expected, expected

    return at


def gaussian(mean: Floats, precision: Floats) -> Likelihood:
    """Identity link: an observed mean with known precision (0: nothing observed)."""

    def at(level: Floats) -> tuple[Floats, Floats, Floats]:
        gap = mean - level
        return -precision * np.square(gap) / 2, precision * gap, precision

    return at


def _precision_root(x: Floats, weight: Floats, s2: Floats) -> Floats:
    v = weight / (1 + weight * s2)
    precision = np.eye(x.shape[1]) + x.T @ (v[:, None] * x)
    root: Floats = cholesky(precision, lower=True) if precision.size else precision
    return root


def _solve(root: Floats, right: Floats) -> Floats:
    if not root.size:
        return right
    out: Floats = solve_triangular(root.T, solve_triangular(root, right, lower=True), lower=False)
    return out


def _objective(value: Floats, w: Floats, a: Floats, s2: Floats) -> float:
    own = np.square(a) / np.where(s2 > 0, s2, 1.0)
    return float(value.sum() - w @ w / 2 - own.sum() / 2)
