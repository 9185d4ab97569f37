"""Options work in pairs: what a scene is worth depends on its palette. Main effects explain a third."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from dco.simulate.market import CLICK, BaseMarket
from dco.simulate.stage import Floats, Ints


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .30, attribute_share .7; judged by conversions.

    Main effects keep `main_share` of the attribute variance of clicks, pairs of neighbouring attributes the rest (70 %
    of it shared by the segments).
    """

    kpi: ClassVar[str] = "cpa"
    attribute_share: float = 0.7
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
            # What is the same for all partners would be a main effect; a scale makes up for the variance it took.
            effect = effect - effect.mean(axis=1, keepdims=True)
            effect = effect - effect.mean(axis=2, keepdims=True)
            left = np.sqrt(max((1 - 1 / shape[0]) * (1 - 1 / shape[1]), 1e-12))
            found.append((a, a + 1, effect * sd / left))
        return found

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        parts = super().idea_parts(segment, codes)
        parts[:, CLICK] *= np.sqrt(self.main_share)
        for a, b, effect in self.pairs:
            parts[:, CLICK] += effect[segment, codes[:, a], codes[:, b]]
        return parts
