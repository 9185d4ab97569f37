"""Creatives wear out by being seen: what is shown most tires first, and only new creatives keep an audience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats, Standing


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25, attribute_share .5; judged by clicks.

    A creative loses `wear_shown` of its log-rate per log1p(own delivered impressions / `tired_days` of its segment's
    traffic), and nothing by age: given all traffic it has lost 40 % after four days and 60 % after twenty; set aside it
    keeps what it has. Another take of the same idea starts fresh.
    """

    creative_sd: float = 0.25
    attribute_share: float = 0.5
    wear: float = 0.0
    wear_shown: float = 0.25
    tired_days: float = 0.5

    def worn(self, standing: Standing) -> Floats:
        traffic = np.array(self.daily_impressions, float)[standing.segment]
        return -self.wear_shown * np.log1p(standing.shown / (self.tired_days * traffic))
