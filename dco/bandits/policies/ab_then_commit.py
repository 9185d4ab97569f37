"""The classical A/B test: equal split for some nights, then all traffic to the arm that did best, for ever."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.bandits.beliefs import (
    Floats,
    Outlook,
    State,
    equal_shares,
    gamma_interval,
    shares_by_segment,
    vague_gamma,
)
from dco.bandits.counting import CountingPolicy


@dataclass(frozen=True)
class Policy(CountingPolicy):
    """Equal split until the test is over, then the best observed rate takes all (ties share).

    The test is over after `nights` nights of the outlook; without an outlook, once every arm has `exposure`.
    """

    nights: int = 7
    exposure: float = 10_000.0
    level: float = 0.90
    trials: bool = True

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, lambda sub: self._shares(sub, outlook))

    def _shares(self, state: State, outlook: Outlook | None) -> Floats:
        successes, exposure = state.successes[state.live], state.exposure[state.live]
        over = outlook.night >= self.nights if outlook is not None else exposure.min() >= self.exposure
        if not over or not exposure.any():
            return equal_shares(len(successes))
        rate = successes / np.maximum(exposure, 1e-300)
        # Arms that were never served have shown nothing and cannot win a test.
        top = (rate == rate[exposure > 0].max()) & (exposure > 0)
        return top / top.sum()

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*vague_gamma(state), self.level)
