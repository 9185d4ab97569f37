"""Thompson sampling that forgets: counts lose half their weight every `half_life` days, the prior never does."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from dco.bandits.beliefs import State
from dco.bandits.beta import BetaPolicy
from dco.bandits.forgetting import add_dated


@dataclass(frozen=True)
class Policy(BetaPolicy):
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

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        """Counts of one `day` (any calendar counted in days, such as `date.toordinal()`)."""
        return add_dated(state, successes, exposure, day, self.half_life)
