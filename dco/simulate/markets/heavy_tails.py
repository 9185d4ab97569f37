"""A few orders make the revenue: order values with a lognormal body and a Pareto tail, and options that move them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats, Ints


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .22, attribute_share .5, order values by option with log-sd `order_sd` .20; judged by revenue.

    An order is worth the arm's expected value times a lognormal (sigma `body_sigma`) nine times in ten, times a Pareto
    with tail index `tail_index` one time in ten: the tail carries 28 % of all revenue, and the relative sd of a single
    order is about 2.3.
    """

    kpi: ClassVar[str] = "revenue_per_impression"
    creative_sd: float = 0.22
    attribute_share: float = 0.5
    order_sd: float = 0.20
    body_sigma: float = 1.0
    tail_index: float = 2.1
    tail_part: float = 0.1
    tail_mean: float = 2.8

    def money(self, orders: Ints, aov: Floats, rng: np.random.Generator) -> Floats:
        """float[arm, lag]: sums of single orders, each with expectation `aov` of its arm."""
        cell = np.repeat(np.arange(orders.size), orders.ravel())
        body_mean = (1 - self.tail_part * self.tail_mean) / (1 - self.tail_part)
        body = body_mean * rng.lognormal(-(self.body_sigma**2) / 2, self.body_sigma, len(cell))
        # numpy's pareto is Lomax: + 1 makes it Pareto on [1, inf), whose mean is index / (index - 1).
        tail = (1 + rng.pareto(self.tail_index, len(cell))) * (self.tail_index - 1) / self.tail_index
        value = np.where(rng.random(len(cell)) < self.tail_part, self.tail_mean * tail, body)
        total = np.bincount(cell, weights=value, minlength=orders.size).reshape(orders.shape)
        return np.asarray(total * aov[:, None])
