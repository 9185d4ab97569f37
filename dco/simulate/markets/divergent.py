"""The platform chooses the audience: each arm meets its own mix of people, and its observed rate says who they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Floats, Ints, Standing

SWEEPS = 12
"""Sweeps of proportional fitting; the audiences' sizes are met to about a per mille."""


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .20, attribute_share .5; judged by clicks.

    Every segment consists of sub-audiences of sizes `sizes` that click by `lifts` (population mean 1). The platform
    shows each arm the more to a sub-audience the greater a random affinity of the creative (log-sd `affinity_sd`), by
    iterative proportional fitting: shares of arms and sizes of audiences are kept. An arm that meets the eager ones
    looks good while it is one of many; given all traffic it meets everybody. Affinities say nothing about quality.
    """

    creative_sd: float = 0.20
    attribute_share: float = 0.5
    sizes: tuple[float, ...] = (0.5, 0.3, 0.2)
    lifts: tuple[float, ...] = (0.5, 1.0, 2.25)
    affinity_sd: float = 0.7

    def parts(self, segment: Ints, codes: Ints, take: Ints) -> Floats:
        """As every market's, and one column of affinity per sub-audience."""
        columns = [
            self.normal(30 + a, segment, codes, take) * self.affinity_sd for a in range(len(self.sizes))
        ]
        return np.concatenate([super().parts(segment, codes, take), np.stack(columns, axis=1)], axis=1)

    def mix(self, standing: Standing) -> Floats:
        """float[arm, sub-audience]: who sees each arm; rows sum to 1."""
        sizes = np.array(self.sizes)
        if standing.alone:
            return np.broadcast_to(sizes, (len(standing.segment), len(sizes)))
        pull = np.exp(standing.parts[:, -len(sizes) :])
        weight = np.ones((len(self.segments), len(sizes)))
        member = (standing.segment == np.arange(len(self.segments))[:, None]) * standing.share
        total = member.sum(axis=1, keepdims=True)
        for _ in range(SWEEPS):
            mix = pull * weight[standing.segment]
            mix /= mix.sum(axis=1, keepdims=True)
            met = member @ mix / np.where(total > 0, total, 1.0)
            weight *= np.where(met > 0, sizes / np.where(met > 0, met, 1.0), 1.0)
        return np.asarray(mix)

    def truth(self, standing: Standing, day: int) -> Floats:
        found = super().truth(standing, day)
        found[:, 0] *= self.mix(standing) @ np.array(self.lifts)
        return found
