"""Tastes change: every option's worth turns slowly into another, so that a season's winner fades."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dco.simulate.market import BaseMarket

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Market(BaseMarket):
    """Click tastes rotate from one draw to another in `turn_days`; creatives wear faster than in the demo market."""

    turn_days: float = 90.0
    wear: float = 0.15

    @cached_property
    def later(self) -> Floats:
        """float[segment, width]: the tastes after a quarter of a full turn."""
        return self._effects(np.random.default_rng([self.seed, 6]), self.creative_sd)

    def score(self, segment: int, codes: Ints, day: int) -> tuple[Floats, Floats, Floats]:
        click, buy, order = super().score(segment, codes, day)
        angle = day / self.turn_days * np.pi / 2
        turned = self.alphabet.design(codes) @ self.later[segment]
        return np.cos(angle) * click + np.sin(angle) * turned, buy, order
