"""Thompson sampling that forgets: counts lose half their weight every `half_life` days, the prior never does."""

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
    beta_interval,
    beta_posterior,
    shares_by_segment,
    start,
)
from dco.bandits.forgetting import add_dated
from dco.stats.best import p_best_beta


@dataclass(frozen=True)
class Policy:
    """Beta(a + S, b + N - S), S and N discounted by calendar time (Garivier & Moulines 2008, arXiv 0805.3415, D-UCB).

    Discounting the sums and not the posterior keeps the prior whole: an arm left unserved goes back to its prior and
    not to Beta(0, 0) (stabilised forgetting, Kulhavy & Zarrop 1993). Time passes with the days given to `update`, not
    with the number of updates; to let days without counts pass, give zeros with the newer day.
    """

    half_life: float = 30.0
    """Days after which a count weighs half. With infinity nothing is forgotten."""
    alpha: float = 1.0
    beta: float = 1.0
    level: float = 0.90

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        return start(n_arms, prior, features)

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        """Counts of one `day` (any calendar counted in days, such as `date.toordinal()`)."""
        return add_dated(state, successes, exposure, day, self.half_life)

    def allocate(self, state: State, rng: np.random.Generator, outlook: Outlook | None = None) -> Floats:
        return shares_by_segment(state, self._shares)

    def _shares(self, state: State) -> Floats:
        alpha, beta = beta_posterior(state, self.alpha, self.beta)
        return p_best_beta(alpha[state.live], beta[state.live])

    def posterior(self, state: State) -> tuple[Floats, Floats, Floats]:
        """(mean, low, high) of each arm's rate on the newest day, float64[arm]."""
        return beta_interval(*beta_posterior(state, self.alpha, self.beta), self.level)
