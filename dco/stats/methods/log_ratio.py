"""Fixed split: Welch/z comparison of rates or means, lift on the log-ratio scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from dco.records import Licence
from dco.stats.counts import Counts, Floats, groups
from dco.stats.intervals import log_ratio, z_of
from dco.stats.result import Result
from dco.stats.two_way import two_way

LEAST_FREEDOM = 5
"""Below this many degrees of freedom batches cannot tell how noisy they are."""


def compare(
    counts: pa.Table | Mapping[str, Any],
    *,
    baseline: str,
    level: float = 0.95,
    licence: Licence = "randomised",
) -> Result:
    """Lift of each arm's pooled rate over the baseline's, with a log-ratio interval (asymmetric, never below -100 %).

    Only for a split that did NOT change while it ran: after adaptive allocation use `adaptive_lift`, since pooling then
    mixes the arms' rates with when they were served.

    The variance is binomial, or Welch's from s2. With a batch column it grows by what batches vary beyond that (variance
    component tau^2 per batch and arm), and the quantile is Student's. An arm without a success gets half of one (and
    the baseline as well), so its interval is finite.
    """
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for one in groups(counts, baseline):
        rows += _segment(one, level, notes)
    estimand = "ratio of the arms' pooled rates over the test, minus 1; the split must have been fixed"
    return Result(
        "log_ratio", baseline, level, estimand, licence, tuple(rows), notes=tuple(dict.fromkeys(notes))
    )


def _segment(one: Counts, level: float, notes: list[str]) -> list[dict[str, Any]]:
    n, s = one.n.sum(axis=0), one.s.sum(axis=0)
    rate, relative, freedom = _rates(one, n, s, notes)
    b = one.baseline
    multiplier = z_of(level, freedom)
    lift, low, high = log_ratio(rate, rate[b], relative, relative[b], multiplier)
    z = np.log(rate / rate[b]) / np.sqrt(relative + relative[b])
    p = 2 * (stats.norm.sf(np.abs(z)) if freedom is None else stats.t.sf(np.abs(z), freedom))
    return [
        {"segment": one.segment, "arm": arm, "n": n[k], "s": s[k], "rate": s[k] / n[k]}
        | ({} if k == b else {"lift": lift[k], "low": low[k], "high": high[k], "p_value": p[k]})
        for k, arm in enumerate(one.arms)
    ]


def _rates(one: Counts, n: Floats, s: Floats, notes: list[str]) -> tuple[Floats, Floats, float | None]:
    """(rate[arm], variance of its logarithm[arm], degrees of freedom or None)."""
    if (s == 0).any():
        notes.append("an arm has no success: half a success was added to every arm for the interval")
        n, s = n + 1, s + 0.5
    rate = s / n
    if one.s2 is not None:
        spread = np.maximum(one.s2.sum(axis=0) / n - rate**2, 0.0) * n / np.maximum(n - 1, 1)
        relative = np.maximum(spread, 1e-300) / (n * rate**2)
        return rate, relative, None
    relative = np.maximum((1 - rate) / s, 1e-12)
    fit = two_way(one.n, one.s)
    if fit.freedom < LEAST_FREEDOM:
        return rate, relative, None
    if fit.extra > 0:
        notes.append(
            f"batches vary more than binomially (sd {np.sqrt(fit.extra):.3f} of the rate); the interval holds it"
        )
    # A pooled rate is a mean of batch rates weighted by n: so is its extra variance.
    weight = (one.n * fit.rate / np.maximum((one.n * fit.rate).sum(axis=0), 1e-300)) ** 2
    return rate, relative + fit.extra * weight.sum(axis=0), float(fit.freedom)
