"""Hierarchical Thompson sampling (the default): arms shrink towards their campaign's base rate or the element model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from dco.bandits.beliefs import (
    Floats,
    Outlook,
    State,
    gamma_prior,
    shares_by_segment,
)
from dco.bandits.counting import CountingPolicy
from dco.bandits.hierarchical import Base, Family, base_rate
from dco.bandits.look_ahead import look_ahead
from dco.stats.best import p_best_gamma


@dataclass(frozen=True)
class Policy(CountingPolicy):
    """Shares are P(best) of hierarchical Gamma posteriors; with an outlook, sharpened for what is left to earn.

    An arm with a prior (`Prior(log_mean, log_sd)`, from the element model) uses it. Arms without one share a base rate
    estimated from all such arms' counts, around which they vary by `spread` on the log scale. `base_log_mean`,
    `base_log_sd` and `spread` are what `empirical_bayes.fit_family` learns from earlier campaigns; the defaults are
    vague about the base (1 %, give or take a factor of e^2).

    `dispersion` >= 1 is the variance of a count over its mean (identical ads on real sites: 1.9): counts and exposure
    are divided by it.
    """

    base_log_mean: float = math.log(0.01)
    base_log_sd: float = 2.0
    spread: float = 0.20
    """Log-scale sd between the arms of a campaign; 0.18-0.20 in 2,471 real headline tests."""
    dispersion: float = 1.0
    level: float = 0.90
    trials: bool = True

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, lambda sub: self._shares(sub, outlook))

    def _shares(self, state: State, outlook: Outlook | None) -> Floats:
        shape, rate, _, _ = self._beliefs(state)
        shape, rate = shape[state.live], rate[state.live]
        p = p_best_gamma(shape, rate)
        if outlook is None or not outlook.tonight > 0:
            return p
        return look_ahead(p, shape, rate, outlook.tonight / self.dispersion, outlook.later / self.dispersion)

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]; the base rate's own error is in the interval."""
        shape, rate, base, shared = self._beliefs(state)
        # How much of an arm's log rate still hangs on the base: the prior's part of its exposure.
        hangs = np.where(shared, (rate - state.exposure / self.dispersion) / rate, 0.0)
        log_sd = np.sqrt(special.polygamma(1, shape) + np.square(hangs * base.log_sd))
        log_mean = special.digamma(shape) - np.log(rate)
        z = float(stats.norm.ppf((1 + self.level) / 2))
        return shape / rate, np.exp(log_mean - z * log_sd), np.exp(log_mean + z * log_sd)

    def _beliefs(self, state: State) -> tuple[Floats, Floats, Base, np.ndarray]:
        """(shape[arm], rate[arm], base, shared[arm]): Gamma posteriors; `shared` marks arms that lean on the base rate."""
        shared = ~(np.isfinite(state.log_mean) & np.isfinite(state.log_sd))
        s, n = state.successes / self.dispersion, state.exposure / self.dispersion
        family = Family(self.base_log_mean, self.base_log_sd, self.spread)
        base = base_rate(s, n, shared, family)
        own_shape, own_rate = gamma_prior(
            np.where(shared, 0.0, state.log_mean), np.where(shared, 1.0, state.log_sd)
        )
        shape = np.where(shared, 1 / np.expm1(self.spread**2), own_shape)
        rate = np.where(shared, shape / np.exp(base.log_rate), own_rate)
        return shape + s, rate + n, base, shared
