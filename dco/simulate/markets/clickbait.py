"""What wins clicks loses buyers: clicks and conversions pull against each other, and only revenue tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dco.simulate.market import BUY, CLICK, LUCK, BaseMarket
from dco.simulate.stage import Floats, Ints


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25 in clicks, attribute_share .6; judged by revenue.

    Every log unit of clicks, by options or by luck, costs `bait` log units of conversion rate; what is left of the
    conversion rate has log-sd `buy_sd` .22. So the value of a creative correlates with its click rate by about -.5.
    """

    kpi: ClassVar[str] = "revenue_per_impression"
    creative_sd: float = 0.25
    buy_sd: float = 0.22
    attribute_share: float = 0.6
    bait: float = 1.5

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        parts = super().idea_parts(segment, codes)
        parts[:, BUY] -= self.bait * parts[:, CLICK]
        return parts

    def parts(self, segment: Ints, codes: Ints, take: Ints) -> Floats:
        parts = super().parts(segment, codes, take)
        parts[:, BUY] -= self.bait * parts[:, LUCK]
        return parts
