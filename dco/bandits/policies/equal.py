"""Equal split: every live arm the same share, for ever. The baseline every other policy must beat."""

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
    equal_shares,
    gamma_interval,
    shares_by_segment,
    start,
    vague_gamma,
)


@dataclass(frozen=True)
class Policy:
    """1 / K each. The posterior is that of `vague_gamma`, for reports only."""

    level: float = 0.90
    trials: bool = True
    """A success is one of its exposures (a click of an impression); False for rates per money or of money."""

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        return start(n_arms, prior, features)

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        return add(state, successes, exposure, trials=self.trials)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, lambda s: equal_shares(int(s.live.sum())))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*vague_gamma(state), self.level)
