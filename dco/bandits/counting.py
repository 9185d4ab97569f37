"""What the policies that look at sums alone share: a state of counts, kept by adding up."""

from __future__ import annotations

from numpy.typing import ArrayLike

from dco.bandits.beliefs import Features, Prior, State, add, start


class CountingPolicy:
    """Successes and exposure of every arm, whatever day they are from. A part says what `allocate` makes of them."""

    trials: bool
    """A success is one of its exposures (a click of an impression); False for rates per money or of money."""

    def init(self, n_arms: int, prior: Prior | None = None, features: Features | None = None) -> State:
        return start(n_arms, prior, features)

    def update(
        self, state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None = None
    ) -> State:
        return add(state, successes, exposure, trials=self.trials)
