"""Wear: what a creative loses while it runs, told apart from what it is worth (conditional Poisson).

Within one arm the total count carries its quality; how the count is spread over its days carries the wear:
    l(w) = sum_cells y log(share_w),   share_w = n exp(off - w g(age)) / sum over the arm's days,   g = log1p(age / 7).
The arm's own level cancels. Only arms that started on different days can tell wear from a change of season, so the
estimate is shrunk to none. It informs today's rate and reports; no closed-loop gain was measured from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEAR_DAYS = 7.0
GRID = np.linspace(0.0, 0.4, 21)
PRIOR_MEAN = 0.05
"""Exponential prior over the loss per unit of log1p(age / 7): most creatives lose little."""


def wear_offset(lost: float, age: Floats) -> Floats:
    """Log-rate change of a creative `age` days after its first day."""
    return -lost * np.log1p(np.asarray(age) / WEAR_DAYS)


def estimate_wear(
    arm: Ints, age: Floats, events: Floats, without: Floats, n_arms: int, scale: float
) -> float:
    """Posterior mean of the loss on a grid.

    Args:
        without: float[cell], expected events if there were no wear (any factor per arm cancels).
        scale: dispersion of arm-days; the likelihood is tempered by it.
    """
    if not len(arm) or float(age.max()) < 3:
        return 0.0
    shape = np.log1p(age / WEAR_DAYS)
    log_likelihood = np.empty(len(GRID))
    for i, lost in enumerate(GRID):
        mass = without * np.exp(-lost * shape)
        total = np.bincount(arm, mass, n_arms)[arm]
        ok = (mass > 0) & (total > 0)
        log_likelihood[i] = float((events[ok] * np.log(mass[ok] / total[ok])).sum()) / scale
    weight = np.exp(log_likelihood - log_likelihood.max() - (GRID / PRIOR_MEAN))
    return float((weight * GRID).sum() / weight.sum())
