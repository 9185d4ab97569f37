"""What the engine's own allocation earned over the holdout: gain over control.

Every segment and day serves each arm with share = control_share + own share; control is an equal split over the starting
arms. Both parts show the same ads, so they share the arms' rates r_a of that day:

    V_engine = sum_a w_a r_a,  w_a = (share - control_share) / (1 - holdout)
    V_control = sum_a c_a r_a, c_a = control_share / holdout
    gain = sum_d n_d V_engine / sum_d n_d V_control - 1

w was decided the night before, from earlier days, so each day's estimate is fair whatever the policy did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dco.errors import BadData
from dco.stats.counts import Floats
from dco.stats.intervals import z_of
from dco.stats.two_way import TwoWay, two_way

MEASURES = ("clicks", "conversions", "revenue_micros")


@dataclass(frozen=True, repr=False)
class Gain:
    """Relative gain of the engine's allocation over the holdout: 0.10 = +10 %."""

    value: float
    low: float
    high: float
    level: float
    batches: int
    """Segment-days the gain was measured on."""
    engine_rate: float
    """Value per impression of the engine's part, in the unit of `measure`."""
    control_rate: float
    measure: str
    extra_sd: float
    """Relative sd of an arm's rate from day to day beyond counting noise, as estimated and put into the interval."""

    estimand: str = "traffic-weighted value of the optimised part over that of an equal split of the starting arms, minus 1"

    def __repr__(self) -> str:
        return (
            f"gain over control: {self.value:+.1%} ({self.level:.0%} interval {self.low:+.1%} to {self.high:+.1%}) in "
            f"{self.measure} per impression, {self.batches} segment-days"
        )


def gain_over_control(days: pa.Table, *, measure: str = "clicks", level: float = 0.95) -> Gain:
    """The gain with an interval on the log scale.

    Args:
        days: one row per (segment, day, arm_id): impressions, share, control_share (intended, both as fractions of the
            segment's impressions) and the measure.
        measure: "clicks", "conversions" or "revenue_micros".
        level: coverage of the interval.

    The variance follows from the influence of each arm-day's rate on the log ratio, n_d (w_a / A - c_a / B), which carries
    the covariance of the two parts; an arm-day's rate varies by counting and by tau^2 around base x arm, estimated from
    the days' residuals. Student's quantile with their degrees of freedom.
    """
    if measure not in MEASURES:
        raise BadData(f"measure: expected one of {', '.join(MEASURES)}, got {measure!r}")
    groups = _read(days, measure)
    parts = [_Part.of(*g) for g in groups]
    engine = sum(float((p.size * (p.own * p.rate).sum(axis=1)).sum()) for p in parts)
    control = sum(float((p.size * (p.control * p.rate).sum(axis=1)).sum()) for p in parts)
    traffic = sum(float(p.size.sum()) for p in parts)
    if not (engine > 0 and control > 0):
        raise BadData(
            f"days, {measure}: expected some in the optimised part and in the holdout, got none in one of them"
        )
    scale, extra, freedom = _noise(parts, money=measure == "revenue_micros")
    variance = 0.0
    for p in parts:
        influence = p.size[:, None] * (p.own / engine - p.control / control)
        noise = p.model.rate * (1 - p.model.rate if measure == "clicks" else 1.0) * scale / np.maximum(p.n, 1)
        variance += float((np.square(influence) * (noise + np.square(p.model.rate) * extra)).sum())
    centre = float(np.log(engine / control))
    half = z_of(level, freedom if freedom > 0 else None) * float(np.sqrt(variance))
    return Gain(
        float(np.expm1(centre)),
        float(np.expm1(centre - half)),
        float(np.expm1(centre + half)),
        level,
        sum(len(p.size) for p in parts),
        engine / traffic,
        control / traffic,
        measure,
        float(np.sqrt(extra)),
    )


@dataclass(frozen=True)
class _Part:
    """One segment, arrays float[day, arm]."""

    n: Floats
    size: Floats
    rate: Floats
    own: Floats
    control: Floats
    s: Floats
    model: TwoWay

    @classmethod
    def of(cls, n: Floats, s: Floats, share: Floats, held: Floats, binomial: bool) -> _Part:
        holdout = held.sum(axis=1, keepdims=True)
        model = two_way(n, s, binomial=binomial)
        # An arm that was to be served and was not has no rate of its own that day: the fit stands in for it.
        rate = np.where(n > 0, s / np.maximum(n, 1), model.rate)
        return cls(n, n.sum(axis=1), rate, (share - held) / (1 - holdout), held / holdout, s, model)


def _noise(parts: list[_Part], *, money: bool) -> tuple[float, float, int]:
    """(scale of the counting variance, tau^2, degrees of freedom), pooled over segments."""
    freedom = sum(p.model.freedom for p in parts)
    if freedom == 0:
        return 1.0, 0.0, 0
    if (
        money
    ):  # the variance of a sum of amounts is not known from the sum: all of it comes from the residuals
        chi2 = 0.0
        for p in parts:
            expected = p.n * p.model.rate
            chi2 += float((np.square(p.s - expected) / np.maximum(expected, 1e-300))[p.n > 0].sum())
        return chi2 / freedom, 0.0, freedom
    extra = sum(p.model.extra * p.model.freedom for p in parts) / freedom
    return 1.0, extra, freedom


def _read(days: pa.Table, measure: str) -> list[tuple[Floats, Floats, Floats, Floats, bool]]:
    """Arrays float[day, arm] per segment: n, s, share, control_share."""
    need = ["segment", "arm_id", "day", "impressions", measure, "share", "control_share"]
    missing = [c for c in need if c not in days.column_names]
    if missing:
        raise BadData(f"days: expected the columns {', '.join(need)}; missing: {', '.join(missing)}")
    if not days.num_rows:
        raise BadData("days: expected one row per segment, day and arm, got none")
    columns = {c: days[c].to_pylist() for c in need}
    out = []
    for segment in dict.fromkeys(columns["segment"]):
        rows = [i for i, x in enumerate(columns["segment"]) if x == segment]
        out.append(_grid(segment, rows, columns, measure))
    return out


def _grid(
    segment: str, rows: list[int], columns: dict[str, list[Any]], measure: str
) -> tuple[Floats, Floats, Floats, Floats, bool]:
    day = {d: i for i, d in enumerate(sorted({columns["day"][r] for r in rows}))}
    arm = {a: i for i, a in enumerate(dict.fromkeys(columns["arm_id"][r] for r in rows))}
    n, s, share, held = (np.zeros((len(day), len(arm))) for _ in range(4))
    for r in rows:
        at = day[columns["day"][r]], arm[columns["arm_id"][r]]
        for grid, name in ((n, "impressions"), (s, measure), (share, "share"), (held, "control_share")):
            value = columns[name][r]
            if value is None or not np.isfinite(float(value)) or float(value) < 0:
                raise BadData(
                    f"days, {name}: segment {segment!r}, day {columns['day'][r]}, arm {columns['arm_id'][r]!r}: "
                    f"expected a number >= 0, got {value!r}"
                )
            grid[at] += float(value)
    for d, i in day.items():
        place = f"segment {segment!r}, day {d}"
        if abs(share[i].sum() - 1) > 1e-6:
            raise BadData(f"days, share: {place}: expected shares that sum to 1, got {share[i].sum():.6g}")
        if not 0 < held[i].sum() < 1 - 1e-9:
            raise BadData(
                f"days, control_share: {place}: expected a holdout between 0 and 1, got {held[i].sum():.6g}"
            )
        if (held[i] > share[i] + 1e-9).any():
            raise BadData(f"days, control_share: {place}: an arm owes the holdout more than its share")
    if measure == "clicks" and (s > n).any():
        raise BadData(f"days, clicks: segment {segment!r}: more clicks than impressions on some day")
    served = n.sum(axis=1) > 0
    return n[served], s[served], share[served], held[served], measure == "clicks"
