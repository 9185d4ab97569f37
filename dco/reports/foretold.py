"""How good our forecasts were: what nights said in advance, graded by what came, and what is too early to grade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import numpy as np
from markupsafe import Markup

from dco.reports import words
from dco.reports.charts import PANEL_WIDTH, _data, _day_axis, _svg, _title
from dco.reports.facts import ForecastRow
from dco.reports.reading import Reading
from dco.reports.theme import LIGHT
from dco.reports.words import pretty
from dco.stats import grading

LEVEL = 0.8
"""What every forecast interval promises."""
DAYS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Spoken:
    """One forecast with its ends put together; `outcome` None: not judged yet."""

    said_on: date
    subject: str
    measure: str
    low: float | None
    mid: float
    high: float | None
    outcome: float | None


def spoken(rows: Sequence[ForecastRow]) -> dict[str, list[Spoken]]:
    """Kind ('day', 'beats', 'gain', 'loss') -> forecasts in the order said. A name is kind.end.measure."""
    ends: dict[tuple[str, str, str, date, date], dict[str, ForecastRow]] = defaultdict(dict)
    for row in rows:
        kind, end, measure = [*row.name.split("."), "", ""][:3]
        ends[kind, measure, row.subject, row.said_on, row.due][end] = row
    found: dict[str, list[Spoken]] = defaultdict(list)
    for (kind, measure, subject, said_on, _), by_end in ends.items():
        mid = by_end.get("mid") or by_end.get("p")
        if mid is not None:
            low, high = (by_end[e].value if e in by_end else None for e in ("low", "high"))
            found[kind].append(Spoken(said_on, subject, measure, low, mid.value, high, mid.outcome))
    for one in found.values():
        one.sort(key=lambda s: (s.said_on, s.subject))
    return dict(found)


def forecasts(reading: Reading) -> dict[str, Any] | None:
    """The section's sentences, tables and charts; None when nothing was ever said."""
    kinds = spoken(reading.report.forecasts)
    if not kinds:
        return None
    judged = {k: [s for s in rows if s.outcome is not None] for k, rows in kinds.items()}
    return {
        "count": sum(map(len, kinds.values())),
        "judged": sum(map(len, judged.values())),
        "days": _days(judged.get("day", []), len(kinds.get("day", []))),
        "winners": _winners(judged.get("beats", []), len(kinds.get("beats", []))),
        "reliability": _reliability(judged.get("beats", [])),
        "gains": _gains(judged.get("gain", []), len(kinds.get("gain", []))),
        "losses": _losses(judged.get("loss", []), len(kinds.get("loss", []))),
        "charts": _charts(reading, kinds.get("day", [])),
        "next": _next(reading, kinds.get("day", [])),
    }


def _waiting(judged: int, said: int) -> str:
    return f"{words.plural(said, 'forecast was', 'forecasts were')} made and {judged or 'none'} can be judged so far"


def _came(rows: Sequence[Spoken]) -> list[float]:
    return [r.outcome for r in rows if r.outcome is not None]


def _cover(rows: Sequence[Spoken]) -> str:
    """'41 of 50 came inside their 80 % interval (82 %; 72 % to 90 %): as promised'."""
    low, high, came = np.array([(r.low, r.high, r.outcome) for r in rows], dtype=float).T
    c = grading.coverage(low, high, came, LEVEL)
    span = f"{words.share(c.low)} to {words.share(c.high)}"
    return f"{c.held} of {c.n} came inside their 80 % interval ({words.share(c.share)}; {span}): {c.verdict}"


def _days(rows: Sequence[Spoken], said: int) -> str:
    if len(rows) < grading.LEAST:
        return f"{_waiting(len(rows), said)}: too few to tell."
    b = grading.bias([1.0] * len(rows), [r.outcome / r.mid for r in rows if r.outcome is not None], [r.subject for r in rows])  # fmt: skip
    lean = f"On average the day was {words.change(b.bias, b.low, b.high)} from the middle of its forecast."
    return f"{words.sentence(_cover(rows))} {lean}"


def _winners(rows: Sequence[Spoken], said: int) -> str:
    if len(rows) < grading.LEAST:
        return f"{_waiting(len(rows), said)}: too few to tell."
    b = grading.brier([r.mid for r in rows], _came(rows), [r.subject for r in rows])
    better = "better than" if b.low > 0 else "worse than" if b.high < 0 else "not clearly better than"
    skill = f", {words.percent(b.skill, 2)} of its error removed" if b.skill is not None and b.low > 0 else ""
    return (
        f"Brier score {words.number(b.score, 2)} over {b.n} forecasts about {words.plural(b.subjects, 'ad')} (0 is perfect): {better} "
        f"always saying the {words.share(sum(r.outcome or 0 for r in rows) / len(rows))} that came true, which scores "
        f"{words.number(b.reference, 2)}{skill}."
    )


def _reliability(rows: Sequence[Spoken]) -> list[dict[str, str]]:
    if len(rows) < grading.LEAST:
        return []
    return [
        {
            "said": f"{words.share(r.above)} to {words.share(r.up_to)}",
            "n": words.count(r.n),
            "mean": words.share(r.said),
            "came": f"{words.share(r.came_true)} ({words.share(r.low)} to {words.share(r.high)})",
            "verdict": "as said"
            if r.low <= r.said <= r.high
            else "less often"
            if r.said > r.high
            else "more often",
        }
        for r in grading.reliability([r.mid for r in rows], _came(rows))
    ]


def _gains(rows: Sequence[Spoken], said: int) -> str:
    if len(rows) < grading.LEAST:
        return f"{_waiting(len(rows), said)}: too few to tell."
    b = grading.bias([r.mid for r in rows], _came(rows), [r.subject for r in rows])
    lean = "optimistic" if b.high < 0 else "pessimistic" if b.low > 0 else "not clearly off"
    return (
        f"New ads were expected to earn {words.signed_percent(b.said)} against the rest in their first week and earned "
        f"{words.signed_percent(b.came)}; off by {words.change(b.bias, b.low, b.high)}: {lean}. {words.sentence(_cover(rows))}"
    )


def _losses(rows: Sequence[Spoken], said: int) -> str:
    if len(rows) < grading.LEAST:
        return f"{_waiting(len(rows), said)}: too few to tell."
    return f"{words.sentence(_cover(rows))} Judged by what the data of two more weeks say; nobody ever sees a loss to wear itself."


def _next(reading: Reading, rows: Sequence[Spoken]) -> list[str]:
    """What the newest night expects of its day, per segment."""
    last = max((r.said_on for r in rows), default=None)
    scale, what = _unit(reading, rows[0].measure) if rows else (1.0, "")
    return [
        f"{pretty(r.subject).capitalize()}: {words.number(scale * r.mid)} {what} ({words.number(scale * r.low)} to "
        f"{words.number(scale * r.high)}) on {words.day(r.said_on)}."
        for r in rows
        if r.said_on == last and r.low is not None and r.high is not None
    ]


def _unit(reading: Reading, measure: str) -> tuple[float, str]:
    if measure == "clicks":
        return 100.0, "% click-through rate"
    return 1000.0, f"{measure} per 1,000 impressions" + (
        f" in {reading.view.currency}" if measure == "revenue" else ""
    )


def _charts(reading: Reading, rows: Sequence[Spoken]) -> list[Markup]:
    """Per segment: each day's 80 % interval as it was said the night before, and what was counted."""
    by_segment: dict[str, list[Spoken]] = defaultdict(list)
    for row in rows:
        by_segment[row.subject].append(row)
    out = []
    for i, segment in enumerate(s for s in reading.segments if len(by_segment[s]) >= 3):
        mine = by_segment[segment][-DAYS_SHOWN:]
        out.append(Markup(_band(reading, segment, mine, f"f{i}")))
    return out


def _band(reading: Reading, segment: str, rows: Sequence[Spoken], ident: str) -> str:
    first, last = rows[0].said_on, rows[-1].said_on
    scale, what = _unit(reading, rows[0].measure)
    points: list[Mapping[str, Any]] = [
        {
            "i": (r.said_on - first).days, "lo": scale * (r.low or 0), "hi": scale * (r.high or r.mid), "m": scale * r.mid,
            "y": None if r.outcome is None else scale * r.outcome,
            "c": LIGHT["warn"] if r.outcome is not None and not (r.low or 0) <= r.outcome <= (r.high or r.mid) else LIGHT["accent"],
        }
        for r in rows
    ]  # fmt: skip
    n = max((last - first).days, 1)
    x = alt.X(
        "i:Q", axis=_day_axis(first, n, PANEL_WIDTH - 60), scale=alt.Scale(domain=[-0.6, n + 0.6], nice=False)
    )
    y = alt.Y("lo:Q", title=what, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    base = alt.Chart(_data([dict(p) for p in points]))
    bars = base.mark_bar(size=min(12.0, 260 / (n + 1)), color=LIGHT["line"], opacity=1).encode(
        x=x, y=y, y2="hi:Q"
    )
    middle = base.mark_tick(
        orient="horizontal", size=min(12.0, 260 / (n + 1)), thickness=1.2, color=LIGHT["hold"]
    ).encode(x=x, y=alt.Y("m:Q", title=what))
    dots = (
        base.transform_filter("isValid(datum.y)")
        .mark_circle(size=46, opacity=1, stroke=LIGHT["paper"], strokeWidth=1)
        .encode(x=x, y=alt.Y("y:Q", title=what), color=alt.Color("c:N", scale=None))
    )
    judged = [p for p in points if p["y"] is not None]
    held = sum(p["lo"] <= p["y"] <= p["hi"] for p in judged)
    subtitle = "bars: 80 % interval said the night before; dots: counted"
    chart = (bars + middle + dots).properties(
        width=PANEL_WIDTH - 70,
        height=170,
        title=_title(pretty(segment).capitalize(), subtitle, reading.report.simulated),
    )
    told = f"{pretty(segment)}: {held} of {words.plural(len(judged), 'judged day')} came inside their 80 % interval."
    return _svg(chart, ident, told)
