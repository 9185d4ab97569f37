"""P(best) for many small questions at once: rows of arms, leading axes free. The exact single question is `best.py`.

One uniform grid per row, as wide as that row's posteriors reach; meant for rows whose arms are known about equally well
(one campaign's live arms). Error below 2e-3 there; `best.p_best_*` is the accurate one for vague beside sharp.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dco.stats.best import TINY

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CELLS = 64


def p_best_gamma_rows(shape: Floats, rate: Floats, live: Bools, cells: int = CELLS) -> Floats:
    """P(best) float[..., arm] of Gamma posteriors; arms not live have 0. Each row needs a live arm."""
    mean, sd = shape / rate, np.sqrt(shape) / rate
    x = _grid(mean, sd, live, cells, 4.0, 7.0, 0.0, np.inf)
    f = np.ones((*shape.shape, cells + 1))
    at = np.nonzero(live)
    f[at] = special.gammainc(shape[at][:, None], rate[at][:, None] * x[at[:-1]])
    return _shares(f)[0]


def p_best_beta_rows(alpha: Floats, beta: Floats, live: Bools, cells: int = CELLS) -> Floats:
    """P(best) float[..., arm] of Beta posteriors; arms not live have 0."""
    mean = alpha / (alpha + beta)
    sd = np.sqrt(mean * (1 - mean) / (alpha + beta + 1))
    x = _grid(mean, sd, live, cells, 4.0, 7.0, 0.0, 1.0)
    f = np.ones((*alpha.shape, cells + 1))
    at = np.nonzero(live)
    f[at] = special.betainc(alpha[at][:, None], beta[at][:, None], x[at[:-1]])
    return _shares(f)[0]


def best_normal_rows(mean: Floats, sd: Floats, live: Bools, cells: int = CELLS) -> tuple[Floats, Floats]:
    """(P(best) float[..., arm], E[max] float[...]) of normal posteriors with sd > 0."""
    x, f = _normal_cdf(mean, sd, live, cells)
    p, h = _shares(f)
    return p, _mean_below(x, h)


def expected_max_normal_rows(mean: Floats, sd: Floats, live: Bools, cells: int = CELLS) -> Floats:
    """E[max] float[...] of normal posteriors with sd > 0, without the shares."""
    x, f = _normal_cdf(mean, sd, live, cells)
    return _mean_below(x, np.prod(f, axis=-2))


def _normal_cdf(mean: Floats, sd: Floats, live: Bools, cells: int) -> tuple[Floats, Floats]:
    """Points x[..., G] and F[..., arm, G]; 1 for arms that are not live."""
    x = _grid(mean, sd, live, cells, 5.0, 5.0, -np.inf, np.inf)
    z = (x[..., None, :] - mean[..., None]) / sd[..., None]
    return x, np.where(live[..., None], special.ndtr(z), 1.0)


def _mean_below(x: Floats, h: Floats) -> Floats:
    """E[max] from its distribution function H[..., G] at x[..., G]: b - int H, by Simpson's rule."""
    simpson = (h[..., :-2:2] + 4 * h[..., 1::2] + h[..., 2::2]).sum(axis=-1) / 3
    out: Floats = x[..., -1] - simpson * (x[..., 1] - x[..., 0])
    return out


def _grid(
    mean: Floats, sd: Floats, live: Bools, cells: int, below: float, above: float, least: float, most: float
) -> Floats:
    """Uniform points[..., G] over the range where a row's maximum lies."""
    low = np.where(live, mean - below * sd, -np.inf).max(axis=-1)
    high = np.where(live, mean + above * sd, -np.inf).max(axis=-1)
    low, high = np.maximum(low, least), np.minimum(high, most)
    grid: Floats = low[..., None] + (high - low)[..., None] * np.linspace(0, 1, cells + 1)
    return grid


def _shares(f: NDArray[Any]) -> tuple[Floats, Floats]:
    """(P[..., arm], H[..., G]) from F[..., arm, G], by the rule of `best.py`."""
    log_f = np.log(np.maximum(f, TINY))
    total = log_f.sum(axis=-2)
    others = np.exp(total[..., None, :] - log_f)

    def rule(f: NDArray[Any], others: NDArray[Any]) -> Floats:
        out: Floats = np.einsum("...g,...g->...", np.diff(f, axis=-1), others[..., 1:] + others[..., :-1])
        return out

    p = np.maximum((4 * rule(f, others) - rule(f[..., ::2], others[..., ::2])), 0.0)
    return p / p.sum(axis=-1, keepdims=True), np.exp(total)
