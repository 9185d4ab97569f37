"""Which arm is best? P(best) and expected loss of independent posteriors by one-dimensional quadrature.

    P_k = int prod_{j != k} F_j dF_k          E[max] = b - int_a^b prod_j F_j dx

Deterministic: no seed, no Monte Carlo noise, so a report rerun says the same. The grid is laid where the maximum lives:
a coarse pass finds the distribution H = prod F of the maximum, the fine pass puts cells of equal mass of H, so that a
vague newcomer beside sharply known arms is resolved as well as equals are. Absolute error below 1e-3 (measured: 1e-6 on
campaigns; of 400 random mixtures with a 300-fold range of sd one is off by 2e-3, all others by less than 1e-3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from dco.errors import BadData

Floats = NDArray[np.float64]
Cdf = Callable[[Floats, NDArray[Any]], NDArray[Any]]
"""(points[G], arms[K]) -> F[K, G]: the distribution functions of some arms at some points."""

LOST = 1e-6
"""Probability of the maximum that may lie outside the grid."""
TINY = 1e-300
GRID = 128
"""Cells of the fine pass."""
COARSE_CELLS = 40
REFINEMENTS = 4
WIDE = 0.15
"""A cell holding this much of an arm that matters is too wide: one more refinement (rare: a millionfold range of sd)."""
UNSEEN = 0.01
"""Chance by which an arm that the grid does not resolve yet draws cells to itself."""


class Best(NamedTuple):
    """P(best) per arm (sums to 1) and the expected value of the best arm."""

    p: Floats
    expected_max: float


def p_best_beta(alpha: ArrayLike, beta: ArrayLike, grid: int = GRID) -> Floats:
    """Probability that each arm has the greatest rate, for independent Beta posteriors.

    Args:
        alpha, beta: float[arm], both > 0.
        grid: cells of the fine pass (even); the error falls with its fourth power.

    Returns:
        float64[arm], non-negative, summing to 1. Arms with equal posteriors get equal shares.

    >>> p_best_beta([41, 61], [961, 941]).round(2)
    array([0.02, 0.98])
    """
    return best_beta(alpha, beta, grid).p


def p_best_gamma(shape: ArrayLike, rate: ArrayLike, grid: int = GRID) -> Floats:
    """As `p_best_beta`, for Gamma posteriors of rates per exposure; `shape` and `rate` are float[arm], > 0."""
    return best_gamma(shape, rate, grid).p


def p_best_normal(mean: ArrayLike, sd: ArrayLike, grid: int = GRID) -> Floats:
    """As `p_best_beta`, for normal posteriors; an arm with sd 0 is known exactly, and exact ties share equally."""
    return best_normal(mean, sd, grid).p


def expected_loss_normal(mean: ArrayLike, sd: ArrayLike, grid: int = GRID) -> Floats:
    """E[max_j x_j] - E[x_k] per arm: what choosing arm k for good would cost on average, in the unit of `mean`."""
    return np.maximum(best_normal(mean, sd, grid).expected_max - np.asarray(mean, float), 0.0)


def best_beta(alpha: ArrayLike, beta: ArrayLike, grid: int = GRID) -> Best:
    """P(best) and E[max] of independent Beta posteriors."""
    a, b = _pair(alpha, beta, "alpha", "beta")
    mean = a / (a + b)
    sd = np.sqrt(mean * (1 - mean) / (a + b + 1))
    return _best(lambda x, k: special.betainc(a[k, None], b[k, None], x[None]), mean, sd, (0.0, 1.0), grid)


def best_gamma(shape: ArrayLike, rate: ArrayLike, grid: int = GRID) -> Best:
    """P(best) and E[max] of independent Gamma posteriors."""
    a, r = _pair(shape, rate, "shape", "rate")
    cdf: Cdf = lambda x, k: special.gammainc(a[k, None], r[k, None] * x[None])  # noqa: E731
    return _best(cdf, a / r, np.sqrt(a) / r, (0.0, np.inf), grid)


def best_normal(mean: ArrayLike, sd: ArrayLike, grid: int = GRID) -> Best:
    """P(best) and E[max] of independent normal posteriors; sd may be 0."""
    m, s = _pair(mean, sd, "mean", "sd", positive=False)
    if (s < 0).any():
        raise BadData(f"sd: expected numbers >= 0 per arm, got {float(s.min())!r}")
    # Narrower than floating point can tell beside the others is known exactly.
    known = s <= 1e-12 * max(float(s.max()), float(np.abs(m).max()))
    if known.all():
        top = m == m.max()
        return Best(top / top.sum(), float(m.max()))
    # An exactly known arm is a wall: nothing below the highest one can be the maximum.
    wall = float(m[known].max()) if known.any() else -np.inf
    safe = np.where(known, 1.0, s)
    cdf: Cdf = lambda x, k: special.ndtr((x[None] - m[k, None]) / safe[k, None])  # noqa: E731
    free = np.flatnonzero(~known)
    part = _best(lambda x, k: cdf(x, free[k]), m[free], s[free], (-np.inf, np.inf), grid, wall)
    p = np.zeros(len(m))
    p[free] = part.p
    at_wall = known & (m == wall)
    if at_wall.any():
        p[at_wall] = max(1.0 - part.p.sum(), 0.0) / at_wall.sum()
    return Best(p / p.sum(), part.expected_max)


def _best(
    cdf: Cdf,
    mean: Floats,
    sd: Floats,
    support: tuple[float, float],
    grid: int,
    wall: float = -np.inf,
) -> Best:
    """The quadrature for continuous arms; `wall` is a value the maximum never falls under (p then sums to < 1)."""
    n = len(mean)
    if n == 1 and wall == -np.inf:
        return Best(np.ones(1), float(mean[0]))
    left, right, alive = _range(cdf, mean, sd, support, wall)
    x = np.linspace(left, right, COARSE_CELLS + 1)
    p = np.zeros(n)
    f = cdf(x, alive)
    part, h = _integrate(f)
    if not part.sum() > 0:  # only a wall that no free arm can pass
        return Best(p, wall)
    for _ in range(REFINEMENTS):
        # An arm whose mass lies in one or two cells is not resolved: what it was given means nothing yet.
        hidden = np.diff(f, axis=1).max(axis=1) > WIDE
        # Small arms weigh by the root of their chance: sharply known arms behind a vague leader need cells too.
        weight = np.sqrt(np.where(hidden, np.maximum(part, UNSEEN), part))
        x = _equal_mass(x, h / h[-1] + weight @ f / weight.sum(), grid)
        # Arms that all together cannot matter at the stated accuracy are not evaluated again.
        alive = alive[hidden | (part > min(1e-4 / n, float(part.max()) / 2))]
        f = cdf(x, alive)
        part, h = _integrate(f)
        if not (np.diff(f, axis=1)[part > 1e-3] > WIDE).any():
            break
    p[alive] = part
    at_wall = float(h[0]) if wall > -np.inf else 0.0
    simpson = (x[2::2] - x[:-2:2]) @ (h[:-2:2] + 4 * h[1::2] + h[2::2]) / 6
    expected = right - float(simpson)
    return Best(p * (1 - at_wall) / p.sum(), expected)


def _range(
    cdf: Cdf, mean: Floats, sd: Floats, support: tuple[float, float], wall: float
) -> tuple[float, float, NDArray[np.intp]]:
    """An interval that holds the maximum but for LOST, and the arms that can reach into it."""
    everyone = np.arange(len(mean))
    lead = int(np.argmax(mean - 5 * sd))
    reach = 5.0
    left = mean[lead] - reach * sd[lead]
    while left > max(support[0], wall) and float(cdf(np.array([left]), np.array([lead]))[0, 0]) > LOST:
        reach *= 1.5
        left = mean[lead] - reach * sd[lead]
    left = max(left, support[0], wall)
    alive = everyone[mean + 6 * sd > left] if np.isfinite(left) else everyone
    # Skewed arms reach further than 6 sd: those left out are asked exactly, at one point each.
    rest = np.setdiff1d(everyone, alive, assume_unique=True)
    if len(rest):
        beyond = 1 - cdf(np.array([left]), rest)[:, 0]
        alive = np.sort(np.concatenate([alive, rest[beyond > LOST / len(mean)]]))
    if not len(alive):
        alive = np.array([lead])
    reach = 6.0
    right = float(np.max(mean[alive] + reach * sd[alive]))
    while right < support[1] and float(np.sum(1 - cdf(np.array([right]), alive))) > LOST:
        reach *= 1.5
        right = float(np.max(mean[alive] + reach * sd[alive]))
    right = min(right, support[1])
    return left, max(right, left), alive


def _integrate(f: NDArray[Any]) -> tuple[Floats, Floats]:
    """(P_k, H[G]) from F[K, G], G odd: int prod_{j != k} F_j dF_k by Richardson's step on pairs of cells.

    The trapezoid in the coordinate F_k on single and on paired cells gives an error of the fourth order together.
    """
    log_f = np.log(np.maximum(f, TINY))
    total = log_f.sum(axis=0)
    others = np.exp(total[None] - log_f, out=log_f)
    fine = np.einsum("kg,kg->k", np.diff(f, axis=1), others[:, 1:] + others[:, :-1]) / 2
    f, others = f[:, ::2], others[:, ::2]
    paired = np.einsum("kg,kg->k", np.diff(f, axis=1), others[:, 1:] + others[:, :-1]) / 2
    return np.maximum((4 * fine - paired) / 3, 0.0), np.exp(total)


def _equal_mass(x: Floats, h: Floats, cells: int) -> Floats:
    """Grid of `cells` cells over which the monitor `h` grows equally, with a tenth of them spread evenly so that none is very wide."""
    width = x[-1] - x[0]
    if width <= 0 or h[-1] <= h[0]:
        return np.linspace(x[0], x[-1], cells + 1)
    level = 0.9 * (h - h[0]) / (h[-1] - h[0]) + 0.1 * (x - x[0]) / width
    ends = np.interp(np.linspace(0.0, 1.0, cells // 2 + 1), level, x)
    # Cells come in equal pairs: that is what the Richardson step needs.
    return np.insert(ends, np.arange(1, len(ends)), (ends[1:] + ends[:-1]) / 2)


def _pair(
    first: ArrayLike, second: ArrayLike, one: str, two: str, *, positive: bool = True
) -> tuple[Floats, Floats]:
    """Two equally long float[arm] arrays, checked."""
    a, b = np.atleast_1d(np.asarray(first, float)), np.atleast_1d(np.asarray(second, float))
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise BadData(
            f"{one}, {two}: expected two lists of one number per arm, got shapes {a.shape} and {b.shape}"
        )
    for name, values in ((one, a), (two, b)):
        bad = ~np.isfinite(values) | (positive & (values <= 0))
        if bad.any():
            k = int(np.argmax(bad))
            kind = "a positive number" if positive else "a finite number"
            raise BadData(f"{name}[{k}]: expected {kind}, got {float(values[k])!r}")
    return a, b
