"""P(best) of correlated normal posteriors of low rank plus diagonal, with its error.

Given the shared part d the arms are independent, and P(best | d) comes from quadrature; what is left to average is d.
With one shared dimension that average is quadrature too (Gauss-Hermite) and exact; with more it is taken over seeded
antithetic draws, and the standard error of the average is stated. Drawing only what must be drawn (Rao-Blackwell) keeps
the error well below that of drawing the arms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from dco.bandits.many_splits import p_best_many
from dco.bandits.pooled import Levels

Floats = NDArray[np.float64]

QUADRATURE_ERROR = 1e-3
"""Stated error of a P(best) that needed no draws."""
HERMITE = 16


class Chances(NamedTuple):
    """P(best) per arm, summing to 1, and its error: one standard error where draws were needed."""

    p: Floats
    error: Floats
    drawn: bool
    """Whether seeded draws were needed; else `error` is the quadrature's bound."""


def chances(levels: Levels, rng: np.random.Generator, draws: int) -> Chances:
    """P(best) of the arms; `draws` (even) is used where the shared part has more than one dimension."""
    k = len(levels.mean)
    shared = _shared(levels)
    exact = np.full(k, QUADRATURE_ERROR)
    if k == 1:
        return Chances(np.ones(1), np.zeros(1), False)
    if shared.shape[1] <= 1:
        z, weight = np.polynomial.hermite_e.hermegauss(HERMITE if shared.shape[1] else 1)
        nodes = z[:, None] if shared.shape[1] else np.zeros((1, 0))
        each = _given(levels, shared, nodes, np.arange(k))
        return Chances(weight @ each / weight.sum(), exact, False)
    half = rng.standard_normal((max(draws // 2, 2), shared.shape[1]))
    able = _able(levels, shared)
    p = np.zeros((len(half), k))
    p[:, able] = (_given(levels, shared, half, able) + _given(levels, shared, -half, able)) / 2
    return Chances(p.mean(axis=0), p.std(axis=0, ddof=1) / np.sqrt(len(half)), True)


def _shared(levels: Levels) -> Floats:
    """float64[arm, feature]: t = mean + shared z + noise e. What all arms share alike moves no ranking and is left out."""
    if not levels.root.size:
        return levels.loading
    shared = solve_triangular(levels.root, levels.loading.T, lower=True).T
    moves = np.ptp(shared, axis=0) > 1e-12 * max(float(np.abs(shared).max()), 1e-300)
    return np.asarray(shared[:, moves])


def _able(levels: Levels, shared: Floats) -> NDArray[np.intp]:
    """Arms that can be the best at all: an arm 7 sd of the difference below the leader is left out (chance < 1e-11)."""
    lead = int(np.argmax(levels.mean))
    gap = np.square(shared - shared[lead]).sum(axis=1) + np.square(levels.noise) + levels.noise[lead] ** 2
    return np.flatnonzero(levels.mean + 7 * np.sqrt(gap) >= levels.mean[lead])


def _given(levels: Levels, shared: Floats, z: Floats, able: NDArray[np.intp]) -> Floats:
    """P(best | z) float64[draw, able arm]."""
    mean = levels.mean[able] + z @ shared[able].T
    noise = levels.noise[able]
    if not (noise > 0).all():
        top = mean >= mean.max(axis=1, keepdims=True) - 1e-12 * np.abs(mean).max()
        return np.asarray(top / top.sum(axis=1, keepdims=True))
    # A sliver of width keeps an arm that is known very well from being narrower than the grid.
    return p_best_many(mean, np.maximum(noise, 1e-3 * noise.max()))
