"""Charts of a shadow: the split that was served beside the engine's, and the difference it would have made, with its band."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import altair as alt

from dco.reports import charts, words
from dco.reports.charts import PANEL_WIDTH, Band
from dco.reports.theme import LIGHT


def split(
    first: date,
    n_days: int,
    bands: Sequence[Band],
    *,
    title: str,
    subtitle: str,
    ident: str,
    simulated: str | None = None,
) -> str:
    """Stacked shares of one segment by day; a day on which nothing was decided or shown is a gap.

    The page names the colours once for both splits.
    """
    rows = []
    base = [0.0] * n_days
    for order, band in enumerate(bands):
        top = [b + s for b, s in zip(base, band.shares, strict=True)]
        for i, (low, high) in enumerate(zip(base, top, strict=True)):
            if high > low:
                rows.append({"i": i, "j": i + 1, "a": low, "b": high, "k": order, "c": LIGHT[band.colour]})
        base = top
    x = alt.X(
        "i:Q",
        axis=charts._day_axis(first, n_days, PANEL_WIDTH - 50),
        scale=alt.Scale(domain=[0, n_days], nice=False),
    )
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], grid=False, labelExpr="datum.value*100+' %'")
    y = alt.Y("a:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=axis)
    nothing = {"i": 0, "j": 0, "a": 0, "b": 0, "k": 0, "c": LIGHT["rest"]}
    chart = (
        alt.Chart(charts._data(rows or [nothing]))
        .mark_rect(stroke=LIGHT["paper"], strokeWidth=0.4)
        .encode(x=x, x2="j:Q", y=y, y2="b:Q", color=alt.Color("c:N", scale=None))
        .properties(width=PANEL_WIDTH - 50, height=210, title=charts._title(title, subtitle, simulated))
    )
    last = words.listed(
        [f"{b.label} {words.share(b.shares[-1])}" for b in bands if b.shares[-1] >= 0.005][::-1]
    )
    told = f" On the last day: {last}." if last else ""
    return charts._svg(chart, ident, f"{title}, {subtitle}, by day since {words.day(first)}.{told}")


def cumulated(
    first: date,
    days: Sequence[int],
    values: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    title: str,
    subtitle: str,
    axis: str,
    ident: str,
    simulated: str | None = None,
) -> str:
    """What the other split would have earned more, added up; days are offsets from `first`. The line starts at 0."""
    ends = [{"i": 0, "v": 0.0, "lo": 0.0, "hi": 0.0}]
    rows = ends + [
        {"i": d + 1, "v": v, "lo": a, "hi": b} for d, v, a, b in zip(days, values, low, high, strict=True)
    ]
    n = rows[-1]["i"]
    x = alt.X("i:Q", axis=charts._day_axis(first, int(n), 640), scale=alt.Scale(domain=[0, n], nice=False))
    y = alt.Y(
        "lo:Q",
        title=axis,
        axis=alt.Axis(tickCount=5, labelExpr="(datum.value>0?'+':'')+format(datum.value,',')"),
    )
    base = alt.Chart(charts._data(rows))
    band = base.mark_area(color=LIGHT["accent"], opacity=0.18).encode(x=x, y=y, y2="hi:Q")
    line = base.mark_line(color=LIGHT["accent"], strokeWidth=2).encode(x=x, y="v:Q")
    zero = alt.Chart(charts._data([{"z": 0}])).mark_rule(color=LIGHT["muted"]).encode(y="z:Q")
    chart = alt.layer(band, zero, line).properties(
        width=640, height=230, title=charts._title(title, subtitle, simulated)
    )
    told = f"{title}: {words.count(round(values[-1]))} in the end, between {words.count(round(low[-1]))} and {words.count(round(high[-1]))}"
    return charts._svg(chart, ident, f"{told}.")
