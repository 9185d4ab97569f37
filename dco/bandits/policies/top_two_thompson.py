"""Top-two Thompson sampling: for declaring a winner soon rather than for earning meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.bandits.beliefs import Features, Floats, Prior, State, start
from dco.bandits.beta import BetaPolicy
from dco.bandits.top_two import p_best_and_challengers, top_two_shares
from dco.errors import BadData


@dataclass(frozen=True)
class Policy(BetaPolicy):
    """Russo (2016), "Simple Bayesian Algorithms for Best Arm Identification", with Beta posteriors.

    An impression goes to the best arm of a posterior draw with probability `tuning`, else to the best of a draw whose
    best is another. The shares are the expectation of that, by quadrature; no drawing. The leader's share tends to
    `tuning` and not to 1; of two arms each always gets half when `tuning` is 0.5.
    """

    tuning: float = 0.5
    """Russo's beta: the first arm's part, 0 < tuning <= 1 (1: plain Thompson sampling)."""
    alpha: float = 1.0
    beta: float = 1.0
    level: float = 0.90

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        if not 0 < self.tuning <= 1:
            raise BadData(f"tuning: expected a share above 0 and at most 1, got {self.tuning!r}")
        return start(n_arms, prior, features)

    def split(self, alpha: Floats, beta: Floats) -> Floats:
        if len(alpha) == 1:
            return np.ones(1)
        return top_two_shares(*p_best_and_challengers(alpha, beta), self.tuning)
