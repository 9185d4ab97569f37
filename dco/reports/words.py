"""Numbers, intervals, money, days and verdicts as people write them. Unknown and not-a-number become honest words.

One rule for digits: an estimate is shown with no more digits than its interval supports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dco.records import MICROS, Licence

UNKNOWN = "not known"
TOO_EARLY = "too early to say"
MINUS = "−"

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "PLN": "zł "}
_NO_CENTS = {"JPY", "KRW", "CLP", "ISK", "VND", "HUF"}
_WEAKEST_FIRST: tuple[Licence, ...] = ("platform-chosen", "budgeted", "randomised")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a licence lets us say: the verb for an effect, a label for a table, and the sentence a client should read."""

    licence: Licence
    verb: str
    label: str
    sentence: str


VERDICTS: dict[Licence, Verdict] = {
    "randomised": Verdict(
        "randomised",
        "caused",
        "caused",
        "Who saw which ad was drawn at random, so differences between ads were caused by the ads.",
    ),
    "budgeted": Verdict(
        "budgeted",
        "measured",
        "measured, delivery not randomised",
        "Money was split between ads, but the platform chose who saw each one. Differences are measured; the audience "
        "may explain part of them.",
    ),
    "platform-chosen": Verdict(
        "platform-chosen",
        "described",
        "described",
        "The platform chose both how often and to whom each ad was shown. Differences are described here and are not a test.",
    ),
}

_PERCENT = re.compile(r"((?<![\w.])[+-]?\d[\d.,]*)%")


def known(value: float | None) -> bool:
    """True for a finite number; None, NaN and infinities are not known."""
    return value is not None and math.isfinite(value)


def _per_cent_known(*values: float | None) -> bool:
    """True where each is a number whose percentage is one too: a fraction near the largest double has none."""
    return all(value is not None and math.isfinite(100 * value) for value in values)


def weakest(licences: Iterable[Licence]) -> Licence | None:
    """The weakest of several licences: a number over all placements may claim no more than it. None when there is none."""
    found = set(licences)
    return next((licence for licence in _WEAKEST_FIRST if licence in found), None)


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _trimmed(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", "0"} else _minus(text)


def number(value: float | None, significant: int = 3) -> str:
    """A plain number with `significant` digits: 0.01234 -> '0.0123', 1234.5 -> '1,234' (whole part is never cut)."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    digits = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return _minus(f"{value:,.{digits}f}")


def count(value: int | float | None) -> str:
    """A count with thousands separators: 1234567 -> '1,234,567'. Fractional conversions keep one digit."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return _minus(f"{value:,.0f}") if float(value).is_integer() else _minus(f"{value:,.1f}")


def percent(value: float | None, significant: int = 3) -> str:
    """A fraction as per cent: 0.0123 -> '1.23 %', 0.5 -> '50.0 %', 0.253 with 2 digits -> '25 %'."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{number(100 * value, significant)} %"


def percent_span(low: float, high: float) -> tuple[str, str]:
    """Both ends of an interval with the decimals its upper end deserves: (0.00972, 0.0113) -> ('0.97 %', '1.13 %')."""
    top = max(abs(low), abs(high)) * 100
    digits = max(0, 2 - math.floor(math.log10(top))) if top > 0 else 0
    return _minus(f"{100 * low:,.{digits}f} %"), _minus(f"{100 * high:,.{digits}f} %")


def share(value: float | None) -> str:
    """A share of traffic, whole per cent: 0.254 -> '25 %'; something above nothing never reads as zero: '<1 %'."""
    if value is None or not _per_cent_known(value):
        return UNKNOWN
    return "<1 %" if 0 < value < 0.005 else f"{100 * value:.0f} %"


def chance(probability: float | None) -> str:
    """A probability, never quite certain: '93 %', '>99 %', '<1 %'."""
    if probability is None or not math.isfinite(probability):
        return UNKNOWN
    if probability > 0.99:
        return ">99 %"
    if probability < 0.01:
        return "<1 %"
    return f"{100 * probability:.0f} %"


def chance_words(probability: float | None) -> str:
    """How sure we are that the leading ad is the best one of its segment."""
    if probability is None or not math.isfinite(probability):
        return TOO_EARLY
    steps = ((0.95, "almost certainly the best"), (0.8, "very likely the best"), (0.5, "probably the best"))
    return next((words for least, words in steps if probability >= least), "ahead, but too close to call")


def signed_percent(value: float | None, digits: int | None = None) -> str:
    """A relative change: 0.14 -> '+14 %', -0.034 -> '−3.4 %', 0 -> '0 %'. Ten per cent and more show no decimals."""
    if value is None or not _per_cent_known(value):
        return UNKNOWN
    digits = (0 if abs(value) >= 0.0995 else 1) if digits is None else digits
    text = _trimmed(100 * value, digits)
    return f"{'+' if value > 0 and text != '0' else ''}{text} %"


def change(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A relative change with its interval: (0.14, 0.06, 0.22) -> '+14 % (6 % to 22 %)'."""
    if value is None or not _per_cent_known(value):
        return TOO_EARLY
    if low is None or high is None or not _per_cent_known(low, high, high - low):
        return signed_percent(value)
    digits = _digits(100 * (high - low))
    ends = f"{_trimmed(100 * low, digits)} % to {_trimmed(100 * high, digits)} %"
    return f"{signed_percent(value, digits)} ({ends})"


def _digits(width: float) -> int:
    """Decimals such that an interval of this width spans at least about ten steps of the last digit shown."""
    return 0 if width >= 6 else (1 if width >= 0.6 else 2)


def money(micros: int | float | None, currency: str) -> str:
    """Micros of a currency: 1_234_560_000 EUR -> '€1,234.56'. Rounded half to even; unknown currencies show their code."""
    if micros is None or not math.isfinite(micros):
        return UNKNOWN
    digits = 0 if currency in _NO_CENTS else 2
    unit = MICROS // 10**digits
    units, rest = divmod(abs(round(micros)), unit)
    units += rest * 2 > unit or (rest * 2 == unit and units % 2 == 1)
    whole, cents = divmod(units, 10**digits)
    amount = f"{whole:,}" + (f".{cents:0{digits}d}" if digits else "")
    return f"{MINUS if micros < 0 and units else ''}{_SYMBOLS.get(currency, currency + ' ')}{amount}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 4.2 -> '4.2 s', 95 -> '1 min 35 s', 7260 -> '2 h 1 min'."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 60:
        return f"{number(seconds, 2)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def age(delta: timedelta) -> str:
    """How old something is: 'under an hour', '3 hours', '2 days'."""
    hours = delta.total_seconds() / 3600
    if hours < 1:
        return "under an hour"
    return plural(int(hours), "hour") if hours < 48 else plural(int(hours // 24), "day")


def day(value: date | None, *, year: bool = True) -> str:
    """A day without any machine's locale: '3 March 2026', or '3 March'."""
    if value is None:
        return UNKNOWN
    return f"{value.day} {_MONTHS[value.month - 1]}" + (f" {value.year}" if year else "")


def short_day(value: date) -> str:
    """For axes and narrow columns: '3 Mar'."""
    return f"{value.day} {_MONTHS[value.month - 1][:3]}"


def days(first: date, last: date) -> str:
    """A span of days: '3 to 16 March 2026', '28 February to 3 March 2026'."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(last)}"
    return f"{day(first, year=first.year != last.year)} to {day(last)}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """'1 ad', '3 ads', '2 entries'."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def pretty(key: str) -> str:
    """A key as a reader sees it: 'young_parents' -> 'young parents'."""
    return key.replace("_", " ")


def idea(genome: Mapping[str, str]) -> str:
    """The few words that tell an idea from its siblings; '' where it has none of them.

    >>> idea({"scene": "beach", "palette": "amber", "headline": "gift", "light": "soft"})
    "amber beach, 'gift'"
    """
    picture = " ".join(genome[a] for a in ("palette", "scene") if a in genome)
    words = f"'{genome['headline']}'" if "headline" in genome else ""
    return ", ".join(part for part in (picture, words) if part)


def sentence(text: str) -> str:
    """First letter upper case and a full stop at the end, whatever came in; percentages as everywhere here.

    >>> sentence("beach leads by +12%, amber is at -3.5%")
    'Beach leads by +12 %, amber is at −3.5 %.'
    """
    text = _PERCENT.sub(lambda m: m[1].replace("-", "−") + " %", text.strip())
    return text and text[0].upper() + text[1:] + ("" if text[-1] in ".!?:…" else ".")


def gain_words(
    value: float | None,
    low: float | None,
    high: float | None,
    licence: Licence | None,
    *,
    what: str,
    level: int = 90,
) -> str:
    """What a gain over the holdout means and how sure it is, in one or two sentences, within what the licence allows.

    Args:
        value, low, high: relative gain and its `level` % interval, 0.10 = +10 %.
        what: what was gained, e.g. 'clicks per impression'.
    """
    if value is None or low is None or high is None or not _per_cent_known(value, low, high, high - low):
        return (
            f"It is {TOO_EARLY} what learning earned: the untouched holdout has not gathered enough data yet."
        )
    less = "less" if what.startswith("revenue") else "fewer"
    more = f"{signed_percent(abs(value), _digits(100 * (high - low))).lstrip('+')} {'more' if value >= 0 else less} {what}"
    span = change(value, low, high).split("(")[1].rstrip(")")
    if low <= 0 <= high:
        return (
            f"The ads that learning chose brought {more} than the untouched holdout, but with {level} % confidence the truth "
            f"lies anywhere from {span}: it may be chance, and it is {TOO_EARLY}."
        )
    verb = {"randomised": "caused", "budgeted": "came with", "platform-chosen": "coincided with"}.get(
        licence or "platform-chosen", "came with"
    )
    caution = "" if licence == "randomised" else " " + VERDICTS[licence or "platform-chosen"].sentence
    return (
        f"Letting the ads learn {verb} {more} than the untouched holdout. With {level} % confidence the truth lies between "
        f"{span.replace(' to ', ' and ')}, so chance alone is an unlikely explanation.{caution}"
    )


def quality_line(values: Mapping[str, float]) -> str:
    """What the quality gates measured on a creative's backdrops, in one line; empty where nothing was measured.

    >>> quality_line({"sharpness.detail": 0.97, "copy_space.against_rest": 0.4, "adherence.colour": 1.84})
    '97 % of the detail; copy side 0.40 times as busy as the whole; colours 1.8 dE from the render'
    """
    parts = [text.format(unit * values[name]) for name, (unit, text) in _MEASURED.items() if name in values]
    doubts = [values[f"adherence.{a}"] for a in _READ if f"adherence.{a}" in values]
    if doubts:
        parts.append(f"reads as asked with {percent_of_surprise(max(doubts))}")
    elif parts and not any(name.startswith("adherence.") for name in values):
        parts.append("adherence not judged")
    return "; ".join(parts)


def percent_of_surprise(nats: float) -> str:
    """The probability whose surprise is given, in percent.

    >>> percent_of_surprise(0.0), percent_of_surprise(2.3026)
    ('100 %', '10 %')
    """
    share = 100 * math.exp(-nats)
    return f"{share:.0f} %" if share >= 1 else "under 1 %"


_READ = ("scene", "palette", "light", "composition", "season", "mood", "material")
_MEASURED = {
    "sharpness.detail": (100, "{:.0f} % of the detail"),
    "sharpness.edge": (1, "edges {:.1f} times as steep up close"),
    "copy_space.against_rest": (1, "copy side {:.2f} times as busy as the whole"),
    "adherence.colour": (1, "colours {:.1f} dE from the render"),
    "adherence.clip": (1, "CLIP score {:.3f}"),
}
