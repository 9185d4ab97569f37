"""Wear: what a creative loses while it runs, told apart from what it is worth.

    y ~ Poisson(n exp(d + u - w g(age))),   g = log1p(age / 7),   exp(u) ~ Gamma(1 / v, 1 / v) for every arm,
so an arm with y events in all, where e(w) = sum n exp(d - w g) were expected, adds
    sum y (d - w g) - (1 / v + y) log(1 / v + e(w))
to the log likelihood: its own level is integrated out under what is believed of arms, and the segment-days' effects d are at
their maximum for every w (by turns). What all arms lose together is the season's, so only arms that started on different days
can tell wear. Without such evidence the estimate is 0.

Cancelling the level by conditioning on the arm's total would need traffic that does not answer to the counts. A bandit's does:
an arm that was lucky at first is served on and falls back, an unlucky one is gone before it can rise, and that reads as wear.
On 48 histories of sixteen closed loops (true wear .07, besides what drifting tastes add) conditioning gave .20 on average,
this .10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEAR_DAYS = 7.0
STEP, MOST = 0.02, 20
"""Grid of wears: 0, .02 ... .40."""
PRIOR_SD = 0.15
"""Half-normal prior over the loss per unit of log1p(age / 7): a creative of three weeks has seldom lost more than a third."""
LEVEL_VARIANCE = 4.0
"""Levels are believed with four times the variance that the fit learnt of arms. It is learnt as if wear were known, and a level
believed too firmly makes survivors' luck a gain by age (on those histories 1 gave .03)."""
TURNS = 12


def wear_offset(lost: float, age: Floats) -> Floats:
    """Log-rate change of a creative `age` days after its first day."""
    return -lost * np.log1p(np.asarray(age) / WEAR_DAYS)


def levels_apart_from_days(
    arm: Ints, group: Ints, segment: Ints, expected: Floats, known: Floats, count: Floats, per_day: Floats, days: Floats, turns: int
) -> Floats:  # fmt: skip
    """Log effects of the segment-days, float[group], at their maximum likelihood with the arms' levels integrated out.

    Expectation and maximisation by turns, with the mean level of a segment held at 1 in every turn (PX-EM: Liu, Rubin & Wu,
    Biometrika 85 (1998) 755): days and levels may trade a common factor, and plain turns would take hundreds to settle it.

    Args:
        expected: float[cell], events at level 1 and day effect 0. known, count: float[arm], the Gamma's shape before and after.
        per_day: float[group], events. days: where to start.
    """
    mine = np.bincount(segment, known)
    for _ in range(turns):
        level = count / (known + np.bincount(arm, expected * np.exp(days[group]), len(known)))
        level = level / (np.bincount(segment, known * level) / mine)[segment]
        days = np.log((per_day + 0.5) / (np.bincount(group, expected * level[arm], len(days)) + 0.5))
    return days


def estimate_wear(
    arm: Ints, group: Ints, segment: Ints, age: Floats, events: Floats, without: Floats, variance: Floats, scale: float
) -> float:  # fmt: skip
    """Posterior mode of the loss on a grid.

    Args:
        group: int[cell], segment-day. segment: int[arm]. without: float[cell], expected events of an arm as its options promise, without wear
            (a factor per segment-day cancels). variance: float[arm], of what is an arm's own in log rates.
        scale: dispersion of arm-days; the likelihood is tempered by it.
    """
    ok = without > 0
    if not ok.any() or float(age.max()) < 3:
        return 0.0
    arm, group, events, without = arm[ok], group[ok], events[ok] / scale, without[ok] / scale
    shape = np.log1p(age[ok] / WEAR_DAYS)
    known = 1.0 / (LEVEL_VARIANCE * variance)
    count, per_day = known + np.bincount(arm, events, len(known)), np.bincount(group, events).astype(float)
    days, tried = np.zeros(len(per_day)), dict[int, float]()

    def log_posterior(step: int) -> float:
        nonlocal days
        if step not in tried:
            worn = without * np.exp(-STEP * step * shape)
            days = levels_apart_from_days(arm, group, segment, worn, known, count, per_day, days, TURNS)
            expected = np.bincount(arm, worn * np.exp(days[group]), len(known))
            told = events @ (days[group] - STEP * step * shape) - count @ np.log(known + expected)
            tried[step] = float(told) - 0.5 * (STEP * step / PRIOR_SD) ** 2
        return tried[step]

    width = MOST // 4
    best = max(range(0, MOST + 1, width), key=log_posterior)
    while width > 1:
        width = -(-width // 2)
        near = [k for k in (best - width, best, best + width) if 0 <= k <= MOST]
        best = max(near, key=log_posterior)
    return STEP * best
