"""What a rehearsal means, in sentences and cells for a media buyer: one verdict, then what it rests on.

What is promised rests on the market where ads differ as little as in real headline tests (`Outlook.cautious`); kinder
markets show what may come on top, and the market without differences what is lost where nothing can be found.
"""

from __future__ import annotations

from typing import Literal

from dco.records import MICROS
from dco.reports import words
from dco.reports.kpi import METRICS
from dco.reports.rehearsal_facts import Outlook, Row
from dco.simulate.rehearsal import CAUTIOUS, NULL
from dco.simulate.rehearsal_summary import AHEAD, KNOWN, SURE, Change, Summary, proved_from
from dco.stats.power import events_to_tell

TELL = 0.20
"""The difference between two ads that a reader can picture, when the events it needs are told."""

Tone = Literal["go", "maybe", "stop"]


def needed(o: Outlook, market: str) -> int | None:
    """Nights until a market's gain is both there (in `SURE` of the runs) and shown by the holdout, where there is one."""
    summary = o.markets[market][1]
    shown = proved_from(summary, o.plan.smallest_shown)
    if summary.ahead_from is None or (o.plan.smallest_shown is not None and shown is None):
        return None
    return max(summary.ahead_from, shown or 1)


def tone(o: Outlook) -> Tone:
    """go: a gain is there and shows even where ads differ little; maybe: only where they differ clearly; stop: nowhere."""
    if needed(o, o.cautious) is not None:
        return "go"
    return "maybe" if any(needed(o, m) is not None for m in o.differing) else "stop"


def verdict(o: Outlook) -> str:
    """The one sentence to take away."""
    a_day = (
        f"With {_money(o.daily, o)} a day" if o.daily > 0 else f"With {words.number(o.events)} {o.unit} a day"
    )
    nights = words.plural(o.nights, "night")
    shows = "is ahead" if o.plan.smallest_shown is None else "is ahead and its report can show it"
    kinder = [n for m in o.differing if m != o.cautious and (n := needed(o, m)) is not None]
    after = f"{min(kinder, default=0)}" + (
        f" to {max(kinder)}" if kinder and max(kinder) > min(kinder) else ""
    )
    little = _little(o)
    if tone(o) == "go":
        n = needed(o, o.cautious) or 1
        text = f"{a_day} you would need about {words.plural(n, 'night')} until the campaign {shows}, {little}"
        return f"{text}; about {after} if they differ more." if kinder else f"{text}."
    if tone(o) == "maybe":
        return (
            f"{a_day} this works only if your ads differ clearly: then the campaign {shows} after about {after} nights; {little}, "
            f"{nights} are not enough."
        )  # fmt: skip
    need, have = events_to_tell(TELL), o.events * o.nights / max(o.segments * o.plan.scenario.start, 1)
    return (
        f"Do not run this as a test: with {words.number(o.events)} {o.unit} a day, after {nights} no simulated market has a gain "
        f"that is sure and shows. To tell apart two ads that differ by {TELL * 100:.0f} %, each needs about {need:.0f} {o.unit}; "
        f"yours would get about {words.number(have, 2)}. Use fewer segments, fewer starting creatives, a KPI with more events, "
        "more nights or more budget."
    )  # fmt: skip


def _little(o: Outlook) -> str:
    return (
        "if ads differ as little as in real headline tests"
        if o.cautious == CAUTIOUS
        else f"if {o.markets[o.cautious][0]}"
    )


def sentences(o: Outlook) -> list[str]:
    """What else a buyer should know, after the verdict."""
    told = [_expected(o), _ahead(o), _leader(o), _provable(o), _cheapest(o)]
    return [t for t in told if t]


def _expected(o: Outlook) -> str:
    what = METRICS[o.kpi].what  # type: ignore[index]
    nights = words.plural(o.nights, "night")
    mean, low, high = o.plan.cautious.lift
    text = (
        f"Plan with {words.signed_percent(tidy(mean))} {what} over {nights} against an equal split of the starting creatives, "
        f"net of what new ones cost (80 % of the runs: {span(low, high)})"
    )
    kinder = [o.markets[m][1].lift[0] for m in o.differing if m != o.cautious]
    if kinder:
        ends = words.signed_percent(min(kinder)), words.signed_percent(max(kinder))
        text += (
            f"; {ends[0] if ends[0] == ends[1] else ends[0] + ' to ' + ends[1]} on average if ads differ more"
        )
    text += "."
    if NULL in o.markets:
        lost = o.markets[NULL][1]
        made = round(lost.made)
        text += (
            f" If no ad is better than another, nothing is won: {words.signed_percent(tidy(lost.lift[0]))}, "
        )
        text += (
            f"{words.plural(made, 'creative')} made for nothing."
            if made
            else "and no creative is made for nothing."
        )
    return text


def _ahead(o: Outlook) -> str:
    ends = _of(o.plan.cautious)
    since = o.plan.cautious.ahead_from
    text = f"{_little(o).capitalize()}, {ends} runs end ahead of the equal split"
    return f"{text}; from night {since} on at least {SURE * 100:.0f} % are." if since else f"{text}."


def _leader(o: Outlook) -> str:
    known = o.plan.cautious.known_from
    many = words.plural(o.plan.scenario.start, "starting creative")
    if known is None:
        return (
            f"After {words.plural(o.nights, 'night')} the best of the {many} is right in {words.chance(o.plan.cautious.right)} of the cases "
            f"where ads differ little; {KNOWN * 100:.0f} % are not reached, so read a ranking with care."
        )
    return f"Which of the {many} is best (to within 5 %) is known with {KNOWN * 100:.0f} % after {words.plural(known, 'night')}, even where ads differ little."


def _provable(o: Outlook) -> str:
    if o.plan.smallest_shown is None:
        return "There is no holdout, so no report will be able to show what learning earned."
    least = o.plan.least
    if least is None:
        return f"The holdout would count no {o.unit}, so no report will be able to show what learning earned."
    mean, gain = o.plan.cautious.lift[0], words.signed_percent(least).lstrip("+")
    text = f"After {words.plural(o.nights, 'night')} the holdout of {words.share(o.holdout)} shows a gain of {gain} or more with 80 % power"
    if mean >= least:
        return text + "; the gain to plan with is larger."
    return text + "; the gain to plan with is smaller, so it may well be there and not show."


def _cheapest(o: Outlook) -> str:
    """The clear improvement that costs least per point of lift; honest when none is clear."""
    better = [
        (row, row.change, _extra(row, o.plan))
        for row in o.rows[1:]
        if row.change and row.change.clear and row.change.points > 0
    ]
    if not o.rows[1:]:
        return ""
    if not better:
        tried = words.listed([row.label for row in o.rows[1:]], "or")
        text = f"Nothing tried earns clearly more than the plan ({tried}): what differs may be chance between so few runs."
        return text + _new_ones(o)
    row, change, extra = min(better, key=lambda b: (max(b[2], 0.0) / b[1].points, -b[1].points))
    price = f"for {_money(extra, o)} more" if extra >= 0.5 else "for no more money"
    if extra >= 0.5:
        price += f" ({_money(extra / (100 * change.points), o)} a point)"
    text = f"The cheapest improvement is {row.label}: {_points(change)} of lift {price}."
    dear = [b for b in better if b[0] is not row and b[1].points > change.points]
    if dear:
        most, gain, cost = max(dear, key=lambda b: b[1].points)
        told = f"for {_money(cost, o)} more" if cost >= 0.5 else "for no more money"
        text += f" The largest is {most.label}: {_points(gain)} {told}."
    return text + _new_ones(o)


def _new_ones(o: Outlook) -> str:
    """What the new creatives of the plan earn, where the plan was also simulated without any."""
    without = [r for r in o.rows[1:] if r.scenario.differs(o.plan.scenario) == {"new": 0}]
    if not without or without[0].change is None or not without[0].change.clear:
        return ""
    points = -without[0].change.points
    made = words.plural(round(o.plan.together.made), "new creative")
    return f" The {made} of the plan earn {100 * points:.0f} points of the lift, for {_money(o.plan.cost - without[0].cost, o)}."


def _extra(row: Row, plan: Row) -> float:
    """More money than as planned, for media and creatives."""
    return row.cost + row.media - plan.cost - plan.media


def _points(change: Change) -> str:
    return f"{100 * change.points:+.1f} points (± {100 * change.error:.1f})".replace("-", words.MINUS)


def tidy(value: float) -> float:
    """A draw as zero: equal creatives leave rounding errors."""
    return 0.0 if abs(value) < AHEAD else value


def _money(units: float, o: Outlook) -> str:
    micros = round(units) * MICROS if abs(units) >= 100 else round(units * MICROS)
    text = words.money(micros, o.currency)
    return text.removesuffix(".00")


def _of(summary: Summary) -> str:
    """'7 of 8', because a few runs are no probability."""
    return f"{round(summary.ahead * summary.runs)} of {summary.runs}"


def span(low: float, high: float) -> str:
    """'12 % to 40 %'."""
    return words.change(0.0, tidy(low), tidy(high)).split("(")[1].rstrip(")")


def night(value: int | None, nights: int) -> str:
    """'12', or '> 60' where it was not reached."""
    return f"> {nights}" if value is None else str(value)


HEADS = (
    ("lift if ads", "differ little"), ("lift, all markets", "(80 % of runs)"), ("against", "the plan"), ("runs that", "end ahead"),
    ("ahead", "from night"), ("shows", "from night"), ("best known", "from night"), ("creatives,", "cost"), ("smallest", "gain shown"),
)  # fmt: skip
"""Columns of the table of scenarios. The runs are those of all markets where ads differ; 'shows' is where they differ little."""


def cells(row: Row, o: Outlook) -> list[str]:
    """One line of the table of scenarios; see `HEADS`."""
    nights = row.scenario.nights
    return [
        words.signed_percent(tidy(row.cautious.lift[0])),
        words.change(*map(tidy, row.together.lift)),
        "" if row.change is None else _points(row.change),
        _of(row.together),
        night(row.together.ahead_from, nights),
        "no holdout" if row.smallest_shown is None else night(row.proved_from, nights),
        night(row.together.known_from, nights),
        f"{_made(row.creatives)}, {_money(row.cost, o)}",
        "none" if row.least is None else words.signed_percent(row.least).lstrip("+"),
    ]


def _made(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or float(value).is_integer() else f"{value:.1f}"


MARKET_HEADS = (
    ("lift", "(80 % of runs)"), ("runs that", "end ahead"), ("ahead", "from night"), ("shows", "from night"),
    ("best known", "from night"), ("new", "creatives"),
)  # fmt: skip


def market_cells(name: str, o: Outlook) -> list[str]:
    """One line of the table of markets; see `MARKET_HEADS`. Where nothing differs, nothing is ahead or best."""
    summary, null, least = o.markets[name][1], name == NULL, o.plan.smallest_shown
    shows = "no holdout" if least is None else night(proved_from(summary, least), o.nights)
    return [
        words.change(*map(tidy, summary.lift)),
        "–" if null else _of(summary),
        "–" if null else night(summary.ahead_from, o.nights),
        "–" if null else shows,
        "–" if null else night(summary.known_from, o.nights),
        _made(summary.made),
    ]
