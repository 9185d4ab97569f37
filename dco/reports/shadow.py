"""The shadow page: what the engine would have done with the past, and what that is worth, as far as it can be told.

Like the campaign report it is one self-contained HTML text; `table` is the same for a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from dco.records import MICROS
from dco.reports import charts, shadow_charts, words
from dco.reports import shadow_words as told
from dco.reports.campaign import environment
from dco.reports.charts import Band
from dco.reports.shadow_facts import ShadowReport
from dco.reports.theme import SERIES, css_variables

__all__ = ["ShadowReport", "render", "table"]

PANELS = 6
"""Segments that get charts; the others differ less."""
ROWS = 60
LEVERS = {
    "served": "our own decisions, drawn at random",
    "rotation": "weighted rotation, drawn at random",
    "budget": "money split over ad sets",
    "switch": "on or off only, the platform chooses",
}


@dataclass(frozen=True)
class Line:
    """One ad over all decided days."""

    segment: str
    label: str
    impressions: int
    served: float
    engine: float
    last: float
    """The engine's share on the last day on which the segment was decided."""


def lines(report: ShadowReport) -> list[Line]:
    """Every ad of the replay, segments in order of what would have moved, ads by impressions."""
    total: dict[tuple[str, date], int] = {}
    for row in report.worth.arm_days:
        total[row.segment, row.day] = total.get((row.segment, row.day), 0) + row.impressions
    of_segment: dict[str, int] = {}
    last: dict[str, date] = {}
    for (segment, day), n in total.items():
        of_segment[segment] = of_segment.get(segment, 0) + n
        last[segment] = max(day, last.get(segment, day))
    shown: dict[tuple[str, str], list[float]] = {}
    for row in report.worth.arm_days:
        sums = shown.setdefault((row.segment, row.arm_id), [0.0, 0.0, 0.0])
        sums[0] += row.impressions
        sums[1] += row.engine * total[row.segment, row.day]
        sums[2] += row.engine if row.day == last[row.segment] else 0.0
    found = [
        Line(s, report.labels.get(a, a), int(n), n / of_segment[s], w / of_segment[s], end)
        for (s, a), (n, w, end) in shown.items()
    ]
    rank = {s: i for i, s in enumerate(by_difference(report))}
    return sorted(found, key=lambda line: (rank[line.segment], -line.impressions, line.label))


def by_difference(report: ShadowReport) -> list[str]:
    """Segments, the one in which most impressions would have gone elsewhere first."""
    moved: dict[str, float] = dict.fromkeys(report.segments, 0.0)
    total: dict[tuple[str, date], int] = {}
    for row in report.worth.arm_days:
        total[row.segment, row.day] = total.get((row.segment, row.day), 0) + row.impressions
    for row in report.worth.arm_days:
        moved[row.segment] += abs(row.engine - row.served) * total[row.segment, row.day]
    return sorted(moved, key=lambda s: (-moved[s], s))


def table(report: ShadowReport) -> str:
    """The findings for a terminal."""
    text = [*([f"SIMULATED MARKET: {report.simulated}", ""] if report.simulated else []), opening(report), ""]
    shown = lines(report)
    wide = max([len(_cut(line.label)) for line in shown] or [0])
    for segment in dict.fromkeys(line.segment for line in shown[:ROWS]):
        text.append(f"{words.pretty(segment):<{wide + 2}}  impressions   served   engine   last night")
        text += [
            f"  {_cut(line.label):<{wide}}  {words.count(line.impressions):>11}  {words.share(line.served):>7}  "
            f"{words.share(line.engine):>7}  {words.share(line.last):>11}"
            for line in shown[:ROWS]
            if line.segment == segment
        ]
    if len(shown) > ROWS:
        text.append(f"  ({len(shown) - ROWS} more ads with --json)")
    text += ["", "What it would have done differently", *(f"- {s}" for s in differences(report))]
    text += ["", "What that would have earned"]
    for v in report.worth.valued or (None,):
        name = f" ({', '.join(v.placements)})" if v and len(report.worth.valued) > 1 else ""
        text += [f"- {s}" for s in told.verdict(report, v)]
        text[-1] += name
    text += ["", "How to read this", *(f"- {s}" for s in told.caveats(report))]
    return "\n".join(text)


def opening(report: ShadowReport) -> str:
    """What was replayed, in one sentence."""
    shown = sum(row.impressions for row in report.worth.arm_days)
    ads = len({(row.segment, row.arm_id) for row in report.worth.arm_days})
    where = words.plural(len(report.segments), "audience")
    source = words.plural(len(report.sources), "report file") if report.sources else "the ledger"
    return (
        f"{words.plural(len(report.nights), 'night')} replayed from {source}, {words.days(report.first_day, report.last_day)}: "
        f"{words.plural(ads, 'ad')} in {where}, {words.count(shown)} impressions. Nothing was published or changed."
    )


def differences(report: ShadowReport) -> list[str]:
    """The largest differences, or that there are none."""
    return told.told_moves(report) or [
        "It would have done nearly the same: no ad's share would have differed much."
    ]


def render(report: ShadowReport) -> str:
    """The page as one HTML text. Equal inputs give equal text."""
    page = environment().get_template("shadow.html.j2").render(_context(report))
    return re.sub(r"(\d) %", "\\1\u00a0%", page)


def _context(report: ShadowReport) -> dict[str, Any]:
    valued = report.valued
    shown = lines(report)
    return {
        "r": report,
        "css": Markup(css_variables()),
        "opening": opening(report),
        "figure": told.headline(report),
        "known": not told.headline(report)[0].isalpha(),
        "interval": told.interval(report),
        "strip": _strip(report),
        "label": _label(report),
        "meaning": told.verdict(report, valued)[0],
        "verdicts": [(v.placements, told.verdict(report, v)) for v in report.worth.valued],
        "differences": differences(report),
        "segments": by_difference(report)[:PANELS],
        "left_out": max(len(report.segments) - PANELS, 0),
        "panels": {s: _panels(report, s, f"p{i}") for i, s in enumerate(by_difference(report)[:PANELS])},
        "legends": {s: _legend(report, s) for s in by_difference(report)[:PANELS]},
        "cumulated": _cumulated(report),
        "lines": shown[:ROWS],
        "more_lines": max(len(shown) - ROWS, 0),
        "checks": _checks(report),
        "caveats": told.caveats(report),
        "levers": [(placement, LEVERS[lever]) for placement, lever in sorted(report.levers.items())],
        "share": words.share,
        "days": words.days(report.first_day, report.last_day),
    }


def _label(report: ShadowReport) -> str:
    what = {"clicks": "clicks", "conversions": "conversions", "revenue_micros": "revenue"}[
        report.worth.measure
    ]
    licence = report.licence
    sure = {
        "randomised": "caused",
        "budgeted": "mix-adjusted at best",
        "platform-chosen": "described",
        None: "",
    }[licence]
    where = (
        f" on {words.listed(report.valued.placements)}"
        if report.valued and len(report.worth.valued) > 1
        else ""
    )
    return f"Against the split that was served{where}, in {what}{', ' + sure if sure else ''}"


def _strip(report: ShadowReport) -> Markup:
    value = report.valued.value if report.valued else None
    if value is None or value.doubt:
        return Markup("")
    ends = [value.low, value.high, 0.0]
    margin = 0.15 * ((max(ends) - min(ends)) or 1.0)
    domain = (min(ends) - margin, max(ends) + margin)
    return Markup(charts.strip(value.low, value.gain, value.high, domain, named=True))


def _bands(report: ShadowReport, segment: str, *, engine: bool) -> list[Band]:
    """The six ads that matter most in either split get colours, the same in both; all others share one."""
    days = (report.last_day - report.first_day).days + 1
    by_arm: dict[str, list[float]] = {}
    weight: dict[str, float] = {}
    for row in report.worth.arm_days:
        if row.segment == segment:
            at = (row.day - report.first_day).days
            by_arm.setdefault(row.arm_id, [0.0] * days)[at] = row.engine if engine else row.served
            weight[row.arm_id] = weight.get(row.arm_id, 0.0) + max(row.engine, row.served)
    order = sorted(weight, key=lambda a: (-weight[a], a))
    named = order[: len(SERIES)]
    found = [Band(report.labels.get(a, a), tuple(by_arm[a]), c) for a, c in zip(named, SERIES)]
    rest = [by_arm[a] for a in order[len(SERIES) :]]
    if rest:
        label = words.plural(len(rest), "other ad")
        found.append(Band(label, tuple(sum(column) for column in zip(*rest)), "rest"))
    return found[::-1]


def _legend(report: ShadowReport, segment: str) -> list[tuple[str, str]]:
    """(colour, ad), the ad that matters most first."""
    return [(b.colour, b.label) for b in _bands(report, segment, engine=True)[::-1]]


def _panels(report: ShadowReport, segment: str, ident: str) -> tuple[Markup, Markup]:
    days = (report.last_day - report.first_day).days + 1
    made = []
    for name, engine in (("As it was served", False), ("As the engine would have split it", True)):
        bands = _bands(report, segment, engine=engine)
        made.append(
            Markup(
                shadow_charts.split(
                    report.first_day, days, bands, title=name, subtitle=f"share of {words.pretty(segment)}",
                    ident=f"{ident}{'e' if engine else 's'}", simulated=report.simulated,
                )
            )
        )  # fmt: skip
    return made[0], made[1]


def _cumulated(report: ShadowReport) -> Markup:
    valued = report.valued
    value = valued.value if valued else None
    if value is None or value.doubt:
        return Markup("")
    money = report.worth.measure == "revenue_micros"
    scaled: list[Sequence[float]] = [
        [x / (MICROS if money else 1) for x in column]
        for column in (value.cumulated, value.cumulated_low, value.cumulated_high)
    ]
    first = report.first_day.toordinal()
    what = "revenue, " + report.currency if money else report.worth.measure
    return Markup(
        shadow_charts.cumulated(
            report.first_day, [d - first for d in value.days], *scaled,
            title="Difference so far", subtitle=f"engine's split minus the one served, {100 * value.level:.0f} % band by day",
            axis=what, ident="cum", simulated=report.simulated,
        )
    )  # fmt: skip


def _checks(report: ShadowReport) -> list[tuple[str, str, str]]:
    """Other estimators beside the one told, and what the estimate rests on."""
    valued = report.valued
    value = valued.value if valued else None
    if valued is None or value is None or value.doubt:
        return []
    rows = [
        (
            "Day by day (the one told)",
            words.change(value.gain, value.low, value.high),
            "rates of the same day",
        )
    ]
    names = {"ips": "Inverse propensity", "snips": "Self-normalised", "dr": "Doubly robust"}
    rows += [
        (
            names[k],
            words.change(c.value, c.low, c.high),
            f"{valued.propensities} shares, errors from whole days",
        )
        for k, c in value.checks.items()
    ]
    rows.append(
        ("Effective rewarded impressions", words.count(round(value.rewarded)), "50 are needed for a verdict")
    )
    rows.append(("Of its split really shown", words.share(value.support), "95 % are needed for a verdict"))
    return rows


def _cut(label: str) -> str:
    return label if len(label) <= 40 else label[:39] + "…"
