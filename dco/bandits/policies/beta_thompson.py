"""Beta-Bernoulli Thompson sampling: each arm gets the posterior probability that its rate is the greatest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dco.bandits.beliefs import (
    Features,
    Floats,
    Outlook,
    Prior,
    State,
    add,
    beta_interval,
    beta_posterior,
    shares_by_segment,
    start,
)
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

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        return start(n_arms, prior, features)

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        return add(state, successes, exposure, trials=True)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, self._shares)

    def _shares(self, state: State) -> Floats:
        alpha, beta = beta_posterior(state, self.alpha, self.beta)
        return p_best_beta(alpha[state.live], beta[state.live])

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate, float64[arm]."""
        return beta_interval(*beta_posterior(state, self.alpha, self.beta), self.level)
