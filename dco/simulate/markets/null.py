"""All creatives are equal: whatever is made here is wasted, and an engine must notice."""

from __future__ import annotations

from dataclasses import dataclass

from dco.simulate.market import BaseMarket


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd 0: no creative effect at all, no wear; days and single arm-days still scatter. Judged by clicks."""

    creative_sd: float = 0.0
    buy_sd: float = 0.0
    order_sd: float = 0.0
    wear: float = 0.0
