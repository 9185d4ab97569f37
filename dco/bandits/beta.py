"""What the policies with Beta posteriors share: counts of trials as sums, P(best) by quadrature, equal-tailed intervals."""

from __future__ import annotations

import numpy as np

from dco.bandits.beliefs import (
    Floats,
    Outlook,
    State,
    beta_interval,
    beta_posterior,
    shares_by_segment,
)
from dco.bandits.counting import CountingPolicy
from dco.stats.best import p_best_beta


class BetaPolicy(CountingPolicy):
    """Arms apart from each other: Beta(`alpha` + S, `beta` + N - S), or from the arm's own prior. A part says how S and N are
    counted (`update`) and how beliefs become shares (`split`); here they are sums and P(best)."""

    alpha: float
    beta: float
    level: float
    trials = True

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, self._shares)

    def _shares(self, state: State) -> Floats:
        alpha, beta = beta_posterior(state, self.alpha, self.beta)
        return self.split(alpha[state.live], beta[state.live])

    def split(self, alpha: Floats, beta: Floats) -> Floats:
        """float[arm]: shares of live arms of one segment from their posteriors."""
        return p_best_beta(alpha, beta)

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate, float64[arm]; on the newest day, where the policy forgets."""
        return beta_interval(*beta_posterior(state, self.alpha, self.beta), self.level)
