"""What a simulated campaign is made of: ideas, arms, and what an arm earned on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.records import Space, content_hash

DEMO_SPACE = Space(
    {
        "scene": ("beach", "city skyline", "foliage", "marble tabletop", "mountain ridge", "studio podium"),
        "palette": ("amber", "blue", "coral", "green", "violet"),
        "light": ("dramatic light", "golden hour", "night", "soft light"),
        "composition": ("centered", "copy space left", "copy space right"),
        "headline": ("benefit", "price", "proof", "question"),
        "cta": ("buy", "discover", "learn"),
    }
)
"""4,320 ideas; the options are words of the embedded vocabulary."""

WIDE_SPACE = Space(
    {
        **DEMO_SPACE.attributes,
        "finish": ("film grain", "glossy", "matte"),
        "season": ("autumn", "spring", "summer", "winter"),
    }
)
"""51,840 ideas: too many to try, and more attributes than matter."""


class Rates(NamedTuple):
    """Truth about a genome: clicks per impression, conversions per click, revenue per conversion (currency units)."""

    ctr: float
    cvr: float
    aov: float


@dataclass(frozen=True)
class Served:
    """What one arm really earned on one day. `conversions[lag]` become known `lag` days after the click day."""

    arm_id: str
    segment: str
    day: int
    impressions: int
    clicks: int
    conversions: tuple[int, ...]
    revenue: tuple[float, ...]
    share: float

    def known(self, as_of: int) -> tuple[int, int, int, float] | None:
        """(impressions, clicks, conversions, revenue) as a report read on `as_of` shows them; None before the day ends."""
        if as_of < self.day:
            return None
        until = as_of - self.day + 1
        return self.impressions, self.clicks, sum(self.conversions[:until]), float(sum(self.revenue[:until]))


def arm_row(
    segment: str, genome: Mapping[str, str], *, control: bool = False, take: int = 0
) -> dict[str, object]:
    """A simulated arm; its id hashes segment, idea and take, in the form of real arm ids."""
    again = [take] if take else []
    return {
        "arm_id": "dco" + content_hash([segment, sorted(genome.items()), *again]),
        "segment": segment,
        "attributes": dict(genome),
        "control": control,
        "take": take,
    }


def scrambled(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: well-spread bits from any integer; wraps around by design."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
