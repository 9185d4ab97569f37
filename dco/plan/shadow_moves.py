"""Where the shadow engine and the past went different ways: which ad, when, by how much, and what it believed then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dco.plan.shadow import ShadowNight
from dco.plan.shadow_value import ArmDay

LEAST = 0.05
"""A share that differs by less is no difference."""


@dataclass(frozen=True)
class Move:
    """One ad over days on which the engine gave it more (or less) than it got, without a day of the other sign between."""

    segment: str
    arm_id: str
    first: date
    last: date
    days: int
    served: float
    """Mean shares over its days, by impressions of the segment."""
    engine: float
    impressions: float
    """How many would have gone elsewhere."""
    peak: date
    """The day of the greatest difference; the belief is that morning's."""
    p_best: float | None
    mean: float | None
    """Expected value an impression."""
    others: float | None
    """The same for the split that was served that day, over the ads whose value is known."""
    retired: str
    """Why the engine took it down, where it did."""


def moves(
    arm_days: Sequence[ArmDay], nights: Sequence[ShadowNight], *, least: float = LEAST
) -> tuple[Move, ...]:
    """All of them, the greatest first."""
    by_day = {night.day: night for night in nights}
    totals: dict[tuple[str, date], int] = {}
    served: dict[tuple[str, date], dict[str, float]] = {}
    lines: dict[tuple[str, str], list[ArmDay]] = {}
    for row in sorted(arm_days, key=lambda r: r.day):
        totals[row.segment, row.day] = totals.get((row.segment, row.day), 0) + row.impressions
        served.setdefault((row.segment, row.day), {})[row.arm_id] = row.served
        lines.setdefault((row.segment, row.arm_id), []).append(row)
    gone = {key: why for night in reversed(nights) for key, why in night.retired.items()}
    found = []
    for (segment, arm), rows in lines.items():
        for run in _runs(rows, least):
            n = [totals[segment, r.day] for r in run]
            peak = max(run, key=lambda r: abs(r.engine - r.served))
            beliefs = {a: b for (s, a), b in by_day[peak.day].shares.items() if s == segment}
            mine = beliefs.get(arm)
            known = {
                a: (share, beliefs[a].mean)
                for a, share in served[segment, peak.day].items()
                if a in beliefs and beliefs[a].mean is not None
            }
            weight = sum(share for share, _ in known.values())
            found.append(
                Move(
                    segment, arm, run[0].day, run[-1].day, len(run),
                    sum(r.served * k for r, k in zip(run, n, strict=True)) / sum(n),
                    sum(r.engine * k for r, k in zip(run, n, strict=True)) / sum(n),
                    sum(abs(r.engine - r.served) * k for r, k in zip(run, n, strict=True)),
                    peak.day, mine.p_best if mine else None, mine.mean if mine else None,
                    sum(s * (m or 0.0) for s, m in known.values()) / weight if weight > 0 else None,
                    gone.get((segment, arm), "") if mine is None else "",
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda m: (-m.impressions, m.segment, m.arm_id, m.first)))


def _runs(rows: Sequence[ArmDay], least: float) -> list[list[ArmDay]]:
    """Runs of days that differ by `least` or more in one direction; smaller differences neither count nor end a run."""
    runs: list[list[ArmDay]] = []
    above: bool | None = None
    for row in rows:
        difference = row.engine - row.served
        if abs(difference) < least:
            continue
        if (difference > 0) != above:
            above = difference > 0
            runs.append([])
        runs[-1].append(row)
    return runs
