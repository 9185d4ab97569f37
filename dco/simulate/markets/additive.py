"""Options add up, segments deviate, creatives wear out, conversions come late: the demo's market."""

from __future__ import annotations

from dataclasses import dataclass

from dco.simulate.market import BaseMarket


@dataclass(frozen=True)
class Market(BaseMarket):
    """The base market as it is: attributes explain 80 % of the creative variance, a third of it per segment."""
