"""What an order is worth, arm by arm, from sums of few orders with heavy tails: a regression of logarithms.

Only the revenue and the number k of the orders of an arm-day are known. Order values are taken as value_arm times a draw
from one law of any shape, so that

    log(revenue / k) = log value_arm + b(k) + noise of variance s^2(k),

with b and s the same for all arms. A Pareto tail is exponential after the logarithm: one huge order is a residual of a few
sd and not a multiple of everything else. b and s start from a lognormal law's, -s^2 / 2 and log(1 + c^2 / k) (Fenton 1960),
and follow the mean and variance of the cells of about k orders as these become many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from dco.elements.alphabet import Alphabet
from dco.elements.gaussian import Design, Variances, learn_variances, posterior, statistics
from dco.elements.rates import Rates, unknown_options

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_VALUE = Variances(shared=0.001, own=0.0003, arm=0.001)
"""Creatives of one product move what people buy less than whether they click."""
CLASSES = np.array([1.5, 2.5, 4.5, 9.5, 19.5, 49.5])
"""Borders of the numbers of orders whose cells are compared with each other."""
DOUBT = 10.0
"""Cells that the lognormal law counts for in every class."""
CUT = 3.5
"""Residuals beyond this many sd are cut to it."""
SCATTERS = np.geomspace(0.05, 30.0, 60)
"""Candidates for c^2, the squared relative sd of one order; e^1 - 1 = 1.7 is a log-sd of 1."""


def order_noise(orders: Floats, log_value: Floats) -> tuple[Floats, Floats, float]:
    """b and s^2 of every cell, float[cell] each, and s^2 of a single order.

    Args:
        orders: float[cell] > 0. log_value: float[cell], log(revenue / orders).
    """
    law = np.log1p(SCATTERS[:, None] / orders)  # [candidate, cell]
    gap = log_value + law / 2
    weight = 1.0 / law
    centre = (gap * weight).sum(axis=1) / weight.sum(axis=1)
    z2 = np.minimum((gap - centre[:, None]) ** 2 / law, CUT**2)
    best = int(np.argmin((np.log(law) + z2).sum(axis=1)))
    variance, bias = law[best].copy(), -law[best] / 2 + centre[best]
    in_class = np.searchsorted(CLASSES, orders)
    for c in np.unique(in_class):
        here = in_class == c
        n, sd = int(here.sum()), np.sqrt(variance[here])
        z = np.clip((log_value[here] - bias[here]) / sd, -CUT, CUT)
        moved = float((z * sd).sum()) / (n + DOUBT)
        spread = (float(((z - z.mean()) ** 2).sum()) + DOUBT) / (n + DOUBT)
        bias[here] += moved
        variance[here] *= spread
    single = float(np.log1p(SCATTERS[best]))
    ones = in_class == 0
    return bias, variance, float(variance[ones].mean()) if ones.any() else single


def fit_order_value(
    alphabet: Alphabet,
    segment: Ints,
    codes: Ints,
    arm: Ints,
    orders: Floats,
    revenue: Floats,
    recency: Floats,
    *,
    n_groups: int,
    spread: float,
    usual: Variances = USUAL_VALUE,
    learn: bool = True,
) -> Rates:
    """Log value of an order of every arm about the overall mean, as a stage of the element model.

    Args:
        segment: int[arm]; codes: int[arm, attribute]; arm: int[cell]; orders, revenue: float[cell], revenue in units of
            the mean order; recency: float[cell], what a cell counts for. spread: dispersion of the orders' numbers, which the stage's own is a multiple of.
    """
    n = len(segment)
    design = Design.of(alphabet.design(codes), segment, len(alphabet.segments))
    told = (orders > 0) & (revenue > 0)
    at, k = arm[told], orders[told]
    log_value = np.log(revenue[told] / k)
    bias, variance, single = order_noise(k, log_value) if len(k) else (k, k, 1.0)
    sd = np.sqrt(variance)
    rest = np.clip(log_value - bias, -CUT * sd, CUT * sd)
    told_by = recency[told] / variance
    precision = np.bincount(at, told_by, n).astype(float)
    summed = np.bincount(at, told_by * rest, n)
    response = summed / np.maximum(precision, 1e-9)
    sampling = 1.0 / np.maximum(precision, 1e-9)
    missing = unknown_options(codes)
    v = usual
    if learn and len(k):
        v = learn_variances(design, response, sampling + missing * (v.shared + v.own), v, usual)
    own = v.arm + missing * (v.shared + v.own)
    found = posterior(statistics(design, response, sampling + own), v)
    by_options = design.fitted(found.mean)
    mean = by_options + own / (own + sampling) * (response - by_options)
    count = np.bincount(arm, orders, n).astype(float)
    level = -float(np.log((count * np.exp(mean)).sum() / count.sum())) if count.sum() > 0 else 0.0
    return Rates(
        alphabet, level, found, v, spread * (1.0 + float(np.expm1(single))), 0.0, np.ones(len(arm)),
        0.0, np.zeros(n_groups), precision,
        response - by_options, _equal(segment, response, precision), 0.5,
    )  # fmt: skip


def _equal(segment: Ints, response: Floats, precision: Floats) -> float:
    """p-value of 'in every segment all arms' orders are worth the same' (chi-squared)."""
    statistic, freedom = 0.0, 0
    for s in np.unique(segment):
        rows = (segment == s) & (precision > 0)
        if rows.sum() < 2:
            continue
        w, r = precision[rows], response[rows]
        statistic += float((w * (r - (w @ r) / w.sum()) ** 2).sum())
        freedom += int(rows.sum()) - 1
    return float(gammaincc(freedom / 2, statistic / 2)) if freedom else 1.0
