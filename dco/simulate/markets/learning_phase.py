"""Edits cost: a new arm, or a share moved too far, restarts a learning phase of days in which delivery is worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats, Standing


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .20, attribute_share .5; judged by clicks.

    An arm that is new, or whose intended share moved by more than `edit_size` since yesterday, is shown to the wrong
    people: its CTR loses `learning_loss` on that day and linearly less until `learning_days` later. What it earns while
    learning is in the reports like everything else, and looks like a worse creative.
    """

    creative_sd: float = 0.20
    attribute_share: float = 0.5
    edit_size: float = 0.20
    learning_days: float = 4.0
    learning_loss: float = 0.30

    def truth(self, standing: Standing, day: int) -> Floats:
        found = super().truth(standing, day)
        left = np.maximum(1 - standing.since_edit / self.learning_days, 0.0)
        found[:, 0] *= 1 - self.learning_loss * left
        return found
