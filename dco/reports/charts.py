"""Charts as SVG strings: Altair for what is statistical, one theme, no clock, no zone, no network.

Days are drawn as whole numbers with ready-made labels: a time axis would depend on the zone of the machine. Every
function returns one `<svg>` whose colours are the page's CSS variables and whose ids are unique to its `ident`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import altair as alt
import vl_convert

from dco.reports import words
from dco.reports.theme import LIGHT, SANS, use_variables

PANEL_WIDTH = 400
"""Natural width of a panel in px: panels stand beside each other on a desk and one by one on a phone, unscaled."""

_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": SANS,
    "padding": {"left": 2, "right": 10, "top": 2, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "labelColor": LIGHT["muted"],
        "titleColor": LIGHT["muted"],
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": LIGHT["line"],
        "domainColor": LIGHT["line"],
        "tickColor": LIGHT["line"],
    },
    "axisX": {"labelFlush": True},
    "title": {
        "anchor": "start",
        "color": LIGHT["ink"],
        "subtitleColor": LIGHT["muted"],
        "fontSize": 13,
        "fontWeight": 600,
        "subtitleFontSize": 11,
        "offset": 8,
    },
}


@dataclass(frozen=True, slots=True)
class Span:
    """One row of an interval plot: a point with an interval, and a note at the right edge."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    colour: str = "accent"


@dataclass(frozen=True, slots=True)
class Band:
    """One ad's layer in a stacked area: its share on each day of the axis, fractions."""

    label: str
    shares: tuple[float, ...]
    colour: str


def _specification(chart: Any) -> dict[str, Any]:
    """The chart as Vega-Lite, unchecked: the check costs as much as the drawing, and the tests draw with it on."""
    return chart.to_dict(validate=False)  # type: ignore[no-any-return]


def _svg(chart: Any, ident: str, alt_text: str) -> str:
    """Render an Altair chart, then make it fit for a page: fluid width, own ids, CSS colours, a name for screen readers."""
    svg = vl_convert.vegalite_to_svg(_specification(chart), config=_CONFIG)
    width = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    _, _, body = svg.partition(">")
    box = re.search(r'viewBox="[^"]*"', svg)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box[0] if box else ""} role="img" '
        f'aria-label="{html.escape(alt_text)}" '
        f'style="width:100%;max-width:{width[1] if width else PANEL_WIDTH}px;height:auto">{body}'
    )
    seen: dict[str, str] = {}
    for name in re.findall(r'id="([^"]+)"', svg):
        seen.setdefault(name, f"{ident}-{len(seen)}")
    for name, new in seen.items():
        svg = svg.replace(f'id="{name}"', f'id="{new}"').replace(f"url(#{name})", f"url(#{new})")
    svg = re.sub(r' (role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-hidden="true")', "", svg)
    return use_variables(svg)


def _data(rows: Sequence[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=list(rows))


def _title(title: str, subtitle: str, simulated: str | None) -> alt.TitleParams:
    lines = ([subtitle] if subtitle else []) + ([f"Simulated market: {simulated}"] if simulated else [])
    return alt.TitleParams(title, subtitle=lines) if lines else alt.TitleParams(title)


def _day_axis(first: date, n_days: int, width: int) -> alt.Axis:
    step = max(1, -(-n_days // max(2, width // 80)))
    labels = [words.short_day(first + timedelta(days=i)) for i in range(n_days + 1)]
    return alt.Axis(
        title=None,
        grid=False,
        values=list(range(0, n_days + 1, step)),
        labelExpr=f"{json.dumps(labels)}[datum.value]",
    )


def shares_over_time(
    first: date,
    bands: Sequence[Band],
    holdout: Sequence[float],
    *,
    title: str,
    ident: str,
    simulated: str | None = None,
) -> str:
    """Stacked shares of one segment by day, the holdout at the bottom, hatched and named.

    Args:
        first: first day of the axis; day i of every band is `first + i`.
        bands: optimised share per ad, drawn from the bottom up above the holdout.
        holdout: share of the untouched holdout by day.
    """
    n = len(holdout)
    rows = []
    base = list(holdout)
    layers = [("holdout", "hold", [0.0] * n, list(holdout))]
    for band in bands:
        top = [b + s for b, s in zip(base, band.shares, strict=True)]
        layers.append((band.label, band.colour, base, top))
        base = top
    for order, (label, colour, low, high) in enumerate(layers):
        # A share holds for its whole day: the last day needs an end of its own.
        for i in range(n + 1):
            j = min(i, n - 1)
            rows.append({"i": i, "k": order, "c": LIGHT[colour], "a": low[j], "b": high[j], "label": label})
    x = alt.X("i:Q", axis=_day_axis(first, n, PANEL_WIDTH - 60), scale=alt.Scale(domain=[0, n], nice=False))
    y = alt.Y(
        "a:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(
            format="%", values=[0, 0.25, 0.5, 0.75, 1], grid=False, labelExpr="datum.value*100+' %'"
        ),
    )
    areas = (
        alt.Chart(_data(rows))
        .mark_area(interpolate="step-after", stroke=LIGHT["paper"], strokeWidth=0.8)
        .encode(x=x, y=y, y2="b:Q", detail="k:N", color=alt.Color("c:N", scale=None))
    )
    marks = [
        {"i": n, "m": (lo[-1] + hi[-1]) / 2, "t": label}
        for label, _, lo, hi in layers
        if hi[-1] - lo[-1] >= 0.045 and label != "holdout"
    ]
    if holdout[-1] > 0.02:
        marks.append({"i": n, "m": holdout[-1] / 2, "t": "holdout"})
    names = (
        alt.Chart(_data(marks or [{"i": n, "m": 0.5, "t": ""}]))
        .mark_text(align="left", dx=5, fontSize=11, color=LIGHT["ink"])
        .encode(x="i:Q", y="m:Q", text="t:N")
    )
    chart = (areas + names).properties(
        width=PANEL_WIDTH - 100, height=230, title=_title(title, "share of the segment's traffic", simulated)
    )
    last = words.listed(
        [f"{b.label} {words.share(b.shares[-1])}" for b in bands if b.shares[-1] >= 0.005][::-1]
    )
    alt_text = f"{title}: shares of traffic by day since {words.day(first)}. On the last day: holdout {words.share(holdout[-1])}"
    return _hatched(_svg(chart, ident, f"{alt_text}{', ' + last if last else ''}."), ident)


def _hatched(svg: str, ident: str) -> str:
    pattern = (
        f'<defs><pattern id="{ident}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="var(--card)"/>'
        '<line x1="0" y1="0" x2="0" y2="6" stroke="var(--hold)" stroke-width="2"/></pattern></defs>'
    )
    svg = svg.replace('fill="var(--hold)"', f'fill="url(#{ident}-hatch)"')
    return svg.replace(">", ">" + pattern, 1)


def intervals(
    spans: Sequence[Span],
    *,
    title: str,
    subtitle: str,
    axis: str,
    ident: str,
    simulated: str | None = None,
    zero: bool = False,
    reference: tuple[float, str] | None = None,
    width: int = PANEL_WIDTH,
    percent: bool = False,
) -> str:
    """Dot plot with intervals, one row per span, top to bottom. Rows without a value show their note alone.

    Args:
        zero: draw a line at zero (for effects) and keep it in view.
        reference: a dashed line at this value, named under the axis title.
        percent: the axis is a relative change, drawn with a per-cent sign.
    """
    rows = []
    for order, span in enumerate(spans):
        row: dict[str, Any] = {"k": order, "label": span.label, "c": LIGHT[span.colour], "note": span.note}
        for key, value in (("v", span.value), ("lo", span.low), ("hi", span.high)):
            row[key] = value if words.known(value) else None
        rows.append(row)
    ends = [r[k] for r in rows for k in ("v", "lo", "hi") if r[k] is not None]
    ends += [0.0] if zero or not ends else []
    ends += [reference[0]] if reference else []
    pad = 0.04 * ((max(ends) - min(ends)) or abs(max(ends)) or 1.0)
    domain = [min(ends) - pad, max(ends) + pad]
    left = max((len(s.label) for s in spans), default=4) * 6.2 + 8
    right = max((len(s.note) for s in spans), default=0) * 6.2 + 8
    inner = max(120, width - left - right)
    names = json.dumps([s.label for s in spans])
    y = alt.Y(
        "k:O",
        title=None,
        sort=None,
        axis=alt.Axis(
            labelExpr=f"{names}[datum.value]",
            ticks=False,
            domain=False,
            labelColor=LIGHT["ink"],
            labelLimit=0,
            labelPadding=8,
            labelFontSize=11.5,
            minExtent=left,
        ),
    )
    x_axis = alt.Axis(title=axis, tickCount=4, labelOverlap=True)
    if percent:
        x_axis = alt.Axis(
            title=axis,
            tickCount=4,
            labelOverlap=True,
            labelExpr="(datum.value>0?'+':'')+replace(format(datum.value*100,'~g'),'-','\u2212')+' %'",
        )
    x = alt.X("v:Q", scale=alt.Scale(domain=domain, nice=False, zero=False), axis=x_axis)
    base = alt.Chart(_data(rows))
    parts: list[alt.Chart] = []
    if zero:
        parts.append(alt.Chart(_data([{"z": 0}])).mark_rule(color=LIGHT["muted"]).encode(x="z:Q"))
    if reference:
        mark = alt.Chart(_data([{"z": reference[0]}])).mark_rule(color=LIGHT["hold"], strokeDash=[3, 3])
        parts.append(mark.encode(x="z:Q"))
    colour = alt.Color("c:N", scale=None)
    seen = base.transform_filter("isValid(datum.lo)")
    parts.append(
        seen.mark_rule(strokeWidth=2.4, opacity=0.75).encode(x=alt.X("lo:Q"), x2="hi:Q", y=y, color=colour)
    )
    parts.append(
        base.transform_filter("isValid(datum.v)")
        .mark_circle(size=75, opacity=1, stroke=LIGHT["paper"], strokeWidth=1)
        .encode(x=x, y=y, color=colour)
    )
    parts.append(
        base.mark_text(align="left", dx=8, fontSize=11.5, color=LIGHT["ink"]).encode(
            x=alt.value(inner), y=y, text="note:N"
        )
    )
    chart = alt.layer(*parts).properties(
        width=inner, height=max(46, 26 * len(spans)), title=_title(title, subtitle, simulated)
    )
    told = "; ".join(f"{s.label}: {s.note}" if s.note else s.label for s in spans)
    return _svg(chart, ident, f"{title}. {subtitle}. {told}.")


def daily(
    first: date,
    values: Sequence[float | None],
    unsettled: Sequence[bool],
    *,
    title: str,
    subtitle: str,
    axis: str,
    ident: str,
    simulated: str | None = None,
) -> str:
    """A KPI by day: line and points; days still unsettled are hollow. None leaves a gap."""
    rows = [
        {"i": i, "v": v, "f": LIGHT["paper"] if open_ else LIGHT["accent"]}
        for i, (v, open_) in enumerate(zip(values, unsettled, strict=True))
        if v is not None and words.known(v)
    ]
    n = len(values)
    x = alt.X(
        "i:Q",
        axis=_day_axis(first, max(1, n - 1), PANEL_WIDTH),
        scale=alt.Scale(domain=[0, max(1, n - 1)], nice=False),
    )
    y = alt.Y("v:Q", title=axis, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
    base = alt.Chart(_data(rows or [{"i": 0, "v": None, "f": LIGHT["paper"]}]))
    line = base.mark_line(color=LIGHT["accent"], strokeWidth=1.8).encode(x=x, y=y)
    dots = base.mark_circle(size=46, opacity=1, stroke=LIGHT["accent"], strokeWidth=1.6).encode(
        x=x, y=y, color=alt.Color("f:N", scale=None)
    )
    chart = (line + dots).properties(
        width=PANEL_WIDTH - 70, height=170, title=_title(title, subtitle, simulated)
    )
    return _svg(
        chart, ident, f"{title}, {subtitle}, from {words.day(first)}, {words.plural(len(rows), 'day')}."
    )


def stacked_bars(
    first: date,
    series: Sequence[tuple[str, Sequence[float]]],
    *,
    title: str,
    subtitle: str,
    axis: str,
    ident: str,
    simulated: str | None = None,
) -> str:
    """Bars by day, stacked by kind; at most six kinds get a colour of their own."""
    rows, n = [], len(series[0][1]) if series else 1
    base = [0.0] * n
    for order, (label, values) in enumerate(series):
        colour = LIGHT[f"c{order + 1}" if order < 6 else "rest"]
        for i, v in enumerate(values):
            rows.append(
                {"i": i + 0.15, "j": i + 0.85, "a": base[i], "b": base[i] + v, "c": colour, "k": label}
            )
        base = [b + v for b, v in zip(base, values, strict=True)]
    x = alt.X("i:Q", axis=_day_axis(first, n, PANEL_WIDTH), scale=alt.Scale(domain=[0, n], nice=False))
    chart = (
        alt.Chart(_data(rows or [{"i": 0, "j": 0, "a": 0, "b": 0, "c": LIGHT["rest"], "k": ""}]))
        .mark_rect()
        .encode(
            x=x,
            x2="j:Q",
            y=alt.Y("a:Q", title=axis, axis=alt.Axis(tickCount=4)),
            y2="b:Q",
            color=alt.Color("c:N", scale=None),
        )
        .properties(width=PANEL_WIDTH - 70, height=170, title=_title(title, subtitle, simulated))
    )
    return _svg(chart, ident, f"{title}, {subtitle}, by day from {words.day(first)}.")


def strip(
    low: float | None,
    value: float | None,
    high: float | None,
    domain: tuple[float, float],
    *,
    colour: str = "accent",
    named: bool = False,
) -> str:
    """A small interval for a table cell, hand-drawn, zero marked when inside `domain` and, if `named`, labelled.
    Decorative: the figures stand beside it in text."""
    a, b = domain
    at = lambda v: 4 + 112 * (min(max(v, a), b) - a) / ((b - a) or 1.0)  # noqa: E731
    parts = ['<line x1="4" x2="116" y1="9" y2="9" stroke="var(--line)"/>']
    if a < 0 < b:
        parts.append(f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="2" y2="16" stroke="var(--muted)"/>')
    if named and a <= 0 <= b:
        parts.append(f'<text x="{at(0):.1f}" y="26" text-anchor="middle">0 %</text>')
    if low is not None and high is not None and words.known(low) and words.known(high):
        parts.append(
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="9" y2="9" stroke="var(--{colour})" stroke-width="3"/>'
        )
    if value is not None and words.known(value):
        parts.append(f'<circle cx="{at(value):.1f}" cy="9" r="4.5" fill="var(--{colour})"/>')
    return f'<svg class="strip" viewBox="0 0 120 {28 if named else 18}" aria-hidden="true">{"".join(parts)}</svg>'
