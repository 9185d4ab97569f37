"""What a comparison can show before it is run: the smallest detectable lift, and the events two ads need to be told apart.

Normal approximation on the log scale, where a count of n events has variance 1/n (Poisson); the usual two-sided test of
level 1 - `level` with the given power (e.g. Lachin 1981, Controlled Clinical Trials 2:93).
"""

from __future__ import annotations

import math

from dco.errors import BadData
from dco.stats.intervals import z_of


def detectable_lift(
    engine: float,
    control: float,
    *,
    level: float = 0.90,
    power: float = 0.80,
    spread: float = 1.0,
    extra: float = 0.0,
) -> float:
    """The true relative lift (0.10 = +10 %) whose `level` interval excludes zero with probability `power`.

    Args:
        engine, control: expected events (clicks, conversions) of the two parts; no events detect nothing: infinity.
        spread: variance of one event's value over its mean squared, plus 1; 1 for plain counts, 1 + cv^2 for revenue.
        extra: variance of the log ratio that more events do not take away (days, single arms).

    >>> round(detectable_lift(9000, 1000), 3)
    0.086
    """
    total = _quantiles(level, power)
    if not (spread >= 1 and extra >= 0):
        raise BadData(f"spread, extra: expected at least 1 and at least 0, got {spread!r} and {extra!r}")
    if min(engine, control) <= 0:
        return math.inf
    exponent = total * math.sqrt(spread * (1 / engine + 1 / control) + extra)
    return math.expm1(exponent) if exponent < 700 else math.inf


def events_to_tell(lift: float, *, level: float = 0.90, power: float = 0.80) -> float:
    """Events that each of two ads needs, so that a true difference of `lift` between them shows.

    >>> round(events_to_tell(0.20))
    372
    """
    if not lift > 0:
        raise BadData(f"lift: expected a number above 0, got {lift!r}")
    return 2 * (_quantiles(level, power) / math.log1p(lift)) ** 2


def _quantiles(level: float, power: float) -> float:
    if not 0.5 <= power < 1:
        raise BadData(f"power: expected a number from 0.5 up to 1, got {power!r}")
    return z_of(level) + (z_of(2 * power - 1) if power > 0.5 else 0.0)
