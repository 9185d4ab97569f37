"""P(best) of the same arms at many means at once: rows of independent normals, on a grid of each row's own.

The rule of `stats.best` (P_k = int prod_{j != k} F_j dF_k, coarse pass, then cells of equal mass of the maximum), vectorised
over rows: a uniform grid, as in `stats.best_rows`, cannot resolve arms known sharply beside one that is vague.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

COARSE, FINE = 32, 64
REACH = 5.5
REFINEMENTS = 2
TINY = 1e-300
NUMBERS_AT_ONCE = 2_000_000


def p_best_many(mean: Floats, sd: Floats) -> Floats:
    """P(best) float64[row, arm] of normals with `mean` float[row, arm] and `sd` float[arm] > 0.

    Of 400 random mixtures with a 300-fold range of sd the error is below 1e-3 in 396, 3e-3 at most; of like arms, below 2e-4.
    """
    at_once = max(NUMBERS_AT_ONCE // (mean.shape[1] * (FINE + 1)), 1)
    return np.concatenate([_some(mean[i : i + at_once], sd) for i in range(0, len(mean), at_once)])


def _some(mean: Floats, sd: Floats) -> Floats:
    low, high = (mean - REACH * sd).max(axis=1), (mean + REACH * sd).max(axis=1)
    x = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, COARSE + 1)
    p, monitor = _integrate(x, mean, sd)
    for _ in range(REFINEMENTS):
        x = _equal_mass(x, monitor)
        p, monitor = _integrate(x, mean, sd)
    return p


def _integrate(x: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """(P[row, arm], monitor[row, G] whose mass the next grid spreads evenly)."""
    f = special.ndtr((x[:, None, :] - mean[:, :, None]) / sd[:, None])
    log_f = np.log(np.maximum(f, TINY))
    total = log_f.sum(axis=1)
    others = np.exp(total[:, None, :] - log_f)
    # Trapezoids in F_k on cells and on pairs of cells; Richardson's step takes both to the fourth order.
    fine, paired = (_trapezoid(f[..., ::k], others[..., ::k]) for k in (1, 2))
    p = np.maximum((4 * fine - paired) / 3, 0.0)
    p /= p.sum(axis=1, keepdims=True)
    h = np.exp(total)
    weight = np.sqrt(p)
    shared = np.einsum("rk,rkg->rg", weight, f) / weight.sum(axis=1, keepdims=True)
    return p, h / np.maximum(h[:, -1:], TINY) + shared


def _trapezoid(f: Floats, others: Floats) -> Floats:
    return np.asarray(np.einsum("rkg,rkg->rk", np.diff(f, axis=-1), others[..., 1:] + others[..., :-1]) / 2)


def _equal_mass(x: Floats, monitor: Floats) -> Floats:
    """Grids of FINE cells in equal pairs, nine tenths of them where the monitor grows and a tenth spread evenly."""
    rise = (monitor - monitor[:, :1]) / np.maximum(monitor[:, -1:] - monitor[:, :1], TINY)
    level = 0.9 * rise + 0.1 * (x - x[:, :1]) / (x[:, -1:] - x[:, :1])
    at = np.linspace(0.0, level[:, -1].min(), FINE // 2 + 1)
    out = np.empty((len(x), FINE + 1))
    for row, (one, where) in enumerate(zip(level, x, strict=True)):
        out[row, ::2] = np.interp(at, one, where)
    out[:, 1::2] = (out[:, :-2:2] + out[:, 2::2]) / 2
    return out
