"""Arms that know each other: Gamma-Poisson beliefs around a campaign's own base rate, for one or many campaigns at once.

    log m ~ N(base)          a campaign's base rate, prior learnt from earlier campaigns
    r_k | m ~ Gamma          with mean m and log-scale spread sigma around it
    s_k | r_k ~ Poisson(n_k r_k), counts divided by the overdispersion factor phi (quasi-likelihood)

m is set to its posterior mode (Newton, with the arms integrated out), so arms are shrunken towards what the campaign
itself has shown, as in Efron & Morris (1975). Leading axes are free: float[..., arm].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.bandits.look_ahead import look_ahead
from dco.stats.best_rows import p_best_gamma_rows

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEWTON_STEPS = 12


class Family(NamedTuple):
    """What earlier campaigns taught: base log rate (mean, sd) and the spread of arms around their campaign's base."""

    base_log_mean: float
    base_log_sd: float
    spread: float


class Base(NamedTuple):
    """A campaign's base rate: posterior mode and sd of its logarithm, float[...]."""

    log_rate: Floats
    log_sd: Floats


def base_rate(successes: Floats, exposure: Floats, live: Bools, family: Family) -> Base:
    """Posterior mode of the base rate with the arms' own rates integrated out (negative binomial likelihood)."""
    shape = 1 / np.expm1(family.spread**2)
    precision = 1 / family.base_log_sd**2
    s, n = np.where(live, successes, 0.0), np.where(live, exposure, 0.0)
    # Start from the pooled rate: Newton on a concave-in-the-middle likelihood is then a few steps from its end.
    eta = np.log((s.sum(axis=-1) + 1.0) / (n.sum(axis=-1) + np.exp(-family.base_log_mean)))
    information = np.zeros_like(eta)
    for _ in range(NEWTON_STEPS):
        expected = np.exp(eta)[..., None] * n
        weight = shape / (shape + expected)
        information = (weight * expected).sum(axis=-1)
        slope = (weight * (s - expected)).sum(axis=-1) - (eta - family.base_log_mean) * precision
        eta = eta + np.clip(slope / (information + precision), -1.0, 1.0)
    return Base(eta, 1 / np.sqrt(information + precision))


def arm_posteriors(successes: Floats, exposure: Floats, base: Base, family: Family) -> tuple[Floats, Floats]:
    """(shape, rate) float[..., arm] of each arm's Gamma posterior given its campaign's base rate."""
    shape = 1 / np.expm1(family.spread**2)
    return shape + successes, shape / np.exp(base.log_rate)[..., None] + exposure


def shares_of_many(
    successes: Floats,
    exposure: Floats,
    live: Bools,
    family: Family,
    tonight: Floats,
    later: Floats,
    *,
    ahead: bool = True,
) -> Floats:
    """Tonight's splits float[campaign, arm] of many campaigns with a learnt family, looking ahead to their ends.

    The same belief and rule as the policy `hierarchical_thompson`, vectorised for replays over thousands of campaigns.
    `tonight` and `later` are float[campaign] exposures; with `ahead` False they are not used and the split is P(best).
    """
    base = base_rate(successes, exposure, live, family)
    shape, rate = arm_posteriors(successes, exposure, base, family)
    p = p_best_gamma_rows(shape, rate, live)
    return look_ahead(p, shape, rate, tonight, later, live) if ahead else p
