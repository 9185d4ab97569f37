"""P(best) of Beta posteriors by other routes than the engine's: plain Monte Carlo, and an oversampled quadrature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

RATE, SD = 0.012, 0.18
"""Mean rate and sd of its logarithm: clicks on display ads, and the creative sd of real headline tests."""
LEAST, MOST = 2_000, 50_000
"""Impressions of an arm."""
NODES = 32
"""Gauss-Legendre nodes of a panel of the oracle."""
PIECE = 500
"""Arms whose distribution functions are asked at a time."""


def posteriors(arms: int, seed: int) -> tuple[Floats, Floats]:
    """(alpha, beta) float64[arm] after 2,000 to 50,000 impressions each, evenly by logarithm."""
    rng = np.random.default_rng([seed, arms])
    shown = np.exp(rng.uniform(np.log(LEAST), np.log(MOST), arms)).astype(int)
    clicked = rng.binomial(shown, RATE * np.exp(rng.normal(0, SD, arms)))
    return np.asarray(1 + clicked, dtype=float), np.asarray(1 + shown - clicked, dtype=float)


def monte_carlo(alpha: Floats, beta: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """P(best) float64[arm] by counting in how many joint draws each arm is the greatest."""
    best = rng.beta(alpha, beta, (draws, len(alpha))).argmax(axis=1)
    return np.bincount(best, minlength=len(alpha)) / draws


def draws_for(p: Floats, error: float) -> float:
    """Draws until two standard errors of every arm's chance are at most `error`: 4 p (1 - p) / error^2 of the worst arm."""
    return float(4 * (p * (1 - p)).max() / error**2)


def oversampled(alpha: Floats, beta: Floats, panels: int) -> tuple[Floats, float]:
    """(P(best) float64[arm], its sum before it is scaled to 1) by Gauss-Legendre on panels of one width.

    int f_k prod_{j != k} F_j dx with the density f_k in closed form, all arms, no adapted grid: nothing is shared with
    the engine's rule, which integrates dF_k on a grid of the maximum's own. The sum is 1 only where this is resolved.
    """
    low = float(special.betaincinv(alpha, beta, 1e-10).max())
    high = float(special.betainccinv(alpha, beta, 1e-10 / len(alpha)).max())
    node, weight = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(low, high, panels + 1)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    x = (edges[:-1, None] + half * (1 + node)).ravel()
    w = (half * weight).ravel()
    log_f = np.empty((len(alpha), len(x)))
    for at in range(0, len(alpha), PIECE):
        a, b = alpha[at : at + PIECE, None], beta[at : at + PIECE, None]
        log_f[at : at + PIECE] = np.log(np.maximum(special.betainc(a, b, x), 1e-300))
    total = log_f.sum(axis=0)
    p = np.empty(len(alpha))
    for at in range(0, len(alpha), PIECE):
        a, b = alpha[at : at + PIECE, None], beta[at : at + PIECE, None]
        density = (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - special.betaln(a, b)
        p[at : at + PIECE] = np.exp(density + total - log_f[at : at + PIECE]) @ w
    return p / p.sum(), float(p.sum())
