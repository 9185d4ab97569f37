"""Few clicks: 0.2 % CTR and small segments, where counts decide little and pooling must carry the day."""

from __future__ import annotations

from dataclasses import dataclass

from dco.simulate.market import BaseMarket


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .30, attribute_share .6; judged by clicks.

    Six small segments at a sixth of the usual CTR: about a hundred clicks a day in all, conversions up to two weeks late.
    """

    segments: tuple[str, ...] = ("commuters", "gamers", "parents", "retired", "students", "travellers")
    daily_impressions: tuple[int, ...] = (12_000, 10_000, 8_000, 8_000, 6_000, 5_000)
    base_ctr: float = 0.002
    attribute_share: float = 0.6
    delay_days: float = 5.0
