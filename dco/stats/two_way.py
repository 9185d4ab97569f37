"""Base rate of the batch times factor of the arm: the two-way fit, and how much noisier than binomial batches are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ITERATIONS = 6


class TwoWay(NamedTuple):
    """Fit of E[s] = n r_t f_k. `extra` is tau^2, the variance of a cell's rate around it, relative to the rate."""

    rate: Floats
    """q[batch, arm] = r_t f_k, > 0 in every cell."""
    base: Floats
    factor: Floats
    extra: float
    freedom: int


def fit(
    n: Floats, s: Floats, factor: Floats | None = None, iterations: int = ITERATIONS
) -> tuple[Floats, Floats]:
    """(r[batch], f[arm]) by alternating sums (iterative proportional fitting), factors held above 0 by half a success.

    `factor` is where to start from, e.g. the fit of one batch less.
    """
    f = np.ones(n.shape[1]) if factor is None else factor
    r = np.zeros(n.shape[0])
    pooled = (s.sum() + 0.5) / (n.sum() + 1)
    for _ in range(iterations):
        seen = n @ f
        # Half a success at the pooled rate: a batch or arm without successes is unlikely, not impossible.
        r = (s.sum(axis=1) + 0.5) / (seen + 0.5 / pooled)
        expected = (n * r[:, None]).sum(axis=0)
        f = (s.sum(axis=0) + 0.5) / (expected + 0.5)
    return r, f


def two_way(n: Floats, s: Floats, *, binomial: bool = True) -> TwoWay:
    """Two-way fit of counts float[batch, arm] with the overdispersion tau^2 by the method of moments.

    Pearson's Q = sum (s - m)^2 / (m (1 - q)) has expectation df + tau^2 sum m (1 - leverage); solved for tau^2 >= 0, as
    DerSimonian & Laird (1986). Identical ads on real sites vary 1.9 times binomial: leaving tau out gives intervals that
    hold .6 to .8 of the time instead of .95.
    """
    r, f = fit(n, s)
    q = np.clip(r[:, None] * f, 1e-12, 1 - 1e-9 if binomial else np.inf)
    m = n * q
    used = m > 0
    by_batch, by_arm, total = m.sum(axis=1, keepdims=True), m.sum(axis=0, keepdims=True), m.sum()
    # Leverage of a cell in a two-way table; exact when the table is complete.
    leverage = np.clip(
        m / np.maximum(by_batch, 1e-300) + m / np.maximum(by_arm, 1e-300) - m / total, 0.0, 1.0
    )
    freedom = int(used.sum() - used.any(axis=1).sum() - used.any(axis=0).sum() + 1)
    if freedom < 1:
        return TwoWay(q, r, f, 0.0, 0)
    spread = 1 - q if binomial else 1.0
    pearson = float((np.square(s - m)[used] / (m * spread)[used]).sum())
    room = float((m / spread * (1 - leverage))[used].sum())
    return TwoWay(q, r, f, max(pearson - freedom, 0.0) / room if room > 0 else 0.0, freedom)
