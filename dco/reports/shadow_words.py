"""A shadow's findings as sentences: what the engine would have done, what that is worth, and when that cannot be told."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dco.plan.shadow_moves import Move
from dco.plan.shadow_value import GAIN_TO_TELL, Valued
from dco.records import MICROS
from dco.reports import words
from dco.reports.shadow_facts import ShadowReport
from dco.stats.mix import MixValue, nights_to_tell

CANNOT = "cannot be told from these data"
MEASURE_WORDS = {"clicks": "clicks", "conversions": "conversions", "revenue_micros": "revenue"}
TOLD_MOVES = 8
MANY_NIGHTS = 1000
LEAST_MOVED = 0.005
"""Part of all impressions that a move must concern to be told."""


def headline(report: ShadowReport) -> str:
    """A figure where zero lies outside its interval, or the words in its place."""
    value = _told_value(report)
    if value is None:
        return "Cannot be told"
    if value.low <= 0 <= value.high:
        return "Not told apart"
    return words.change(value.gain, value.low, value.high).partition(" (")[0]


def interval(report: ShadowReport) -> str:
    """'6 % to 18 %, 95 % interval', the estimate before it where the headline does not say it; '' where nothing is told."""
    value = _told_value(report)
    if value is None:
        return ""
    figure, _, ends = words.change(value.gain, value.low, value.high).rstrip(")").partition(" (")
    estimate = f"{figure}: " if value.low <= 0 <= value.high else ""
    return f"{estimate}{ends}, {100 * value.level:.0f} % interval"


def _told_value(report: ShadowReport) -> MixValue | None:
    value = report.valued.value if report.valued else None
    return None if value is None or value.doubt else value


def verdict(report: ShadowReport, v: Valued | None) -> list[str]:
    """What one licence's placements say about the value, in sentences."""
    if v is None:
        return [
            f"What the engine would have earned {CANNOT}: "
            "no night could be decided of which the results are known and settled."
        ]
    if v.value is None:
        return _platform_chosen(report, v)
    if v.value.doubt:
        return [f"What the engine's split would have earned {CANNOT}: {v.value.doubt}.", *_way_out(report, v)]
    what = MEASURE_WORDS[report.worth.measure]
    told = _told(report, v.value, what)
    if v.licence == "randomised":
        return [told, _who_saw(report, v)]
    # The first sentence also stands alone, beside the figure.
    return [f"Mix-adjusted at best: {told[:1].lower()}{told[1:]}", *_downgraded(v), *_delivery(v.value)]


def _told(report: ShadowReport, value: MixValue, what: str) -> str:
    change = words.change(value.gain, value.low, value.high).replace(
        "(", f"({100 * value.level:.0f} % interval "
    )
    if value.low > 0 or value.high < 0:
        amount = _amount(report, abs(value.would - value.earned))
        side = "more" if value.low > 0 else "less"
        days = words.plural(len(value.days), "day")
        return (
            f"On the same impressions the engine's split would have earned {side} {what} than the split that was served: "
            f"{change}, about {amount} {side} over {days}."
        )
    nights = nights_to_tell(value)
    more = _nights(nights)
    tail = f" About {more} like these would tell a difference of that size." if more else ""
    return f"The engine's split is not told apart from the one that was served: {change} in {what}.{tail}"


def _who_saw(report: ShadowReport, v: Valued) -> str:
    if v.propensities == "intended":
        return "Who saw which ad was drawn at random by the shares on record, so differences between ads were caused by the ads."
    who = "as you said by naming the lever" if report.sources else "as the placement's lever says"
    return (
        f"This takes it that who saw which ad was drawn at random ({who}); the shares that the ads really got stand for "
        "those that were intended, which no report states."
    )


def _downgraded(v: Valued) -> list[str]:
    if not v.downgraded:
        return []
    return [
        f"The lever promises to draw who sees which ad, but {words.share(v.strayed)} of the impressions went elsewhere than "
        "intended, so this is read as a split of money is."
    ]


def _delivery(value: MixValue) -> list[str]:
    """The confounding that would turn the sign."""
    found = [
        "Money was split between the ads and the platform chose who saw each one, so the delivery may explain the difference."
    ]
    sure = max(value.flip_sure, 1.0)
    if value.low > 0 or value.high < 0:
        found.append(
            f"The sign would turn if the people an ad met answered it {words.number(value.flip, 3)} times better (or worse) "
            f"than those it would have met under the other split; at the near end of the interval {words.number(sure, 3)} "
            "times is enough."
        )
    return found


def _platform_chosen(report: ShadowReport, v: Valued) -> list[str]:
    return [
        f"What this would have earned {CANNOT}: the platform decided how often and to whom each ad was shown, so an ad's "
        "results are also those of the people it was shown to.",
        f"The engine would have given {words.share(v.moved)} of {words.count(v.impressions)} impressions to other ads; that is "
        "a description and not a test.",
        *_way_out(report, v),
    ]


def _way_out(report: ShadowReport, v: Valued) -> list[str]:
    """What would make it tellable, with a number."""
    what = MEASURE_WORDS[report.worth.measure]
    rotation, holdout = (_nights(v.nights_of_test[name]) for name in ("rotation", "holdout"))
    if not rotation or not holdout:
        return [f"There are no {what} yet from which to say how many nights a test would take."]
    return [
        f"To make it tellable, let the ads rotate evenly (lever 'rotation' or 'served'): with half of the traffic on an equal "
        f"split, {rotation} of this traffic tell a gain of {100 * GAIN_TO_TELL:.0f} % in {what} from none with a power of 80 %; "
        f"with the holdout alone, {holdout}."
    ]


def _nights(count: int | None) -> str:
    if count is None:
        return ""
    return f"more than {MANY_NIGHTS:,} nights" if count > MANY_NIGHTS else words.plural(count, "night")


def _amount(report: ShadowReport, value: float) -> str:
    if report.worth.measure == "revenue_micros":
        return f"{words.money(round(value / MICROS) * MICROS, report.currency)} of revenue"
    return f"{words.count(round(value))} {MEASURE_WORDS[report.worth.measure]}"


def told_moves(report: ShadowReport) -> list[str]:
    """The largest differences as sentences; at most eight, and none that hardly anyone would have seen."""
    total = sum(row.impressions for row in report.worth.arm_days)
    large = [m for m in report.moves if m.impressions >= LEAST_MOVED * total]
    return [_move(report, m) for m in large[:TOLD_MOVES]]


def _move(report: ShadowReport, m: Move) -> str:
    ad = f"“{report.labels.get(m.arm_id, m.arm_id)}”"
    where = f" in {words.pretty(m.segment)}" if len(report.segments) > 1 else ""
    when = words.days(m.first, m.last)
    when = f"On {when}" if m.first == m.last else f"From {when}"
    text = (
        f"{when}{where} the engine would have shown {ad} {words.share(m.engine)} of the time instead of "
        f"{words.share(m.served)} ({words.count(round(m.impressions))} impressions)"
    )
    return f"{text}: {why}." if (why := _because(report, m)) else f"{text}."


def _because(report: ShadowReport, m: Move) -> str:
    if m.retired:
        return f"it would have taken it down, {named(m.retired, report.labels)}"
    if m.mean is None or m.p_best is None or not m.others:
        return "nothing was known of it yet" if m.engine > m.served else ""
    lift = words.signed_percent(m.mean / m.others - 1)
    return (
        f"on the morning of {words.day(m.peak, year=False)} it gave the ad a chance of {words.chance(m.p_best)} to be the best, "
        f"and expected it to earn {lift} against what was shown"
    )


def named(text: str, labels: Mapping[str, str]) -> str:
    """A plan's sentence with arm ids replaced by what people call the ads, and its first letter in lower case."""
    if labels:
        ids = re.compile("|".join(rf"\b{re.escape(i)}\b" for i in sorted(labels, key=len, reverse=True)))
        text = ids.sub(lambda found: f"“{labels[found[0]]}”", text)
    return text if text.startswith("P(") else text[:1].lower() + text[1:]


def ideas(report: ShadowReport) -> str:
    """New ideas: counted, never credited."""
    if not report.proposals:
        return ""
    return (
        f"On {report.proposing_nights} of {words.plural(len(report.nights), 'night')} it would also have asked for "
        f"{words.plural(report.proposals, 'new ad')}. They were never shown, so what they would have earned {CANNOT}; nothing "
        "here credits them."
    )


def settled(report: ShadowReport) -> str:
    """Which days are valued, and how late results are treated."""
    if report.worth.measure == "clicks":
        return "Clicks are valued on every decided day; they do not come late."
    until = report.worth.settled_until
    left = words.plural(report.worth.left_out_days, "day")
    what = MEASURE_WORDS[report.worth.measure]
    if until is None:
        return f"No day is {report.window_days} days old yet, so no {what} are settled and nothing is valued."
    return (
        f"Only settled days are valued: {what} of the last {left} may still come in, so the value ends on {words.day(until)} "
        f"(window {report.window_days} days)."
    )


def caveats(report: ShadowReport) -> list[str]:
    """What this method cannot see, whatever the lever."""
    found = [
        "Each night is decided with what was known that morning, among the ads that ran; an ad the engine took down stays "
        "down. It learns from the traffic that was really served, not from its own.",
        settled(report),
        "Its split is valued at the rates each ad really had that day, on the traffic each audience really had. An ad shown "
        "more often may wear out sooner, and an impression is taken to cost the same whichever ad fills it.",
        *([ideas(report)] if report.proposals else []),
    ]
    if report.sources:
        found.append(
            "An export says what is known today and not what was known before, so past nights are given clicks from the next "
            f"morning on, and conversions and revenue only after {words.plural(report.window_days, 'day')}."
        )
    return [*found, *(words.sentence(note) for note in report.notes)]
