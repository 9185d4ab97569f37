"""Contextual Thompson sampling: what an option earns may differ between segments, and segments teach each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dco.bandits import pooled
from dco.bandits.beliefs import Features, Floats, Outlook, Prior, State, add, start
from dco.bandits.correlated import Chances
from dco.bandits.regression import Spread, averaged, best_by_segment, prior_model


@dataclass(frozen=True)
class Policy:
    """One regression over all segments (Laplace; log link, or logit for trials): level of arm k in segment g =
    base + segment_g + x_k' w + (x_k (x) c_g)' v + a_kg, all effects normal around 0.

    `Features.segment` says where each arm runs and `Features.context` what the segments are like (default: nothing but
    which they are). w is what options earn everywhere, v how that bends with the context: partial pooling, with
    `context_sd` 0 complete. Shares sum to 1 in each segment. One segment, or no features: no context terms.
    """

    option_sd: float = 0.15
    """Prior sd of one option's effect common to all segments, on the log scale."""
    context_sd: float = 0.08
    """Prior sd of how one option's effect moves by one unit of context."""
    arm_sd: float = 0.10
    """Prior sd of what an arm has of its own in a segment."""
    base_log_mean: float = math.log(0.01)
    base_log_sd: float = 2.0
    segment_sd: float = 0.5
    dispersion: float = 1.0
    """Variance of a count over its mean; counts and exposure are divided by it."""
    trials: bool = True
    """A success is one of its exposures; False for rates per money or of money (log link)."""
    draws: int = 256
    level: float = 0.90

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

    def levels(self, state: State) -> pooled.Levels:
        """Posterior of each arm's logit, or log rate (mean, shared and own parts)."""
        s, n = state.successes / self.dispersion, state.exposure / self.dispersion
        base, log_mean, log_sd = self.base_log_mean, state.log_mean, state.log_sd
        if self.trials:
            # A lognormal prior on the logit's scale: t = log p - log(1 - p), so dt = dlog p / (1 - p).
            p = np.exp(np.minimum(log_mean, -1e-3))
            base, log_mean, log_sd = float(special.logit(np.exp(base))), special.logit(p), log_sd / (1 - p)
        spread = Spread(self.base_log_sd, self.segment_sd, self.option_sd, self.context_sd, self.arm_sd)
        model = prior_model(state, spread, base, log_mean, log_sd)
        return pooled.fit(model, (pooled.binomial if self.trials else pooled.poisson)(s, n))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        levels = self.levels(state)
        sd, z = levels.sd(), float(stats.norm.ppf((1 + self.level) / 2))
        if not self.trials:
            return np.exp(levels.mean + sd**2 / 2), np.exp(levels.mean - z * sd), np.exp(levels.mean + z * sd)
        low, high = special.expit(levels.mean - z * sd), special.expit(levels.mean + z * sd)
        return averaged(special.expit, levels.mean, sd), low, high
