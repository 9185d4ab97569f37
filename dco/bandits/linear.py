"""What the policies that regress on options share: counts as sums, P(best) from correlated levels, and the log-linear model."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dco.bandits import pooled
from dco.bandits.beliefs import Features, Floats, Outlook, Prior, State, add, start
from dco.bandits.correlated import Chances
from dco.bandits.regression import Spread, averaged, best_by_segment, prior_model


class Regression(ABC):
    """Arms that share options: a part says what its levels are."""

    trials: bool
    draws: int

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        return start(n_arms, prior, features)

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        return add(state, successes, exposure, trials=self.trials)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return self.chances(state, rng).p

    def chances(self, state: State, rng: np.random.Generator) -> Chances:
        """P(best) per arm and its error: quadrature without features, else `draws` seeded draws of the shared part."""
        return best_by_segment(self.levels(state), state, rng, self.draws)

    @abstractmethod
    def levels(self, state: State) -> pooled.Levels:
        """Joint posterior of each arm's level."""


class LogLinear(Regression):
    """Laplace regression on the logit (`trials`), or on the log rate with Poisson counts."""

    base_log_mean: float
    dispersion: float
    level: float

    @property
    @abstractmethod
    def spread(self) -> Spread:
        """Prior sds of what a level is the sum of."""

    def levels(self, state: State) -> pooled.Levels:
        """Posterior of each arm's logit, or log rate (mean, shared and own parts)."""
        s, n = state.successes / self.dispersion, state.exposure / self.dispersion
        base, log_mean, log_sd = self.base_log_mean, state.log_mean, state.log_sd
        if self.trials:
            # A lognormal prior on the logit's scale: t = log p - log(1 - p), so dt = dlog p / (1 - p).
            p = np.exp(np.minimum(log_mean, -1e-3))
            base, log_mean, log_sd = float(special.logit(np.exp(base))), special.logit(p), log_sd / (1 - p)
        model = prior_model(state, self.spread, base, log_mean, log_sd)
        return pooled.fit(model, (pooled.binomial if self.trials else pooled.poisson)(s, n))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        levels = self.levels(state)
        sd, z = levels.sd(), float(stats.norm.ppf((1 + self.level) / 2))
        if not self.trials:
            return np.exp(levels.mean + sd**2 / 2), np.exp(levels.mean - z * sd), np.exp(levels.mean + z * sd)
        low, high = special.expit(levels.mean - z * sd), special.expit(levels.mean + z * sd)
        return averaged(special.expit, levels.mean, sd), low, high
