"""Equal split: every live arm the same share, for ever. The baseline every other policy must beat."""

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
    """1 / K each. The posterior is that of `vague_gamma`, for reports only."""

    level: float = 0.90
    trials: bool = True

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, lambda s: equal_shares(int(s.live.sum())))

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate per exposure, float64[arm]."""
        return gamma_interval(*vague_gamma(state), self.level)
