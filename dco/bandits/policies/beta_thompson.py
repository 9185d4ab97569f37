"""Beta-Bernoulli Thompson sampling: each arm gets the posterior probability that its rate is the greatest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dco.bandits.beliefs import Floats, Outlook, Prior, State, add, beta_interval, start
from dco.stats.best import p_best_beta


@dataclass(frozen=True)
class Policy:
    """For rates of trials (clicks per impression). Without a prior every arm starts at Beta(`alpha`, `beta`).

    A batch of impressions each drawn by Thompson's rule from last night's posterior is, in expectation, split by P(best),
    which the quadrature gives without drawing (Scott 2010).
    """

    alpha: float = 1.0
    beta: float = 1.0
    level: float = 0.90

    def init(self, n_arms: int, prior: Prior | None = None) -> State:
        return start(n_arms, prior)

    def update(self, state: State, successes: ArrayLike, exposure: ArrayLike) -> State:
        return add(state, successes, exposure, trials=True)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return p_best_beta(*self._posterior(state))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate, float64[arm]."""
        return beta_interval(*self._posterior(state), self.level)

    def _posterior(self, state: State) -> tuple[Floats, Floats]:
        """A lognormal prior becomes the Beta of equal mean and variance."""
        known = np.isfinite(state.log_mean) & np.isfinite(state.log_sd)
        variance_ratio = np.expm1(np.square(np.where(known, state.log_sd, 1.0)))
        mean = np.exp(np.where(known, state.log_mean, -1.0) + np.log1p(variance_ratio) / 2)
        mean = np.minimum(mean, 0.999)
        # Var = mean (1 - mean) / (strength + 1) = (mean cv)^2; a prior vaguer than Beta allows is held at strength 1e-2.
        strength = np.maximum((1 - mean) / (mean * variance_ratio) - 1, 1e-2)
        alpha = np.where(known, mean * strength, self.alpha)
        beta = np.where(known, (1 - mean) * strength, self.beta)
        return alpha + state.successes, beta + state.exposure - state.successes
