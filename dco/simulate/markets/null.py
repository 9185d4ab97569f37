"""All creatives are equal: whatever is made here is wasted, and an engine must notice."""

from __future__ import annotations

from dataclasses import dataclass

from dco.simulate.market import BaseMarket


@dataclass(frozen=True)
class Market(BaseMarket):
    """No creative effect at all; days and single arm-days still scatter."""

    creative_sd: float = 0.0
    buy_sd: float = 0.0
    wear: float = 0.0
