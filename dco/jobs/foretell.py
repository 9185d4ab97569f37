"""What a night says in advance and what became of what earlier nights said. Both inside the night's own transaction.

A forecast is judged once, on data that have settled: reports of every account must reach past its last day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from dco.elements.fatigue import Fatigue, Wear, wear_posterior
from dco.elements.interactions import interactions
from dco.jobs.desk import Desk
from dco.jobs.facts import arm_days
from dco.plan import explain, foresee
from dco.plan.result import Basis, Plan
from dco.store import forecasts, ledger, runs

GIVEN_UP_DAYS = 60
"""A forecast that could not be judged so long after it was due never will: nothing was served that could tell."""
COUNTED = {"clicks": "clicks", "conversions": "conversions", "revenue": "revenue_micros"}
UNITS = {"clicks": 1.0, "conversions": 1.0, "revenue": 1e-6}


def tonight(conn: Connection, run: runs.Run, desk: Desk, plan: Plan, *, day: date) -> dict[str, Any]:
    """Judges what is due, logs what tonight expects, and returns what stands behind the plan's sentences as plain rows."""
    basis = plan.basis if plan.basis is not None and plan.basis.known.history.clicks.sum() else None
    wear = wear_posterior(basis.model) if basis else None
    judge(conn, desk, basis, wear, day=day)
    if basis is None or wear is None:
        return {"parts": [], "fatigue": [], "interactions": []}
    shares = plan.shares.to_pylist()
    settle = desk.campaign.conversion_window_days
    for said in foresee.forecasts(basis, shares, wear, day=day, settle=settle):
        forecasts.say(conn, run, said.subject, said.name, said.value, said.due)
    return {
        "parts": _parts(basis, shares),
        "fatigue": [_tired(s, a, f, day) for s, a, f in foresee.tiredness(basis, shares, wear)],
        "interactions": [one._asdict() for one in interactions(basis.model).believed],
    }


def _parts(basis: Basis, shares: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for s, segment in enumerate(basis.model.alphabet.segments):
        names = [r["arm_id"] for r in shares if r["segment"] == segment]
        at = np.array([basis.known.row[(segment, a)] for a in names], dtype=np.int64)
        if names:
            rows += explain.table(basis.model, s, basis.known.history.codes[at], at, names)
    return rows


def _tired(segment: str, arm_id: str, one: Fatigue, day: date) -> dict[str, Any]:
    """A row without infinities (null: not within sight), with dates instead of ages."""

    def on(days: float) -> str | None:
        return (day + timedelta(days=round(days))).isoformat() if np.isfinite(days) else None

    return {
        "segment": segment, "arm_id": arm_id, "verdict": one.verdict,
        "since": (day - timedelta(days=round(one.age))).isoformat(), "age": one.age,
        "loss": one.loss, "loss_low": one.loss_low, "loss_high": one.loss_high, "p_tired": one.tired,
        "worn_low": on(one.days_low), "worn": on(one.days), "worn_high": on(one.days_high),
        "p_falls": one.falls, "falls_low": on(one.falls_low), "falls": on(one.falls_days),
        "falls_high": on(one.falls_high), "fresh": float(np.expm1(one.fresh)), "p_bad": one.bad,
    }  # fmt: skip


def judge(
    conn: Connection, desk: Desk, basis: Basis | None = None, wear: Wear | None = None, *, day: date
) -> int:
    """Writes down what became of forecasts that are due and can be told; returns how many.

    Args:
        basis, wear: tonight's model, which losses to wear are read off; a night without one judges what was counted.
    """
    oldest = day - timedelta(days=GIVEN_UP_DAYS)
    due = [f for f in forecasts.due(conn, desk.campaign.key, day) if f.due >= oldest]
    if not due:
        return 0
    seen, done = _Seen.of(conn, desk, day), 0
    for forecast in due:
        outcome = _outcome(forecast, seen, basis, wear, day)
        if outcome is not None:
            forecasts.judge(conn, forecast, outcome)
            done += 1
    return done


@dataclass(frozen=True)
class _Seen:
    """Reported counts: by (segment, arm, day), by (segment, day), and up to which day every account has reported."""

    arms: Mapping[tuple[str, str, date], Mapping[str, Any]]
    segments: Mapping[tuple[str, date], Mapping[str, float]]
    complete: date | None

    @classmethod
    def of(cls, conn: Connection, desk: Desk, day: date) -> _Seen:
        rows = arm_days(conn, desk, as_of=day).to_pylist()
        sums: dict[tuple[str, date], dict[str, float]] = {}
        for row in rows:
            whole = sums.setdefault(
                (row["segment"], row["day"]), dict.fromkeys(("impressions", *COUNTED.values()), 0.0)
            )
            for name in whole:
                whole[name] += float(row[name] or 0)
        complete = min((f.last_day for f in ledger.freshness(conn, desk.campaign.key)), default=None)
        return cls({(r["segment"], r["arm_id"], r["day"]): r for r in rows}, sums, complete)


def _outcome(
    forecast: forecasts.Forecast, seen: _Seen, basis: Basis | None, wear: Wear | None, day: date
) -> float | None:
    """What came of a forecast; None while it cannot be told."""
    kind, _, measure = forecast.name.split(".")
    first = forecast.said_on
    last = first if kind == "day" else first + timedelta(days=foresee.WEEK - 1)
    if seen.complete is None or seen.complete < last:
        return None
    if kind == "day":
        return _rate(seen, forecast.subject, first, measure)
    segment, _, arm = forecast.subject.rpartition("/")
    if kind == "loss":
        return _lost(basis, wear, segment, arm, late=(day - forecast.due).days)
    earned, expected = _against_rest(seen, segment, arm, first, measure)
    if expected <= 0:
        return None
    return float(earned > expected) if kind == "beats" else earned / expected - 1.0


def _rate(seen: _Seen, segment: str, day: date, measure: str) -> float | None:
    """Value events per impression of a segment's day."""
    whole = seen.segments.get((segment, day))
    if whole is None or not whole["impressions"]:
        return None
    return UNITS[measure] * whole[COUNTED[measure]] / whole["impressions"]


def _against_rest(seen: _Seen, segment: str, arm: str, first: date, measure: str) -> tuple[float, float]:
    """What an arm earned in a week, and what its impressions would have earned at the rest's rate of the same days."""
    earned = expected = 0.0
    for day in (first + timedelta(days=i) for i in range(foresee.WEEK)):
        own, whole = seen.arms.get((segment, arm, day)), seen.segments.get((segment, day))
        if own is None or whole is None:
            continue
        shown = whole["impressions"] - own["impressions"]
        if shown > 0:
            count = float(own[COUNTED[measure]] or 0)
            earned += count
            expected += own["impressions"] * (whole[COUNTED[measure]] - count) / shown
    return earned, expected


def _lost(basis: Basis | None, wear: Wear | None, segment: str, arm: str, *, late: int) -> float | None:
    """The loss on the day that was spoken of, as estimated from everything known now: nobody ever sees it itself."""
    row = basis.known.row.get((segment, arm)) if basis else None
    if basis is None or wear is None or row is None or not basis.known.days_served[row]:
        return None
    return wear.loss(row, max(float(basis.model.age_today[row]) - late, 0.0), 0.5)
