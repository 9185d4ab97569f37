"""The classical A/B test: equal split for some nights, then all traffic to the arm that did best, for ever."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dco.bandits.beliefs import (
    Floats,
    Outlook,
    Prior,
    State,
    add,
    equal_shares,
    gamma_interval,
    start,
    vague_gamma,
)


@dataclass(frozen=True)
class Policy:
    """Equal split until the test is over, then the best observed rate takes all (ties share).

    The test is over after `nights` nights of the outlook; without an outlook, once every arm has `exposure`.
    """

    nights: int = 7
    exposure: float = 10_000.0
    level: float = 0.90

    def init(self, n_arms: int, prior: Prior | None = None) -> State:
        return start(n_arms, prior)

    def update(self, state: State, successes: ArrayLike, exposure: ArrayLike) -> State:
        return add(state, successes, exposure)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        over = outlook.night >= self.nights if outlook is not None else state.exposure.min() >= self.exposure
        if not over or not state.exposure.any():
            return equal_shares(len(state.successes))
        rate = state.successes / np.maximum(state.exposure, 1e-300)
        # Arms that were never served have shown nothing and cannot win a test.
        top = (rate == rate[state.exposure > 0].max()) & (state.exposure > 0)
        return top / top.sum()

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*vague_gamma(state), self.level)
