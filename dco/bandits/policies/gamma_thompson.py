"""Gamma-Poisson Thompson sampling for rates per exposure of any unit: conversions per impression, or per money spent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.bandits.beliefs import (
    Floats,
    Outlook,
    State,
    gamma_interval,
    shares_by_segment,
    vague_gamma,
)
from dco.bandits.counting import CountingPolicy
from dco.stats.best import p_best_gamma


@dataclass(frozen=True)
class Policy(CountingPolicy):
    """Shares are P(best). Successes may be fractional, and exceed exposure (revenue in euros per click).

    `dispersion` is the variance of a success count divided by its mean (1: Poisson). For money it is the mean square of
    one success over its mean: counts and exposure are divided by it, so that the posterior is as wide as it should be.
    """

    dispersion: float = 1.0
    level: float = 0.90
    trials: bool = False
    """True refuses more successes than exposure."""

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, self._shares)

    def _shares(self, state: State) -> Floats:
        shape, rate = self._posterior(state)
        return p_best_gamma(shape[state.live], rate[state.live])

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*self._posterior(state), self.level)

    def _posterior(self, state: State) -> tuple[Floats, Floats]:
        scaled = state._replace(
            successes=state.successes / self.dispersion, exposure=state.exposure / self.dispersion
        )
        return vague_gamma(scaled)
