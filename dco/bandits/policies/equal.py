"""Equal split: every live arm the same share, for ever. The baseline every other policy must beat."""

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
    """1 / K each. The posterior is that of `vague_gamma`, for reports only."""

    level: float = 0.90

    def init(self, n_arms: int, prior: Prior | None = None) -> State:
        return start(n_arms, prior)

    def update(self, state: State, successes: ArrayLike, exposure: ArrayLike) -> State:
        return add(state, successes, exposure)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return equal_shares(len(state.successes))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*vague_gamma(state), self.level)
