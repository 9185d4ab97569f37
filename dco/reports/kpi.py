"""What each KPI is called, how it is computed from counts, and how its values and posterior rates are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dco.records import MICROS, Kpi
from dco.reports import words
from dco.reports.facts import Totals

Z90 = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""


Believed = Literal["clicks", "conversions", "revenue"]
"""What the model's rate counts per impression."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What the model believes in, for readers: `show` writes a value, `axis_scale` turns it into the unit of `axis`."""

    name: str
    show: Callable[[float | None, str], str]
    axis_scale: float
    axis: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One KPI for readers. `observed` computes it from counts; None when there is nothing to divide by."""

    key: Kpi
    name: str
    what: str
    """Completes 'brought 14 % more ...'."""
    meaning: str
    observed: Callable[[Totals], float | None]
    show: Callable[[float | None, str], str]
    believed: Believed
    """What the policy learns for this KPI, unless the report says that it had to learn something else."""


def ratio(top: float, bottom: float) -> float | None:
    """top / bottom, or None when the bottom is not positive."""
    return top / bottom if bottom > 0 else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None or not math.isfinite(value) else factor * value


RATES: dict[Believed, Rate] = {
    "clicks": Rate("click-through rate", lambda v, _: words.percent(v), 100.0, "click-through rate, %"),
    "conversions": Rate(
        "conversions per 1,000 impressions",
        lambda v, _: words.number(_scaled(v, 1000)),
        1000.0,
        "conversions per 1,000 impressions",
    ),
    # The model counts revenue in whole units of the currency, reports and the ledger in micros.
    "revenue": Rate(
        "revenue per 1,000 impressions",
        lambda v, currency: words.money(_scaled(v, 1000 * MICROS), currency),
        1000.0,
        "revenue per 1,000 impressions",
    ),
}

METRICS: dict[Kpi, Metric] = {
    "ctr": Metric(
        "ctr",
        "Click-through rate",
        "clicks per impression",
        "Clicks divided by impressions.",
        lambda t: ratio(t.clicks, t.impressions),
        lambda v, _: words.percent(v),
        "clicks",
    ),
    "cpa": Metric(
        "cpa",
        "Cost per conversion",
        "conversions per impression",
        "Spend divided by conversions. Lower is better.",
        lambda t: ratio(t.spend_micros, t.conversions),
        words.money,
        "conversions",
    ),
    "roas": Metric(
        "roas",
        "Return on ad spend",
        "revenue per impression",
        "Revenue divided by spend; 3.00 means three earned for each one spent.",
        lambda t: ratio(t.revenue_micros, t.spend_micros),
        lambda v, _: words.number(v),
        "revenue",
    ),
    "revenue_per_impression": Metric(
        "revenue_per_impression",
        "Revenue per 1,000 impressions",
        "revenue per impression",
        "Revenue divided by impressions, times one thousand.",
        lambda t: ratio(1000 * t.revenue_micros, t.impressions),
        words.money,
        "revenue",
    ),
}


def wilson(successes: float, trials: float, z: float = Z90) -> tuple[float, float] | None:
    """Wilson score interval of a proportion (Wilson 1927); None without trials. Exact counts, z = two-sided 90 %.

    >>> tuple(round(x, 4) for x in wilson(10, 1000))
    (0.006, 0.0167)
    """
    if trials <= 0:
        return None
    p = min(1.0, successes / trials)
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
