"""Intervals for one rate, for a lift, and the multiplier that makes an interval valid at every look."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from dco.errors import BadData

Floats = NDArray[np.float64]


def z_of(level: float, freedom: float | None = None) -> float:
    """Two-sided quantile of the normal, or of Student's t with `freedom` degrees."""
    if not 0 < level < 1:
        raise BadData(f"level: expected a number between 0 and 1, got {level!r}")
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) if freedom is None else stats.t.ppf(tail, freedom))


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """(low, high) of a binomial rate by Wilson's score interval (1927); (0, 1) where there were no trials."""
    s, n = np.asarray(successes, float), np.asarray(trials, float)
    z2 = z_of(level) ** 2
    safe = np.where(n > 0, n, 1.0)
    p = s / safe
    centre = (p + z2 / (2 * safe)) / (1 + z2 / safe)
    half = np.sqrt(z2) * np.sqrt(p * (1 - p) / safe + z2 / (4 * safe**2)) / (1 + z2 / safe)
    low = np.where(s == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(s == n, 1.0, np.minimum(centre + half, 1.0))
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


def beta_credible(alpha: ArrayLike, beta: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """(low, high), equal-tailed, of a Beta posterior."""
    tail = (1 - level) / 2
    a, b = np.asarray(alpha, float), np.asarray(beta, float)
    return np.asarray(special.betaincinv(a, b, tail)), np.asarray(special.betaincinv(a, b, 1 - tail))


def gamma_credible(shape: ArrayLike, rate: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """(low, high), equal-tailed, of a Gamma posterior with the given rate (inverse scale)."""
    tail = (1 - level) / 2
    a, r = np.asarray(shape, float), np.asarray(rate, float)
    return np.asarray(special.gammaincinv(a, tail) / r), np.asarray(special.gammaincinv(a, 1 - tail) / r)


def log_ratio(
    a: ArrayLike, b: ArrayLike, variance_a: ArrayLike, variance_b: ArrayLike, multiplier: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """(lift, low, high) of a / b - 1: asymmetric, never below -100 %.

    Args:
        a, b: estimates > 0. variance_a, variance_b: variances of their LOGARITHMS (relative variances).
        multiplier: standard errors on each side.
    """
    centre = np.log(np.asarray(a, float) / np.asarray(b, float))
    half = np.asarray(multiplier) * np.sqrt(np.asarray(variance_a, float) + np.asarray(variance_b, float))
    return np.expm1(centre), np.expm1(centre - half), np.expm1(centre + half)


def anytime_multiplier(batches: int, planned: int, level: float = 0.95) -> float:
    """Normal-mixture multiplier: the interval holds at every look at once, tightest near the `planned`-th batch.

    sqrt((1 + eta/t) ln((t + eta) / (eta a^2))), eta = T / (-2 ln a + ln(1 - 2 ln a)), a = 1 - level
    (Robbins 1970; Waudby-Smith et al. 2021, arXiv 2103.06476, eq. 14 with the tuning of its appendix).
    """
    if batches < 1 or planned < 1:
        raise BadData(f"planned: expected at least one batch, got {min(batches, planned)!r}")
    a = 1 - level
    eta = planned / (-2 * np.log(a) + np.log(1 - 2 * np.log(a)))
    return float(np.sqrt((1 + eta / batches) * np.log((batches + eta) / (eta * a * a))))
