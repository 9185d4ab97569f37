"""What each KPI is called, how it is computed from counts, and how its values and posterior rates are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dco.records import MICROS, Kpi
from dco.reports import words
from dco.reports.facts import Totals

Z90 = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One KPI for readers.

    `observed` computes it from counts (None when nothing to divide by). `posterior` writes a value of the model's own
    rate, whose meaning is `posterior_name`: the policy learns a rate per impression also where the KPI is a cost.
    """

    key: Kpi
    name: str
    what: str
    """Completes 'brought 14 % more ...'."""
    meaning: str
    observed: Callable[[Totals], float | None]
    show: Callable[[float | None, str], str]
    posterior_name: str
    posterior: Callable[[float | None, str], str]
    axis_scale: float
    """Multiplies the posterior rate for an axis titled `axis`."""
    axis: str


def ratio(top: float, bottom: float) -> float | None:
    """top / bottom, or None when the bottom is not positive."""
    return top / bottom if bottom > 0 else None


def _per_mille(value: float | None, currency: str) -> str:
    return words.number(None if value is None else 1000 * value)


def _money_per_mille(value: float | None, currency: str) -> str:
    return words.money(None if value is None or not math.isfinite(value) else 1000 * value, currency)


METRICS: dict[Kpi, Metric] = {
    "ctr": Metric(
        "ctr",
        "Click-through rate",
        "clicks per impression",
        "Clicks divided by impressions.",
        lambda t: ratio(t.clicks, t.impressions),
        lambda v, _: words.percent(v),
        "click-through rate",
        lambda v, _: words.percent(v),
        100.0,
        "click-through rate, %",
    ),
    "cpa": Metric(
        "cpa",
        "Cost per conversion",
        "conversions per impression",
        "Spend divided by conversions. Lower is better.",
        lambda t: ratio(t.spend_micros, t.conversions),
        words.money,
        "conversions per 1,000 impressions",
        _per_mille,
        1000.0,
        "conversions per 1,000 impressions",
    ),
    "roas": Metric(
        "roas",
        "Return on ad spend",
        "revenue per unit of spend",
        "Revenue divided by spend; 3.00 means three earned for each one spent.",
        lambda t: ratio(t.revenue_micros, t.spend_micros),
        lambda v, _: words.number(v),
        "return on ad spend",
        lambda v, _: words.number(v),
        1.0,
        "revenue per unit of spend",
    ),
    "revenue_per_impression": Metric(
        "revenue_per_impression",
        "Revenue per 1,000 impressions",
        "revenue per impression",
        "Revenue divided by impressions, times one thousand.",
        lambda t: ratio(t.revenue_micros, t.impressions),
        _money_per_mille,
        "revenue per 1,000 impressions",
        _money_per_mille,
        1000.0 / MICROS,
        "revenue per 1,000 impressions",
    ),
}


def wilson(successes: float, trials: float, z: float = Z90) -> tuple[float, float] | None:
    """Wilson score interval of a proportion (Wilson 1927); None without trials. Exact counts, z = two-sided 90 %.

    >>> tuple(round(x, 4) for x in wilson(10, 1000))
    (0.006, 0.0166)
    """
    if trials <= 0:
        return None
    p = min(1.0, successes / trials)
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
