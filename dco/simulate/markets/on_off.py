"""A platform that knows only on and off: it runs its own bandit for clicks among what is on, whatever shares were asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats, Standing


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .18, attribute_share .3 (unkind: as real headlines), buy_sd .18; judged by conversions.

    An arm with an intended share below `paused_below` is off (its segment's largest share is always on). The platform
    shares a segment's traffic by Thompson sampling of the click rate, from its own counts up to yesterday and a prior
    worth `prior_impressions` at the market's CTR; `explored` of the traffic is spread evenly. It does not know about
    conversions. Only the set of arms that are on can be chosen.
    """

    kpi: ClassVar[str] = "cpa"
    creative_sd: float = 0.18
    buy_sd: float = 0.18
    attribute_share: float = 0.3
    paused_below: float = 0.02
    prior_impressions: float = 2_000.0
    explored: float = 0.10
    n_draws: int = 128

    def deliver(self, standing: Standing, day: int) -> Floats:
        if standing.alone:
            return standing.share
        clicks = standing.clicked + self.prior_impressions * self.base_ctr
        mean = clicks / (standing.shown + self.prior_impressions)
        rng = np.random.default_rng([self.seed, 7, day])
        drawn = mean * (1 + rng.standard_normal((self.n_draws, len(mean))) / np.sqrt(clicks))
        found = np.zeros(len(mean))
        for s in range(len(self.segments)):
            mine = standing.segment == s
            asked = standing.share[mine]
            if asked.sum() <= 0:
                continue
            arms = np.flatnonzero(mine)[(asked >= self.paused_below) | (asked == asked.max())]
            won = np.bincount(drawn[:, arms].argmax(axis=1), minlength=len(arms)) / self.n_draws
            found[arms] = ((1 - self.explored) * won + self.explored / len(arms)) * asked.sum()
        return found
