"""A person approves: after three days, at most five a week and segment, refusing three in ten by a taste nobody wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from dco.simulate.market import BaseMarket
from dco.simulate.stage import Bools, Floats, Ints


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25, attribute_share .6, wear .12; judged by clicks.

    The person answers `approval_nights` after being asked, in the order of asking, and approves at most
    `weekly_approvals` creatives per segment and week; more wait for the next. Refused are `refuse_share` of all random
    creatives: those that score lowest by a hidden taste, `taste_share` of it sums over options (one person, the same
    for all segments; it has nothing to do with what works), the rest the creative's own. Refused ideas come back to the
    decider as `rejected`, waiting ones as `pending`.
    """

    creative_sd: float = 0.25
    attribute_share: float = 0.6
    wear: float = 0.12
    approval_nights: int = 3
    weekly_approvals: int | None = 5
    refuse_share: float = 0.30
    taste_share: float = 0.7

    @cached_property
    def dislikes(self) -> Floats:
        """float[width]: the taste for options, centred, of variance 1 summed over the attributes of random ideas."""
        rng = np.random.default_rng([self.seed, 5])
        weights, variance = np.zeros(self.alphabet.width), 0.0
        for a, options in enumerate(self.alphabet.options):
            taste = rng.standard_normal(len(options))
            start = int(self.alphabet.starts[a])
            weights[start : start + len(options)] = taste - taste.mean()
            variance += float(taste.var())
        return np.asarray(weights / np.sqrt(max(variance, 1e-12)))

    def verdicts(self, segment: Ints, codes: Ints, take: Ints) -> Bools:
        shared = self.dislikes[codes + self.alphabet.starts].sum(axis=1)
        own = self.normal(5, segment, codes, take)
        score = np.sqrt(self.taste_share) * shared + np.sqrt(1 - self.taste_share) * own
        return np.asarray(score > ndtri(self.refuse_share))
