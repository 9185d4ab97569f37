"""Tastes change: every option's worth turns slowly into another, so that a season's winner fades."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dco.simulate.market import CLICK, BaseMarket
from dco.simulate.stage import Floats, Ints


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .30, attribute_share .6; judged by clicks.

    Click tastes rotate from one draw to another in `turn_days`; creatives wear faster than in the demo market.
    """

    attribute_share: float = 0.6
    turn_days: float = 90.0
    wear: float = 0.15

    @cached_property
    def later(self) -> Floats:
        """float[segment, width]: the tastes after a quarter of a full turn."""
        return self._effects(np.random.default_rng([self.seed, 6]), self.creative_sd)

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        """As every market's, and one column more: the tastes after a quarter of a turn."""
        later = self.summed(self.later, segment, codes)
        return np.concatenate([super().idea_parts(segment, codes), later[:, None]], axis=1)

    def effects(self, parts: Floats, day: int) -> tuple[Floats, Floats, Floats]:
        click, buy, order = super().effects(parts, day)
        angle = day / self.turn_days * np.pi / 2
        return click + (np.cos(angle) - 1) * parts[:, CLICK] + np.sin(angle) * parts[:, -1], buy, order
