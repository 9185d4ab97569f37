"""What a segment's traffic can judge: how long it takes to find out about an arm, and how many are being found out about.

An idea that nobody can afford to judge earns nothing, however good it may be: with few clicks, many arms under trial at
once spread the traffic until none is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dco.elements.model import Fit
from dco.plan.reading import Known

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RECENT_DAYS = 7
CONTENDER = 0.02
"""P(best) below which an arm draws too little traffic to be under trial."""
BISECTIONS = 40
LONGEST_DAYS = 1e4


@dataclass(frozen=True)
class Trials:
    """`information[stage]`: what a day of all the segment's traffic says about one arm's log rate (1 / variance)."""

    information: Floats

    @classmethod
    def of(cls, model: Fit, known: Known, s: int) -> Trials:
        """From the last week's events of segment `s`."""
        h = known.history
        recent = (h.segment[h.arm] == s) & (h.day > h.day.max(initial=0) - RECENT_DAYS)
        days = max(len(np.unique(h.day[recent])), 1)
        clicks, later = float(h.clicks[recent].sum()), float(np.nansum(h.conversions[recent]))
        events = [clicks if stage == "clicks" else later for stage in model.stages]
        return cls(np.array([e / days / r.dispersion for e, r in zip(events, model.rates)]))

    def days_to_judge(self, variances: Floats) -> float:
        """Days of all the traffic that halve the variance of a log value rate; variances float[stage] of a new arm."""
        low, high = 1.0 / LONGEST_DAYS, LONGEST_DAYS
        for _ in range(BISECTIONS):
            days = np.sqrt(low * high)
            left = float((variances / (1.0 + days * self.information * variances)).sum())
            low, high = (days, high) if left > variances.sum() / 2 else (low, days)
        return float(high)


def variances(model: Fit, s: int, codes: Ints, rows: Ints) -> Floats:
    """float[stage, arm] of the log rates."""
    return np.array([np.diag(rate.moments(s, codes, rows)[1]) for rate in model.rates])


def under_trial(now: Floats, new: float, p_best: Floats) -> float:
    """How many trials the live arms are: an arm as unknown as a new one counts 1, one known twice as well 0.

    Args:
        now: float[arm], variances of their log value rates. new: that of a new arm. p_best: float[arm].
    """
    part = np.clip(2.0 * now / max(new, 1e-12) - 1.0, 0.0, 1.0)
    return float(part[p_best >= CONTENDER].sum())
