"""Lift that stays right while a bandit moves traffic and rates drift; with anytime=True at every look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from dco.errors import BadData
from dco.records import Licence
from dco.stats.adaptive import contrast, plug_in
from dco.stats.counts import Counts, groups, several_batches
from dco.stats.intervals import anytime_multiplier, log_ratio, z_of
from dco.stats.result import Result
from dco.stats.two_way import TwoWay, two_way


def compare(
    counts: pa.Table | Mapping[str, Any],
    *,
    baseline: str,
    level: float = 0.95,
    licence: Licence = "randomised",
    anytime: bool = False,
    planned: int | None = None,
    overdispersion: bool = True,
) -> Result:
    """Common-weight AW-AIPW lift of each arm over the baseline from batch logs (formulas in `stats.adaptive`).

    Needs the columns batch (numbers or dates, e.g. the day) and propensity (the share with floor and holdout that was live
    in that batch), which sum to 1 over the arms of each batch.

    Args:
        anytime: an interval valid at every look at once (normal mixture); needs `planned`.
        planned: batches the test is planned for; the anytime interval is tightest there.
        overdispersion: estimate from batch residuals how much noisier than binomial a batch is, and put it in.
    """
    if anytime and (planned is None or planned < 1):
        raise BadData(f"planned: expected the number of batches the test is planned for, got {planned!r}")
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for one in groups(counts, baseline):
        if one.propensity is None:
            raise BadData(
                "counts: expected a column 'propensity' with the share live in each batch; it was not logged"
            )
        if one.s2 is not None:
            raise BadData("counts, s2: adaptive_lift compares rates of 0 or 1; leave s2 out")
        several_batches(one, 2)
        rows += _segment(one, level, planned if anytime else None, overdispersion, notes)
    return Result(
        "adaptive_lift",
        baseline,
        level,
        "time-average lift under weights common to both arms; the lift itself where it is constant",
        licence,
        tuple(rows),
        f"anytime-valid interval (planned for {planned} batches)"
        if anytime
        else "confidence interval at one fixed look",
        tuple(dict.fromkeys(notes)),
    )


def _segment(
    one: Counts, level: float, planned: int | None, overdispersion: bool, notes: list[str]
) -> list[dict[str, Any]]:
    e = one.propensity
    assert e is not None
    mu, model = plug_in(one.n, one.s), two_way(one.n, one.s)
    if not overdispersion:
        model = model._replace(extra=0.0)
    elif model.extra > 0:
        notes.append(
            f"batches vary more than binomially (sd {np.sqrt(model.extra):.3f} of the rate); the interval holds it"
        )
    return [_row(one, k, e, mu, model, level, planned, overdispersion, notes) for k in range(len(one.arms))]


def _row(
    one: Counts,
    k: int,
    e: np.ndarray,
    mu: np.ndarray,
    model: TwoWay,
    level: float,
    planned: int | None,
    overdispersion: bool,
    notes: list[str],
) -> dict[str, Any]:
    n, s = float(one.n[:, k].sum()), float(one.s[:, k].sum())
    row = {"segment": one.segment, "arm": one.arms[k], "n": n, "s": s, "rate": s / n}
    if k == one.baseline:
        return row
    found = contrast(one.n, one.s, e, mu, model, k, one.baseline)
    if found.batches < 2:
        notes.append(
            f"{one.arms[k]} and {one.arms[one.baseline]} shared {found.batches} batch(es): nothing to compare"
        )
        return row
    if not (found.level_a > 0 and found.level_b > 0):
        notes.append(f"{one.arms[k]}: too few successes for a lift")
        return row
    freedom = model.freedom if overdispersion and model.freedom > 0 else None
    multiplier = (
        z_of(level, freedom) if planned is None else anytime_multiplier(found.batches, planned, level)
    )
    lift, low, high = log_ratio(found.level_a, found.level_b, found.variance_a, found.variance_b, multiplier)
    row |= {"rate": found.level_a, "lift": float(lift), "low": float(low), "high": float(high)}
    if planned is None:
        z = abs(np.log1p(lift)) / np.sqrt(found.variance_a + found.variance_b)
        row["p_value"] = float(2 * (stats.norm.sf(z) if freedom is None else stats.t.sf(z, freedom)))
    return row
