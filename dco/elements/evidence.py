"""Whether creatives differ at all: against chance, and against the differences that are usual.

Both look at sums per arm about their segment's own level. Day-to-day scatter of the same arms is what chance is, so a bad
week of everybody is no evidence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaln

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_SD = (0.10, 0.14, 0.20, 0.28, 0.40)
"""Log-sds between creatives that are worth looking for, each as likely: real headline tests fit .18."""
MOST_LOG_ODDS = 50.0


class Sums(NamedTuple):
    """Per arm: events, what they would be if all arms of a segment were equal, and the segment. Scatter is `phi` times Poisson."""

    events: Floats
    equal: Floats
    segment: Ints
    phi: float

    @classmethod
    def of(cls, segment: Ints, arm: Ints, events: Floats, flat: Floats, phi: float, n_segments: int) -> Sums:
        """From cells: `flat` float[cell] is exposure times the base rate of its day and place."""
        y, mu = (np.bincount(arm, v, len(segment)).astype(float) for v in (events, flat))
        seen, base = np.bincount(segment, y, n_segments), np.bincount(segment, mu, n_segments)
        level = np.divide(seen, base, out=np.zeros(n_segments), where=base > 0)
        use = (mu > 0) & (level[segment] > 0)
        return cls(y[use], (mu * level[segment])[use], segment[use], phi)


def p_equal(sums: Sums) -> float:
    """p-value of "all creatives of a segment earn the same": Pearson's statistic between arms over the scatter."""
    arms = np.bincount(sums.segment)
    several = arms[sums.segment] > 1
    freedom = int(np.maximum(arms - 1, 0).sum())
    if not freedom:
        return 1.0
    y, mu = sums.events[several], sums.equal[several]
    statistic = float(((y - mu) ** 2 / np.maximum(mu, 1.0)).sum()) / sums.phi
    return float(gammaincc(freedom / 2, statistic / 2))


def p_usual(sums: Sums) -> float:
    """Posterior probability that creatives differ by a usual log-sd rather than not at all; 1/2 before any data.

    Where p_equal stays large, this tells "nothing there" from "not known yet". Rates are Gamma about their segment's level
    (negative binomial counts), counts divided by their scatter.
    """
    y, mu = sums.events / sums.phi, sums.equal / sums.phi
    none = float((y * np.log(mu) - mu).sum()) if len(y) else 0.0
    odds = []
    for sd in USUAL_SD:
        a = 1 / np.expm1(sd**2)
        log = gammaln(y + a) - gammaln(a) + a * np.log(a / (a + mu)) + y * np.log(mu / (a + mu))
        odds.append(np.exp(np.clip(float(log.sum()) - none, -MOST_LOG_ODDS, MOST_LOG_ODDS)))
    found = float(np.mean(odds))
    return found / (1 + found)
