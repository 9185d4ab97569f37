"""Few conversions, known late: half of them arrive after the first week, the last after four."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25, attribute_share .5, and as much again in the conversion rate (buy_sd .25); judged by conversions.

    Five segments with about 250 clicks and 12 conversions a day in all. A quarter of the conversions comes with the
    click, the rest in a long tail of `window_days`, so that every report restates four weeks.
    """

    kpi: ClassVar[str] = "cpa"
    segments: tuple[str, ...] = ("commuters", "gamers", "parents", "retired", "students")
    daily_impressions: tuple[int, ...] = (25_000, 20_000, 15_000, 15_000, 10_000)
    base_ctr: float = 0.003
    base_cvr: float = 0.05
    creative_sd: float = 0.25
    buy_sd: float = 0.25
    attribute_share: float = 0.5
    delay_days: float = 18.0
    window_days: int = 28
    at_once: float = 0.25
    """Share of conversions on the day of the click; the others are spread over the window by an exponential tail."""

    @cached_property
    def lags(self) -> Floats:
        tail = np.exp(-np.arange(self.window_days) / self.delay_days)
        tail[0] = 0.0
        found = (1 - self.at_once) * tail / tail.sum()
        found[0] = self.at_once
        return np.asarray(found)
