"""Contextual Thompson sampling: what an option earns may differ between segments, and segments teach each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dco.bandits.linear import LogLinear
from dco.bandits.regression import Spread


@dataclass(frozen=True)
class Policy(LogLinear):
    """One regression over all segments (Laplace; log link, or logit for trials): level of arm k in segment g =
    base + segment_g + x_k' w + (x_k (x) c_g)' v + a_kg, all effects normal around 0.

    `Features.segment` says where each arm runs and `Features.context` what the segments are like (default: nothing but
    which they are). w is what options earn everywhere, v how that bends with the context: partial pooling, with
    `context_sd` 0 complete. Shares sum to 1 in each segment. One segment, or no features: no context terms.
    """

    option_sd: float = 0.15
    """Prior sd of one option's effect common to all segments, on the log scale."""
    context_sd: float = 0.08
    """Prior sd of how one option's effect moves by one unit of context."""
    arm_sd: float = 0.10
    """Prior sd of what an arm has of its own in a segment."""
    base_log_mean: float = math.log(0.01)
    base_log_sd: float = 2.0
    segment_sd: float = 0.5
    dispersion: float = 1.0
    """Variance of a count over its mean; counts and exposure are divided by it."""
    trials: bool = True
    """A success is one of its exposures; False for rates per money or of money (log link)."""
    draws: int = 256
    level: float = 0.90

    @property
    def spread(self) -> Spread:
        return Spread(self.base_log_sd, self.segment_sd, self.option_sd, self.context_sd, self.arm_sd)
