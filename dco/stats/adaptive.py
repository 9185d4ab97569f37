"""Lift after adaptive allocation: AW-AIPW with COMMON predictable weights, on arrays float[batch, arm].

    h_t = (1/e_ta + 1/e_tb)^(-1/2)
    Q_k = sum_t h_t (B_t mu_tk + (s_tk - n_tk mu_tk) / e_tk) / sum_t h_t B_t
    V_k = sum_t h_t^2 (B_t (q (1-q) / e + (q - mu)^2 (1-e) / e) + (B_t q tau)^2) / (sum_t h_t B_t)^2
    log(Q_a / Q_b) +- z sqrt(V_a / Q_a^2 + V_b / Q_b^2)

e are the propensities, mu a plug-in from earlier batches alone, q the two-way fit r_t f_k, tau^2 the overdispersion of a
batch. One weight for both arms keeps a constant lift unbiased while base rates drift and the bandit moves traffic; weights
of each arm's own (Hadad et al. 2021, PNAS) do not. In simulation pooled rates cover .04 of the time there, this .95-.97.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.stats.two_way import ITERATIONS, TwoWay, fit

Floats = NDArray[np.float64]


class Contrast(NamedTuple):
    """Levels under the common weights, relative variances of both, and how many batches served both arms."""

    level_a: float
    level_b: float
    variance_a: float
    variance_b: float
    batches: int


def plug_in(n: Floats, s: Floats) -> Floats:
    """mu[batch, arm] from history only: the last batch's base rate times the arms' factors so far.

    The first batch has no history; it uses its own pooled rate, which is independent of who was assigned to what.
    """
    mu = np.empty_like(n)
    mu[0] = (s[0].sum() + 0.5) / (n[0].sum() + 1)
    factor = None
    for t in range(1, len(n)):
        # Started from the fit of the batch before, two iterations are as good as six from nothing.
        base, factor = fit(n[:t], s[:t], factor, ITERATIONS if factor is None else 2)
        seen = n[:t].sum(axis=0) > 0
        mu[t] = base[-1] * np.where(seen, factor, 1.0)
    return np.minimum(mu, 1.0)


def contrast(n: Floats, s: Floats, e: Floats, mu: Floats, model: TwoWay, a: int, b: int) -> Contrast:
    """The common-weight estimate of arms a and b over the batches in which both could be served."""
    both = (e[:, a] > 0) & (e[:, b] > 0)
    size = n.sum(axis=1)[both]
    h = 1 / np.sqrt(1 / e[both, a] + 1 / e[both, b])
    total = (h * size).sum()
    out = []
    for k in (a, b):
        ek, mk, q = e[both, k], mu[both, k], model.rate[both, k]
        level = (h * (size * mk + (s[both, k] - n[both, k] * mk) / ek)).sum() / total
        noise = size * (q * (1 - q) / ek + (q - mk) ** 2 * (1 - ek) / ek) + np.square(size * q) * model.extra
        out.append((float(level), float((h**2 * noise).sum() / total**2)))
    (level_a, variance_a), (level_b, variance_b) = out
    return Contrast(
        level_a,
        level_b,
        variance_a / max(level_a, 1e-100) ** 2,
        variance_b / max(level_b, 1e-100) ** 2,
        int(both.sum()),
    )
