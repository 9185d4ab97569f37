"""A rehearsal as one HTML page, as text for a terminal, and as a mapping for programs. All of it is simulated and says so."""

from __future__ import annotations

import math
import re
from typing import Any

from markupsafe import Markup

from dco.reports import rehearsal_charts, words
from dco.reports.campaign import environment
from dco.reports.rehearsal_facts import Outlook
from dco.reports.rehearsal_words import (
    HEADS,
    MARKET_HEADS,
    cells,
    market_cells,
    needed,
    sentences,
    span,
    tidy,
    tone,
    verdict,
)
from dco.reports.theme import css_variables
from dco.simulate.rehearsal_summary import Summary

LABEL = "SIMULATED"


def render(o: Outlook) -> str:
    """The page: self-contained, no script. Equal inputs give equal text."""
    ends = o.plan.cautious.lift
    page = (
        environment()
        .get_template("rehearsal.html.j2")
        .render(
            o=o,
            css=Markup(css_variables()),
            label=LABEL,
            tone=tone(o),
            verdict=verdict(o),
            figure=words.signed_percent(tidy(ends[0])),
            span=span(ends[1], ends[2]),
            more=sentences(o),
            chart=Markup(rehearsal_charts.by_market(o)),
            panels=[Markup(svg) for svg in rehearsal_charts.by_scenario(o)] if len(o.rows) > 1 else [],
            market_heads=MARKET_HEADS,
            markets=[(name, told, market_cells(name, o)) for name, (told, _) in o.markets.items()],
            heads=HEADS,
            rows=[(row.label, cells(row, o)) for row in o.rows],
            nights=words.plural(o.nights, "night"),
            runs=o.plan.together.runs,
            neighbour_runs=o.rows[-1].together.runs,
        )
    )
    # A per-cent sign never parts from its figure at the end of a line.
    return re.sub(r"(\d) %", "\\1\u00a0%", page)


def text(o: Outlook) -> str:
    """The whole answer for a terminal."""
    lines = [
        f"{LABEL}: rehearsal of {o.campaign}, {words.plural(o.nights, 'night')}, seed {o.seed}. No real person saw an ad.", "",
        verdict(o), *(f"  {s}" for s in sentences(o)), "",
    ]  # fmt: skip
    table = [(f"{told} ({name})", market_cells(name, o)) for name, (told, _) in o.markets.items()]
    lines += _table(f"{LABEL}, as planned", MARKET_HEADS, table)
    if len(o.rows) > 1:
        lines += ["", *_table(f"{LABEL}, scenarios", HEADS, [(r.label, cells(r, o)) for r in o.rows])]
    lines += [*(f"  not simulated: {line}" for line in o.left_out), "", "What it rests on"]
    width = max(len(b.name) for b in o.basis)
    lines += [
        f"  {b.name:<{width}}  {b.value}  [{b.source}{'; ' + b.note if b.note else ''}]" for b in o.basis
    ]
    return "\n".join(lines)


def _table(title: str, heads: tuple[tuple[str, str], ...], rows: list[tuple[str, list[str]]]) -> list[str]:
    first = max(len(title), *(len(name) + 2 for name, _ in rows))
    widths = [max(*map(len, h), *(len(r[i]) for _, r in rows)) for i, h in enumerate(heads)]
    out = [
        f"{title if k == 0 else '':<{first}}  "
        + "  ".join(f"{h[k]:>{w}}" for h, w in zip(heads, widths, strict=True))
        for k in (0, 1)
    ]
    for name, row in rows:
        out.append(
            f"  {name:<{first - 2}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True))
        )
    return out


def as_dict(o: Outlook) -> dict[str, Any]:
    """For programs: plain numbers; null where something was not reached or does not exist."""
    return {
        "simulated": True,
        "campaign": o.campaign, "kpi": o.kpi, "currency": o.currency, "seed": o.seed,
        "nights": o.nights, "flight": o.flight, "approval_nights": o.approval_nights, "holdout": o.holdout,
        "money_a_day": o.daily, "events_a_day": o.events, "event": o.unit,
        "verdict": {"tone": tone(o), "sentence": verdict(o), "more": sentences(o)},
        "planned_with": o.cautious,
        "markets": {
            name: {"words": told, "nights_needed": needed(o, name), **_summary(s)} for name, (told, s) in o.markets.items()
        },
        "scenarios": [
            {
                "label": r.label, "start": r.scenario.start, "new": r.scenario.new, "budget": r.scenario.budget,
                "nights": r.scenario.nights, "cautious": _summary(r.cautious), "together": _summary(r.together),
                "change": None if r.change is None else {
                    "points": _finite(r.change.points), "error": _finite(r.change.error), "runs": r.change.runs,
                    "clear": r.change.clear,
                },
                "creatives": r.creatives, "creation_cost": r.cost, "media_cost": r.media,
                "smallest_gain_shown": r.least, "shows_from": r.proved_from,
            }
            for r in o.rows
        ],
        "not_simulated": list(o.left_out),
        "basis": [{"name": b.name, "value": b.value, "source": b.source, "note": b.note} for b in o.basis],
    }  # fmt: skip


def _summary(s: Summary) -> dict[str, Any]:
    mean, low, high = s.lift
    return {
        "runs": s.runs, "lift": {"mean": mean, "low": low, "high": high}, "ahead": s.ahead, "ahead_from": s.ahead_from,
        "best_known_from": s.known_from, "best_known": s.right, "made": s.made,
        "by_night": {"mean": s.mean.tolist(), "low": s.low.tolist(), "high": s.high.tolist()},
    }  # fmt: skip


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
