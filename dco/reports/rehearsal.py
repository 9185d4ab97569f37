"""A rehearsal for a media buyer: what to expect, in sentences, a text table and one HTML page. All of it is simulated.

What is promised rests on the market where ads differ as little as in real headline tests (`Outlook.cautious`); kinder
markets show what may come on top, and the market without differences what is lost where nothing can be found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dco.records import MICROS
from dco.reports import words
from dco.reports.kpi import METRICS
from dco.simulate.rehearsal import Scenario
from dco.simulate.rehearsal_summary import AHEAD, KNOWN, SURE, Change, Summary
from dco.stats.power import events_to_tell

LABEL = "SIMULATED"
TELL = 0.20
"""The difference between two ads that a reader can picture, when the events it needs are told."""

Source = Literal["stated", "measured", "assumed", "derived", "campaign file"]


@dataclass(frozen=True, slots=True)
class Basis:
    """One figure that the rehearsal rests on, and where it comes from."""

    name: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario. `together` are all markets where ads differ, `cautious` the one that is planned with."""

    scenario: Scenario
    label: str
    together: Summary
    cautious: Summary
    change: Change | None
    creatives: float
    """Made in all, the starting ones too."""
    cost: float
    """Of all of them, in currency units."""
    media: float
    """Money for media over the nights."""
    smallest_shown: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything a rehearsal found. `rows[0]` is the campaign as planned; `markets` are its summaries by market."""

    campaign: str
    brand: str
    brief: str
    currency: str
    kpi: str
    seed: int
    holdout: float
    flight: int
    daily: float
    events: float
    """Clicks or conversions a day at the planned budget, all segments together."""
    segments: int
    approval_nights: int
    creation_note: str
    basis: tuple[Basis, ...]
    markets: Mapping[str, tuple[str, Summary]]
    """Name -> (words, summary), of the campaign as planned."""
    cautious: str
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()
    """Scenarios that were not simulated, and why."""

    @property
    def plan(self) -> Row:
        return self.rows[0]

    @property
    def nights(self) -> int:
        return self.plan.scenario.nights

    @property
    def unit(self) -> str:
        return "clicks" if self.kpi == "ctr" else "conversions"

    @property
    def differing(self) -> list[str]:
        """Markets with something to find."""
        return [m for m in self.markets if m != "null"] or list(self.markets)


Tone = Literal["go", "maybe", "stop"]


def tone(o: Outlook) -> Tone:
    """go: ahead for sure even where ads differ little; maybe: only where they differ clearly; stop: nowhere."""
    if o.plan.cautious.ahead_from is not None:
        return "go"
    return "maybe" if any(o.markets[m][1].ahead_from is not None for m in o.differing) else "stop"


def verdict(o: Outlook) -> str:
    """The one sentence to take away."""
    a_day = (
        f"With {_money(o.daily, o)} a day" if o.daily > 0 else f"With {words.number(o.events)} {o.unit} a day"
    )
    nights = words.plural(o.nights, "night")
    sure = f"{SURE * 100:.0f} %"
    if tone(o) == "go":
        n = o.plan.cautious.ahead_from or 1
        kinder = [x for m in o.differing if m != o.cautious and (x := o.markets[m][1].ahead_from) is not None]
        text = f"{a_day} you would need about {words.plural(n, 'night')} until the campaign is ahead of an equal split in {sure} of the runs"
        if not kinder:
            return text + "."
        after = f"{min(kinder)}" if min(kinder) == max(kinder) else f"{min(kinder)} to {max(kinder)}"
        where = (
            "that is where ads differ as little as in real headline tests"
            if o.cautious == "faint"
            else "that is the slowest market"
        )
        return f"{text}; {where}. Where they differ more, about {after}."
    if tone(o) == "maybe":
        return (
            f"{a_day} this pays only if your ads differ clearly. Where they differ as little as in real headline tests, the "
            f"campaign ends ahead of an equal split in {words.chance(o.plan.cautious.ahead)} of the runs after {nights}, and {sure} would be needed."
        )  # fmt: skip
    need, have = events_to_tell(TELL), o.events * o.nights / max(o.segments * o.plan.scenario.start, 1)
    return (
        f"Do not run this as a test: with {words.number(o.events)} {o.unit} a day no simulated market is reliably ahead of an "
        f"equal split after {nights}. To tell apart two ads that differ by {TELL * 100:.0f} %, each needs about {need:.0f} {o.unit}; "
        f"yours would get about {words.number(have, 2)}. Use fewer segments, fewer starting creatives, a nearer KPI or more budget."
    )  # fmt: skip


def sentences(o: Outlook) -> list[str]:
    """What else a buyer should know, after the verdict."""
    told = [_expected(o), _leader(o), _provable(o), _cheapest(o)]
    return [t for t in told if t]


def _expected(o: Outlook) -> str:
    what = METRICS[o.kpi].what  # type: ignore[index]
    nights = words.plural(o.nights, "night")
    mean, low, high = o.plan.cautious.lift
    text = (
        f"Plan with {words.change(mean, low, high)} {what} against an equal split after {nights}, net of creatives "
        f"(in brackets: 80 % of the runs)"
    )
    kinder = [o.markets[m][1].lift[0] for m in o.differing if m != o.cautious]
    if kinder:
        ends = words.signed_percent(min(kinder)), words.signed_percent(max(kinder))
        text += (
            f"; {ends[0] if ends[0] == ends[1] else ends[0] + ' to ' + ends[1]} on average if ads differ more"
        )
    text += "."
    if "null" in o.markets:
        lost = o.markets["null"][1]
        text += (
            f" If no ad is better than another, nothing is won: {words.signed_percent(_tidy(lost.lift[0]))}, "
            f"{words.plural(round(lost.made), 'creative')} made for nothing."
        )
    return text


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
    least = o.plan.smallest_shown
    if least is None:
        return "There is no holdout, so no report will be able to show what learning earned."
    if not math.isfinite(least):
        return f"The holdout would count no {o.unit}, so no report will be able to show what learning earned."
    mean = o.plan.cautious.lift[0]
    text = f"The holdout of {words.share(o.holdout)} shows a gain of {words.signed_percent(least)} or more with 80 % power after {words.plural(o.nights, 'night')}"
    if mean > least:
        return text + ", less than the gain to plan with: the report should be able to prove it."
    return (
        text + ", more than the gain to plan with: it may well be there and not be provable from the report."
    )


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
        return f"No neighbour earns clearly more than the plan ({tried}): a difference between so few runs may be chance."
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
    return text


def _extra(row: Row, plan: Row) -> float:
    """More money than as planned, for media and creatives."""
    return row.cost + row.media - plan.cost - plan.media


def _points(change: Change) -> str:
    return f"{100 * change.points:+.1f} points (± {100 * change.error:.1f})".replace("-", words.MINUS)


def _tidy(value: float) -> float:
    return 0.0 if abs(value) < AHEAD else value


def _money(units: float, o: Outlook) -> str:
    micros = round(units) * MICROS if abs(units) >= 100 else round(units * MICROS)
    text = words.money(micros, o.currency)
    return text.removesuffix(".00")


def night(value: int | None, nights: int) -> str:
    """'12', or '> 60' where it was not reached."""
    return f"> {nights}" if value is None else str(value)


def cells(row: Row, o: Outlook) -> list[str]:
    """One line of the table of scenarios; see `HEADS`."""
    nights = row.scenario.nights
    least = row.smallest_shown
    return [
        words.change(*map(_tidy, row.cautious.lift)),
        words.change(*map(_tidy, row.together.lift)),
        "" if row.change is None else _points(row.change),
        words.chance(row.cautious.ahead),
        night(row.cautious.ahead_from, nights),
        night(row.cautious.known_from, nights),
        words.number(row.creatives, 2 if row.creatives < 10 else 3),
        _money(row.cost, o),
        "none" if least is None or not math.isfinite(least) else words.signed_percent(least),
    ]


HEADS = (
    "lift, ads differ little", "lift, all markets", "against the plan", "ends ahead", "ahead from night",
    "best known from night", "creatives", "their cost", "holdout shows",
)  # fmt: skip


def market_cells(summary: Summary, nights: int, *, null: bool) -> list[str]:
    """One line of the table of markets; see `MARKET_HEADS`."""
    return [
        words.change(*map(_tidy, summary.lift)),
        "–" if null else words.chance(summary.ahead),
        "–" if null else night(summary.ahead_from, nights),
        "–" if null else night(summary.known_from, nights),
        words.number(summary.made, 2 if summary.made < 10 else 3),
    ]


MARKET_HEADS = (
    "lift (80 % of runs)",
    "ends ahead",
    "ahead from night",
    "best known from night",
    "new creatives",
)


def text(o: Outlook) -> str:
    """The whole answer for a terminal."""
    lines = [
        f"{LABEL}: rehearsal of {o.campaign}, {words.plural(o.nights, 'night')}, seed {o.seed}. No real person saw an ad.",
        "",
    ]
    lines += [verdict(o), *(f"  {s}" for s in sentences(o)), ""]
    table = [
        (f"{words_} ({name})", market_cells(s, o.nights, null=name == "null"))
        for name, (words_, s) in o.markets.items()
    ]
    lines += _table(f"{LABEL}, as planned, by market", MARKET_HEADS, table)
    if len(o.rows) > 1:
        lines += ["", *_table(f"{LABEL}, scenarios", HEADS, [(r.label, cells(r, o)) for r in o.rows])]
    lines += [
        *(f"  not simulated: {line}" for line in o.left_out),
        "",
        f"What it rests on ({LABEL.lower()} otherwise):",
    ]
    width = max(len(b.name) for b in o.basis)
    lines += [
        f"  {b.name:<{width}}  {b.value}  [{b.source}{'; ' + b.note if b.note else ''}]" for b in o.basis
    ]
    return "\n".join(lines)


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, list[str]]]) -> list[str]:
    first = max(len(title), *(len(label) + 2 for label, _ in rows))
    widths = [max(len(h), *(len(r[i]) for _, r in rows)) for i, h in enumerate(heads)]
    out = [f"{title:<{first}}  " + "  ".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))]
    for label, row in rows:
        out.append(
            f"  {label:<{first - 2}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True))
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
        "markets": {name: {"words": told, **_summary(s)} for name, (told, s) in o.markets.items()},
        "scenarios": [
            {
                "label": r.label, "start": r.scenario.start, "new": r.scenario.new, "budget": r.scenario.budget,
                "nights": r.scenario.nights, "cautious": _summary(r.cautious), "together": _summary(r.together),
                "change": None if r.change is None else {
                    "points": _finite(r.change.points), "error": _finite(r.change.error), "runs": r.change.runs,
                    "clear": r.change.clear,
                },
                "creatives": r.creatives, "creation_cost": r.cost, "media_cost": r.media,
                "smallest_gain_shown": _finite(r.smallest_shown),
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
