"""How greedy to be when the end is in sight: the split that earns most over what is left, if tomorrow one must commit.

Thompson's split P(best) does not know how much is left to earn, so it explores on the last night as on the first. Among
splits P(best)^b, from equal (b = 0) to winner takes all, this takes the one of greatest

    tonight * sum_k w_k m_k  +  later * E[max_k m'_k(w)]

m'_k is the posterior mean after tonight's data: normal around m_k, with the variance the data of exposure w_k * tonight
are expected to resolve, v_k e / (e + r_k) for a Gamma posterior of mean m, variance v and rate r. (Two-stage Bayesian
look-ahead as in knowledge-gradient rules: Frazier, Powell & Dayanik 2008.) Nothing in it is tuned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.stats.best_rows import expected_max_normal_rows

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHARPNESS = (0.0, 0.35, 0.7, 1.0, 1.5, 2.5, 5.0, 15.0)
CELLS = 128
"""Quadrature points. Arms not served tonight are almost points beside the others, which a coarse grid overrates: with
32, the error of E[max] is up to a fortieth of the widest arm's sd, which is what splits may differ by; with 128 it is
below a two-hundredth."""


def look_ahead(
    p_best: Floats,
    shape: Floats,
    rate: Floats,
    tonight: ArrayLike,
    later: ArrayLike,
    live: Bools | None = None,
    *,
    kappa: float = 0.0,
) -> Floats:
    """Splits float[..., arm] for one or many campaigns (leading axes).

    Args:
        p_best: float[..., arm], probability of being best; 0 for arms not live.
        shape, rate: Gamma posterior of each arm's rate per exposure.
        tonight, later: exposure until the next decision and after it, float[...]. With later = 0 the split is greedy.
        live: bool[..., arm]; arms that may be served.
        kappa: squared log-sd by which an arm's rate moves from day to day; of its events e a night tells e / (1 + kappa e).
    """
    alive = np.ones(p_best.shape, bool) if live is None else live
    now = np.broadcast_to(np.asarray(tonight, float), p_best.shape[:-1])
    after = np.broadcast_to(np.asarray(later, float), p_best.shape[:-1])
    mean = np.where(alive, shape / rate, 0.0)
    variance = shape / np.square(rate)
    top = alive & (mean == np.where(alive, mean, -np.inf).max(axis=-1, keepdims=True))
    split = top / top.sum(axis=-1, keepdims=True)
    if not (after > 0).any():
        return split  # nothing is left to learn for
    best = _value(split, mean, variance, rate, now, after, alive, kappa)
    for b in SHARPNESS:
        other = np.where(alive, np.power(np.maximum(p_best, 1e-12), b), 0.0)
        other = other / other.sum(axis=-1, keepdims=True)
        value = _value(other, mean, variance, rate, now, after, alive, kappa)
        better = value > best
        split = np.where(better[..., None], other, split)
        best = np.where(better, value, best)
    return split


def _value(
    split: Floats,
    mean: Floats,
    variance: Floats,
    rate: Floats,
    now: Floats,
    after: Floats,
    alive: Bools,
    kappa: float,
) -> Floats:
    exposure = split * now[..., None]
    exposure = exposure / (1 + kappa * exposure * mean)
    resolved = np.sqrt(variance * exposure / (exposure + rate))
    sd = np.maximum(resolved, 1e-4 * mean + TINY)  # an arm not served tonight keeps its mean: almost a point
    later_rate = expected_max_normal_rows(mean, sd, alive, CELLS)
    value: Floats = now * (split * mean).sum(axis=-1) + after * later_rate
    return value


TINY = 1e-15
