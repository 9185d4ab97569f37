"""What moves all arms of a segment on a day, and how much more than Poisson one arm's day scatters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_PHI = 1.3
MOST_KAPPA = 0.25
SCATTER_STEPS = 4


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


class Scatter(NamedTuple):
    """Variance of an arm-day's count about its expectation mu: phi mu + kappa mu^2."""

    phi: float  # at least 1; 1 is Poisson's
    kappa: float  # squared log-sd by which an arm's rate moves from day to day

    def heard(self, expected: Floats) -> Floats:
        """float[cell] in (0, 1]: how much of a cell counts, so that its variance is phi times its weighted expectation.

        A day tells at most 1 / kappa, however many it counts; small counts are heard whole.
        """
        return self.phi / (self.phi + self.kappa * expected)


def scatter(events: Floats, expected: Floats, n_fitted: int, *, doubt: float = 30.0) -> Scatter:
    """How much more than Poisson arm-days scatter, by weighted moments: e^2 / mu = phi + kappa mu.

    One factor for all days (quasi-Poisson) would let the loud days of a leader drown what a new arm's few clicks say.
    `doubt` pseudo-cells at `USUAL_PHI` keep a short history from claiming that there is no scatter: real ad data show 1.9
    (identical packages of headline tests). `n_fitted` is the number of parameters that the expectations used up.
    """
    use = expected > 0.5
    n = int(use.sum())
    if n == 0:
        return Scatter(USUAL_PHI, 0.0)
    mu = expected[use]
    y = (events[use] - mu) ** 2 / mu * (n / max(n - min(n_fitted, n // 2), 1))
    phi, kappa = USUAL_PHI, 0.0
    for _ in range(SCATTER_STEPS):
        weight = 1.0 / (phi + kappa * mu) ** 2  # each y has an error of about its own size
        s0, s1, s2 = weight.sum() + doubt / phi**2, weight @ mu, weight @ mu**2
        t0, t1 = weight @ y + doubt * USUAL_PHI / phi**2, weight @ (mu * y)
        determinant = s0 * s2 - s1**2
        if determinant > 1e-9 * s0 * s2:
            phi, kappa = (s2 * t0 - s1 * t1) / determinant, (s0 * t1 - s1 * t0) / determinant
        if determinant <= 1e-9 * s0 * s2 or kappa <= 0:
            phi, kappa = t0 / s0, 0.0
        if phi < 1.0:
            phi, kappa = 1.0, max(float((t1 - s1) / s2), 0.0)
    return Scatter(float(min(phi, 10.0)), float(min(kappa, MOST_KAPPA)))
