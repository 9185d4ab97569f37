"""The charts of a rehearsal: lift over nights by market, and one small panel per scenario on one common scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dco.reports import charts, words
from dco.reports.rehearsal_facts import Outlook, Row
from dco.reports.theme import LIGHT, SERIES
from dco.simulate.rehearsal import NULL
from dco.simulate.rehearsal_summary import Summary

SIMULATED = "Every line is simulated; no real person saw an ad"
WIDE, TALL = 640, 300
SMALL, LOW = 220, 110
PER_CENT = "(datum.value>0?'+':'')+replace(format(datum.value*100,'~g'),'-','\u2212')+' %'"


def by_market(o: Outlook) -> str:
    """The campaign as planned: mean lift after each night, 80 % of the runs in the band, one colour per market."""
    colours = dict(zip([m for m in o.markets if m != NULL], SERIES * 3)) | {NULL: "hold"}
    rows, ends = [], []
    for k, (name, (told, s)) in enumerate(o.markets.items()):
        rows += [r | {"k": k, "c": LIGHT[colours[name]]} for r in _curve(s)]
        ends.append({"n": len(s.mean), "y": float(s.mean[-1]), "t": told, "c": LIGHT[colours[name]]})
    low, high = _domain([s for _, s in o.markets.values()])
    x, y = _axes(o.nights, (low, high), WIDE, "cumulative lift over an equal split, net of creatives")
    base = alt.Chart(charts._data(rows))
    colour = alt.Color("c:N", scale=None)
    bands = base.mark_area(opacity=0.13).encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q", color=colour, detail="k:N")
    lines = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, detail="k:N")
    apart = (high - low) * 15 / TALL
    names = (
        alt.Chart(charts._data(_spread(ends, apart)))
        .mark_text(align="left", dx=6, fontSize=11)
        .encode(x="n:Q", y="y:Q", text="t:N", color=colour)
    )
    title = charts._title(
        "As planned, in unlike markets", "Lines: mean of the runs. Bands: 80 % of the runs.", None
    )
    title.subtitle = [*title.subtitle, SIMULATED]
    chart = alt.layer(bands, _zero(), lines, names).properties(width=WIDE, height=TALL, title=title)
    told = "; ".join(f"{told}: {words.signed_percent(s.lift[0])}" for told, s in o.markets.values())
    return charts._svg(chart, "markets", f"Simulated lift after {words.plural(o.nights, 'night')}. {told}.")


def by_scenario(o: Outlook) -> list[str]:
    """One panel per scenario: its mean and band over all markets where ads differ, the plan's mean dashed beside it."""
    domain = _domain([r.together for r in o.rows])
    return [_panel(row, o, domain, f"scenario{i}") for i, row in enumerate(o.rows)]


def _panel(row: Row, o: Outlook, domain: tuple[float, float], ident: str) -> str:
    nights = max(r.scenario.nights for r in o.rows)
    x, y = _axes(nights, domain, SMALL, None)
    base = alt.Chart(charts._data(_curve(row.together)))
    plan = alt.Chart(charts._data(_curve(o.plan.together)))
    parts = [
        base.mark_area(opacity=0.18, color=LIGHT["c1"]).encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q"),
        _zero(),
        plan.mark_line(strokeWidth=1.2, strokeDash=[3, 3], color=LIGHT["hold"]).encode(x=x, y=y),
        base.mark_line(strokeWidth=2, color=LIGHT["c1"]).encode(x=x, y=y),
    ]
    told = words.signed_percent(row.together.lift[0])
    title = charts._title(
        row.label, f"{told} after {words.plural(row.scenario.nights, 'night')}, simulated", None
    )
    chart = alt.layer(*parts).properties(width=SMALL, height=LOW, title=title)
    return charts._svg(chart, ident, f"{row.label}: simulated lift {told}, all markets where ads differ.")


def _curve(s: Summary) -> list[dict[str, Any]]:
    return [
        {"n": n, "y": float(m), "lo": float(a), "hi": float(b)}
        for n, (m, a, b) in enumerate(zip(s.mean, s.low, s.high, strict=True), 1)
    ]


def _domain(summaries: Sequence[Summary]) -> tuple[float, float]:
    low = min(0.0, *(float(s.low.min()) for s in summaries))
    high = max(0.05, *(float(s.high.max()) for s in summaries))
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _axes(nights: int, domain: tuple[float, float], width: int, title: str | None) -> tuple[alt.X, alt.Y]:
    x = alt.X(
        "n:Q",
        scale=alt.Scale(domain=[1, max(nights, 2)], nice=False),
        axis=alt.Axis(
            title="nights" if title else None, grid=False, tickMinStep=1, tickCount=max(2, width // 70)
        ),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=list(domain), nice=False),
        axis=alt.Axis(title=title, tickCount=5 if title else 3, labelExpr=PER_CENT),
    )
    return x, y


def _zero() -> alt.Chart:
    return alt.Chart(charts._data([{"z": 0}])).mark_rule(color=LIGHT["muted"]).encode(y="z:Q")


def _spread(ends: list[dict[str, Any]], apart: float) -> list[dict[str, Any]]:
    """Names at the right edge, moved up just as far as they would overlap."""
    out: list[dict[str, Any]] = []
    for end in sorted(ends, key=lambda e: float(e["y"])):
        y = max(end["y"], out[-1]["y"] + apart) if out else end["y"]
        out.append(end | {"y": float(np.round(y, 6))})
    return out
