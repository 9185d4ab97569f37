"""Wear: what a creative loses while it runs, told apart from what it is worth (conditional Poisson).

Within one arm the total count carries its quality; how the count is spread over its days carries the wear:
    l(w) = sum_cells y log(share_w),   share_w = n exp(off - w g(age)) / sum over the arm's days,   g = log1p(age / 7).
The arm's own level cancels, and g is taken about its mean over the arms of the same segment-day: what all arms lose
together is the season's, so only arms that started on different days can tell wear. Without such evidence the estimate
is 0. It informs today's rate and reports; no closed-loop gain was measured from it.
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
    arm: Ints, group: Ints, age: Floats, events: Floats, without: Floats, n_arms: int, scale: float
) -> float:
    """Posterior mode of the loss on a grid.

    Args:
        group: int[cell], segment-day. without: float[cell], expected events without wear (a factor per arm cancels).
        scale: dispersion of arm-days; the likelihood is tempered by it.
    """
    ok = without > 0
    if not ok.any() or float(age.max()) < 3:
        return 0.0
    arm, group, events, without = arm[ok], group[ok], events[ok], without[ok]
    shape = np.log1p(age[ok] / WEAR_DAYS)
    shape = (
        shape - (np.bincount(group, without * shape) / np.maximum(np.bincount(group, without), 1e-300))[group]
    )
    # log share = log n - w g - log total: the first term is the same for every w, the last one per arm.
    count, spent = np.bincount(arm, events, n_arms), float(events @ shape)
    log_posterior = np.empty(len(GRID))
    for i, lost in enumerate(GRID):
        total = np.bincount(arm, without * np.exp(-lost * shape), n_arms)
        gained = -lost * spent - float(count @ np.log(np.where(total > 0, total, 1.0)))
        log_posterior[i] = gained / scale - lost / PRIOR_MEAN
    return float(GRID[int(np.argmax(log_posterior))])
