"""The campaign report: one self-contained HTML page that a media buyer forwards to a client.

No script, no request to anywhere: styles, charts and pictures are inside. The first screen says in plain words what
happened, what it earned and how sure that is, which ad leads in each segment, and what to do next.
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dco.reports import advice, charts, elements, foretold, making, pictures, sections, words
from dco.reports.facts import (
    ArmCard,
    CampaignReport,
    CampaignView,
    Gain,
    GainRow,
    InputFile,
    NightNote,
    PlacementNote,
    Restatement,
    Totals,
    Unsettled,
)
from dco.reports.reading import Reading, read
from dco.reports.theme import css_variables
from dco.reports.words import pretty

__all__ = [
    "ArmCard",
    "CampaignReport",
    "CampaignView",
    "Gain",
    "GainRow",
    "InputFile",
    "NightNote",
    "PlacementNote",
    "Restatement",
    "Totals",
    "Unsettled",
    "render",
]

LEVER_WORDS = {
    "served": "we serve each ad ourselves",
    "rotation": "weighted rotation",
    "budget": "money split over ad sets",
    "switch": "on or off only",
}


@cache
def environment() -> Environment:
    """The templates, with every value escaped unless it is markup this room made itself."""
    env = Environment(
        loader=PackageLoader("dco.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        pretty=pretty, day=words.day, short_day=words.short_day, count=words.count, sentence=words.sentence,
        making=making.sentence,
    )  # fmt: skip
    return env


def render(report: CampaignReport) -> str:
    """The report as one HTML text. Equal inputs give equal text.

    Raises:
        DcoError: never for thin data: what cannot be said yet is said so in words.
    """
    reading = read(report)
    page = environment().get_template("campaign.html.j2").render(_context(reading))
    # A per-cent sign never parts from its figure at the end of a line.
    return re.sub(r"(\d) %", "\\1\u00a0%", page)


def _context(reading: Reading) -> dict[str, Any]:
    report, view = reading.report, reading.view
    used = dict.fromkeys(c.arm_id for c in report.arms)
    thumbs = {c.arm_id: c.thumb for c in report.arms}
    return {
        "r": report,
        "view": view,
        "metric": reading.metric,
        "rate": reading.rate,
        "css": Markup(css_variables()),
        "symbols": Markup("".join(pictures.symbol(f"pic-{a}", thumbs[a]) for a in used)),
        "as_of": _moment(report.as_of),
        "opening": _opening(reading),
        "gain": _gain(reading),
        "gain_chart": sections.gain_chart(reading),
        "gain_rows": _gain_rows(reading),
        "leaders": [_leader(reading, s) for s in reading.segments],
        "steps": advice.steps(reading),
        "figures": _figures(reading),
        "segments": [_segment(reading, i, s) for i, s in enumerate(reading.segments)],
        "daily": sections.daily_chart(reading),
        "decided": report.decided,
        "decisions": sections.decisions(reading),
        "effects": elements.effects(reading),
        "pairs": elements.pairs(reading),
        "forecasts": foretold.forecasts(reading),
        "differences": sections.differences(reading),
        "costs": sections.costs(reading),
        "catalogue": sorted(report.arms, key=lambda c: (reading.number[c.arm_id], c.segment)),
        "number": reading.number,
        "picture": sections.picture,
        "fate": lambda card: sections.fate(reading, card),
        "nights": sections.nights(reading),
        "files": [
            _file(report, f) for f in sorted(report.files, key=lambda f: (f.arrived, f.name), reverse=True)
        ],
        "unsettled": sorted(report.unsettled, key=lambda u: u.day),
        "share": words.share,
        "number_words": words.number,
        "placements": [(p, LEVER_WORDS[p.lever], words.VERDICTS[p.licence]) for p in report.placements],
        "glossary": _glossary(reading),
    }


def _moment(value: Any) -> str:
    utc = value.astimezone(UTC) if value.tzinfo else value
    return f"{words.day(utc.date())}, {utc:%H:%M} UTC"


def _opening(reading: Reading) -> str:
    """What happened, in one sentence of plain words."""
    arms, t = reading.report.arms, reading.totals
    if reading.first_day is None or reading.last_day is None or not t.impressions:
        made = words.plural(len(arms), "ad")
        return f"{made} {'is' if len(arms) == 1 else 'are'} ready in {words.plural(len(reading.segments), 'segment')}; no results have been reported yet."
    ran = len({a for _, a in reading.counts})
    retired = sum(c.state == "retired" for c in arms)
    newborn = sum(bool(c.parents) for c in arms)
    where = words.plural(len(reading.segments), "audience segment")
    text = f"From {words.days(reading.first_day, reading.last_day)}, {words.plural(ran, 'ad')} ran in {where}"
    text += f" and were shown {words.count(t.impressions)} times for {words.money(t.spend_micros, reading.view.currency)}."
    if newborn or retired:
        grown = (
            f"{words.plural(newborn, 'new ad was', 'new ads were')} grown from earlier ones"
            if newborn
            else ""
        )
        gone = f"{words.plural(retired, 'ad was', 'ads were')} retired" if retired else ""
        text += " " + words.sentence(words.listed([x for x in (grown, gone) if x]))
    return text


def _gain(reading: Reading) -> dict[str, Any]:
    gain, report = reading.report.gain, reading.report
    licence = (gain.licence if gain else None) or reading.licence
    value, low, high = (gain.value, gain.low, gain.high) if gain else (None, None, None)
    told = words.gain_words(
        value, low, high, licence, what=reading.metric.what, level=gain.level if gain else 90
    )
    figure = words.change(value, low, high)
    head, _, rest = figure.partition(" (")
    ends = [e for e in (low, high, value, 0.0) if e is not None and words.known(e)]
    margin = 0.15 * ((max(ends) - min(ends)) or 1.0)
    return {
        "known": gain is not None and words.known(value),
        "figure": head if words.known(value) else words.TOO_EARLY.capitalize(),
        "interval": f"{rest.rstrip(')')}" if rest else "",
        "level": gain.level if gain else 90,
        "meaning": gain.words if gain and gain.words else told,
        "strip": Markup(charts.strip(low, value, high, (min(ends) - margin, max(ends) + margin), named=True))
        if words.known(value)
        else "",
        "verdict": words.VERDICTS[licence].label if licence else "",
        "what": reading.metric.what,
        "simulated": report.simulated,
    }


def _gain_rows(reading: Reading) -> list[dict[str, str]]:
    gain = reading.report.gain
    own = GainRow("the holdout", gain.value, gain.low, gain.high, "the measuring stick") if gain else None
    return [
        {"name": r.name, "told": words.change(r.value, r.low, r.high), "note": r.note}
        for r in (*([own] if own else []), *reading.report.gain_table)
        if reading.report.simulated or not r.simulated_only
    ]


def _leader(reading: Reading, segment: str) -> dict[str, Any]:
    card = reading.best(segment)
    name = pretty(segment)
    if card is None:
        return {"segment": name, "card": None, "sure": words.TOO_EARLY}
    belief = reading.posterior[segment, card.arm_id]
    return {
        "segment": name,
        "card": card,
        "uri": Markup(pictures.data_uri(card.thumb)),
        "number": reading.number[card.arm_id],
        "sure": words.chance_words(belief.p_best),
        "p_best": words.chance(belief.p_best),
        "rate": reading.believed((segment, card.arm_id)),
        "share": words.share(belief.share),
    }


def _figures(reading: Reading) -> list[tuple[str, str]]:
    t, currency, metric = reading.totals, reading.view.currency, reading.metric
    states = [c.state for c in reading.report.arms]
    value = metric.observed(t)
    shown = metric.show(value, currency) if value is not None else words.TOO_EARLY
    rows = [(metric.name, shown), ("Spend", words.money(t.spend_micros, currency))]
    rows += [("Impressions", words.count(t.impressions)), ("Clicks", words.count(t.clicks))]
    if t.conversions:
        rows.append(("Conversions", words.count(t.conversions)))
    if t.revenue_micros:
        rows.append(("Revenue", words.money(t.revenue_micros, currency)))
    live, made = states.count("live"), len(states)
    rows.append(("Ads live / made", f"{live} / {made}"))
    return rows


def _segment(reading: Reading, index: int, segment: str) -> dict[str, Any]:
    rows = sections.league(reading, segment)
    return {
        "name": pretty(segment),
        "about": reading.view.segments.get(segment, ""),
        "now": [r for r in rows if r["card"].state in {"live", "approved", "pending"}],
        "past": [r for r in rows if r["card"].state not in {"live", "approved", "pending"}],
        "shares": sections.shares_chart(reading, segment, f"s{index}"),
        "posterior": sections.posterior_chart(reading, segment, f"p{index}"),
        "family": sections.family(reading, segment),
    }


def _file(report: CampaignReport, f: InputFile) -> dict[str, str]:
    return {
        "name": f.name,
        "platform": f.platform,
        "days": words.days(f.first_day, f.last_day),
        "rows": words.count(f.rows),
        "arrived": _moment(f.arrived),
        "age": words.age(report.as_of - f.arrived),
        "stamp": _moment(f.stamp) if f.stamp else "none in the file",
        "scope": f.scope,
        "note": f.note,
        "sha256": f.sha256,
    }


def _glossary(reading: Reading) -> list[tuple[str, str]]:
    metric, view = reading.metric, reading.view
    holdout = f"{words.share(view.holdout)} of" if view.holdout else "A fixed part of"
    return [
        (metric.name, metric.meaning),
        ("Impression", "One time an ad was shown, as the platform counts it."),
        ("Share", "The part of a segment's impressions an ad is meant to get."),
        (
            "Holdout",
            f"{holdout} the traffic keeps showing the starting ads in equal parts, untouched by learning. It is the measuring stick.",
        ),
        (
            "Gain over the holdout",
            f"How much more {metric.what} the learnt ads brought than the holdout on the same days.",
        ),
        (
            "90 % interval",
            "Where the true value lies with 90 % confidence, given the data and the method named in this report.",
        ),
        ("P(best)", "The chance that an ad is the best live one in its segment, given all data so far."),
        (
            "Effect of an element",
            "How much more or less an option earns than the average option of its attribute, all else equal.",
        ),
        (
            "Caused, measured, described",
            "Caused: who saw what was drawn at random. Measured: money was split, but the platform chose the audience. Described: the platform chose everything.",
        ),
        ("Unsettled day", "A day whose late results have not all been reported yet."),
        ("Restatement", "A later report changed the numbers of an earlier day; the newer numbers count."),
    ]
