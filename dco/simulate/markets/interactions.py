"""Options work in pairs: what a scene is worth depends on its palette. Main effects explain a quarter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dco.simulate.market import BaseMarket

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Market(BaseMarket):
    """Main effects keep `main_share` of the attribute variance, pairs of neighbouring attributes the rest."""

    main_share: float = 0.35

    @cached_property
    def pairs(self) -> list[tuple[int, int, Floats]]:
        """(attribute, next attribute, float[segment, option, option] log effects on CTR)."""
        rng = np.random.default_rng([self.seed, 5])
        sizes = [len(o) for o in self.alphabet.options]
        n = len(sizes)
        if n < 2:
            return []
        sd = self.creative_sd * np.sqrt(self.attribute_share * (1 - self.main_share) / (n - 1))
        found = []
        for a in range(n - 1):
            shape = (sizes[a], sizes[a + 1])
            effect = np.sqrt(0.7) * rng.standard_normal(shape) + np.sqrt(0.3) * rng.standard_normal(
                (len(self.segments), *shape)
            )
            found.append((a, a + 1, effect * sd))
        return found

    def score(self, segment: int, codes: Ints, day: int) -> tuple[Floats, Floats, Floats]:
        click, buy, order = super().score(segment, codes, day)
        click = click * np.sqrt(self.main_share)
        for a, b, effect in self.pairs:
            click = click + effect[segment, codes[:, a], codes[:, b]]
        return click, buy, order
