"""A finite-sample interval for the value of a policy, from logged rounds, by betting against every other value.

For X_i >= 0 with mean v, no upper bound known, and any m >= v, the capital prod_i (1 - f + f X_i / m) of a gambler who
stakes the fraction f each round has expectation at most 1; so has a mixture over f. By Ville's inequality it passes
1 / alpha with probability at most alpha, ever: the values m it has not passed are a lower confidence bound for v that holds
at every sample size and at every look (Waudby-Smith & Ramdas 2024, arXiv 2010.09686; for off-policy values
Karampatziakis, Mineiro & Ramdas 2021, arXiv 2102.09540). Importance weights need no bound: rewards r in [0, 1] give
the lower bound from w r and, since E[w] <= 1, the upper one from w (1 - r): both hold even where the logged policy never
showed what the target would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

Floats = NDArray[np.float64]

STAKES = np.geomspace(1e-4, 0.95, 20)
"""Fractions mixed equally: log 20 is all that not knowing the best one can cost."""
FAR = 60.0
"""Values below exp(-FAR) of the mean are 0."""
AT_ONCE = 65_536


def value_interval(reward: Floats, weight: Floats, level: float) -> tuple[float, float]:
    """(low, high) in [0, 1] for E[w r], rewards float64[round] in [0, 1]; each side errs with probability (1 - level) / 2.

    low > high is a finding: the two sides contradict each other, so the weights do not average 1 or less.
    """
    alpha = (1 - level) / 2
    return min(lower_bound(weight * reward, alpha), 1.0), max(
        1.0 - lower_bound(weight * (1 - reward), alpha), 0.0
    )


def lower_bound(x: Floats, alpha: float) -> float:
    """Lower confidence bound of the mean of x >= 0, float64[round], at error `alpha`; 0 where nothing can be said."""
    values, counts = np.unique(x, return_counts=True)
    mean = float(values @ counts) / len(x)
    if not mean > 0:
        return 0.0

    def excess(log_m: float) -> float:
        """Log capital against the value m, over what it must pass; falls in m."""
        ratio = values * np.exp(-log_m)
        log_capital = np.zeros(len(STAKES))
        for i in range(0, len(ratio), AT_ONCE):
            part = np.log1p(STAKES[:, None] * (ratio[None, i : i + AT_ONCE] - 1))
            log_capital += part @ counts[i : i + AT_ONCE]
        return float(logsumexp(log_capital)) - float(np.log(len(STAKES))) + float(np.log(alpha))

    top = float(np.log(mean))
    if excess(top - FAR) <= 0:
        return 0.0
    return float(np.exp(brentq(excess, top - FAR, top, xtol=1e-7)))
