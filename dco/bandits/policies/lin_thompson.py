"""Gaussian linear Thompson sampling on option indicators."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dco.bandits import pooled
from dco.bandits.beliefs import Floats, State
from dco.bandits.linear import Regression
from dco.bandits.regression import Spread, prior_model


@dataclass(frozen=True)
class Policy(Regression):
    """Linear Thompson sampling (Agrawal & Goyal 2013, arXiv 1209.3352) from sums: rate_k = m (1 + x_k' w + a_k), m the pooled rate.

    The counts of an arm are one observation of its relative rate with the variance of a count at m, so a batch weighs as its
    impressions one by one would. w ~ N(0, option_sd^2), posterior N(A^-1 b, A^-1) with A the precision; A itself is factorised,
    so an option never served has exactly its prior's sd. a_k ~ N(0, arm_sd^2) is what the options leave out (0: plain LinTS).
    """

    option_sd: float = 0.15
    """Prior sd of one option's relative effect."""
    arm_sd: float = 0.10
    """Prior sd of an arm's own; with `option_sd` the 0.18 found between creatives of real tests."""
    base_sd: float = 1.0
    segment_sd: float = 0.5
    base_log_mean: float = math.log(0.01)
    """Rate before any count; it only sets the scale of the first night."""
    dispersion: float = 1.0
    """Variance of a count over its mean; counts and exposure are divided by it."""
    trials: bool = True
    """A success is one of its exposures; False for rates per money or of money."""
    draws: int = 256
    level: float = 0.90

    def levels(self, state: State) -> pooled.Levels:
        """Posterior of each arm's rate over the pooled rate m."""
        m = self._scale(state)
        n = state.exposure / self.dispersion
        per_exposure = m / max(1 - m, 0.01) if self.trials else m
        observed = state.successes / np.maximum(state.exposure, 1e-300) / m
        own_mean = np.exp(state.log_mean + np.square(state.log_sd) / 2) / m
        own_sd = own_mean * np.sqrt(np.expm1(np.square(state.log_sd)))
        spread = Spread(self.base_sd, self.segment_sd, self.option_sd, 0.0, self.arm_sd)
        model = prior_model(state, spread, 1.0, own_mean, own_sd)
        return pooled.fit(model, pooled.gaussian(observed, n * per_exposure))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]; a normal belief, cut at 0."""
        levels, m = self.levels(state), self._scale(state)
        sd = float(stats.norm.ppf((1 + self.level) / 2)) * levels.sd()
        mean, low, high = (m * np.maximum(v, 0.0) for v in (levels.mean, levels.mean - sd, levels.mean + sd))
        return mean, low, high

    def _scale(self, state: State) -> float:
        """The pooled rate, for arms without counts the prior's, with one success' worth of the default rate."""
        known = np.isfinite(state.log_mean) & np.isfinite(state.log_sd)
        usual = np.exp(np.mean(state.log_mean[known])) if known.any() else np.exp(self.base_log_mean)
        return float((state.successes.sum() + 1.0) / (state.exposure.sum() + 1 / usual))
