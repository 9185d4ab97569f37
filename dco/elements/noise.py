"""What moves all arms of a segment on a day, and how much more than Poisson one arm's day scatters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def day_effects(group: Ints, events: Floats, expected: Floats, n_groups: int, dispersion: float) -> Floats:
    """Log effect of each segment-day, float[group], shrunk towards 0 by its own counts.

    The gamma-Poisson shrinkage (y + a) / (mu + a) with `a` from the method of moments over all groups: quiet days keep
    the usual level, loud days speak for themselves.
    """
    y = np.bincount(group, events, n_groups)
    mu = np.bincount(group, expected, n_groups)
    seen = mu > 0
    if seen.sum() < 2:
        return np.zeros(n_groups)
    excess = ((y[seen] - mu[seen]) ** 2 - dispersion * mu[seen]).sum() / (mu[seen] ** 2).sum()
    strength = dispersion / max(excess, 1e-4)
    return np.where(seen, np.log((y + strength) / (mu + strength)), 0.0)


def dispersion(events: Floats, expected: Floats, n_fitted: int, *, doubt: float = 30.0) -> float:
    """Variance of arm-days over Poisson, at least 1, by Pearson's statistic.

    `doubt` pseudo-cells at 1.3 keep a short history from claiming that there is none: real ad data show 1.9 (identical
    packages of headline tests). `n_fitted` is the number of parameters that the expectations used up.
    """
    use = expected > 0.5
    n = int(use.sum())
    if n == 0:
        return 1.3
    pearson = float(((events[use] - expected[use]) ** 2 / expected[use]).sum())
    freedom = max(n - min(n_fitted, n // 2), 1)
    return float(np.clip((pearson + 1.3 * doubt) / (freedom + doubt), 1.0, 10.0))
