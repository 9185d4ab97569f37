"""Bayesian comparison of rates: exact P(beat), P(best) and expected loss, by quadrature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import special

from dco.errors import BadData
from dco.records import Licence
from dco.stats.best import best_beta, p_best_beta
from dco.stats.best_rows import p_best_beta_rows
from dco.stats.counts import Counts, Floats, groups
from dco.stats.intervals import log_ratio, z_of
from dco.stats.result import Result

UNLIKE = 10.0
"""Posteriors whose widths differ by more are integrated one by one, on a grid laid for them."""


def compare(
    counts: pa.Table | Mapping[str, Any],
    *,
    baseline: str,
    level: float = 0.95,
    licence: Licence = "randomised",
    prior: tuple[float, float] = (1.0, 1.0),
) -> Result:
    """Independent Beta(`prior`) rates: P(arm > baseline), P(best of all), and the rate given up by choosing each arm.

    No Monte Carlo: probabilities are good to 1e-3 and the same at every call. The credible interval of the lift is normal
    on the log scale with the exact mean and variance of log Beta. Valid at any look in the Bayesian sense under a
    stationary rate; it knows nothing of drift (see `adaptive_lift`).
    """
    if len(prior) != 2 or not min(prior) > 0:
        raise BadData(f"prior: expected two positive numbers (alpha, beta), got {prior!r}")
    rows: list[dict[str, Any]] = []
    for one in groups(counts, baseline):
        if one.s2 is not None:
            raise BadData("counts, s2: beta_binomial compares rates of 0 or 1; use log_ratio for values")
        rows += _segment(one, level, prior)
    estimand = "ratio of the arms' rates, minus 1, each taken as constant over the test"
    return Result("beta_binomial", baseline, level, estimand, licence, tuple(rows), "credible interval")


def _segment(one: Counts, level: float, prior: tuple[float, float]) -> list[dict[str, Any]]:
    n, s = one.n.sum(axis=0), one.s.sum(axis=0)
    a, b = s + prior[0], n - s + prior[1]
    base = one.baseline
    best = best_beta(a, b)
    log_mean = special.digamma(a) - special.digamma(a + b)
    log_var = special.polygamma(1, a) - special.polygamma(1, a + b)
    typical = np.exp(log_mean)
    lift, low, high = log_ratio(typical, typical[base], log_var, log_var[base], z_of(level))
    beat = _beats(a, b, base)
    loss = np.maximum(best.expected_max - a / (a + b), 0.0)
    return [
        {
            "segment": one.segment,
            "arm": arm,
            "n": n[k],
            "s": s[k],
            "rate": a[k] / (a[k] + b[k]),
            "p_best": best.p[k],
            "expected_loss": loss[k],
        }
        | ({} if k == base else {"lift": lift[k], "low": low[k], "high": high[k], "p_beat": beat[k]})
        for k, arm in enumerate(one.arms)
    ]


def _beats(a: Floats, b: Floats, base: int) -> Floats:
    """P(arm > baseline), float[arm]; the baseline's own entry means nothing."""
    mean = a / (a + b)
    sd = np.sqrt(mean * (1 - mean) / (a + b + 1))
    pairs_a = np.stack([np.full_like(a, a[base]), a], axis=1)
    pairs_b = np.stack([np.full_like(b, b[base]), b], axis=1)
    p: Floats = p_best_beta_rows(pairs_a, pairs_b, np.ones(pairs_a.shape, bool), 128)[:, 1]
    for k in np.flatnonzero((np.maximum(sd / sd[base], sd[base] / sd) > UNLIKE) | (a < 5) | (a[base] < 5)):
        p[k] = p_best_beta([a[base], a[k]], [b[base], b[k]])[1]
    return p
