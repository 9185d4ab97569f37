"""A night and a campaign's state in plain words, for the command line, the log and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dco.records import Making, Missed
from dco.reports import making, words


@dataclass(frozen=True, slots=True)
class Move:
    """One ad whose share changed. `name` is what a reader calls it; shares are fractions of its segment's traffic."""

    name: str
    segment: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Change:
    """One ad that was retired, or made, and why, in the plan's own words."""

    name: str
    segment: str
    why: str = ""


def _counted(changes: Sequence[Change], verb: str) -> str:
    """'retired 3, first #03 in commuters (earns 20 % less than #01)'."""
    first = changes[0]
    named = f"{first.name} in {words.pretty(first.segment)}"
    why = f" ({first.why.strip().rstrip('.')})" if first.why else ""
    return f"{verb} {named}{why}" if len(changes) == 1 else f"{verb} {len(changes)}, first {named}{why}"


def _moved(moves: Sequence[Move]) -> str:
    moves = [m for m in moves if words.share(m.before) != words.share(m.after)]
    if not moves:
        return ""
    big = max(moves, key=lambda m: (abs(m.after - m.before), m.name))
    verb = "raised" if big.after > big.before else "lowered"
    text = f"{verb} {big.name} in {words.pretty(big.segment)} from {words.share(big.before)} to {words.share(big.after)} of traffic"
    others = len(moves) - 1
    return text + (f" and moved {words.plural(others, 'other')}" if others else "")


def night_sentence(
    day: date,
    *,
    version: int | None = None,
    moved: Sequence[Move] = (),
    retired: Sequence[Change] = (),
    born: Sequence[Change] = (),
    waiting: int = 0,
    nothing_made_because: str = "",
    simulated: bool = False,
) -> str:
    """One line about one night: what moved, what was retired, what was made and why.

    Args:
        day: the business date the night closed.
        version: the allocation version it published; None when it published none.
        moved: ads whose share changed; the largest change is named, the others counted.
        waiting: ads that wait for approval after this night.
        nothing_made_because: why no ad was made, where that was a decision (the stop rule, the budget).

    >>> night_sentence(date(2026, 3, 3), version=4, moved=[Move("#07", "commuters", 0.21, 0.38)])
    '3 March 2026: raised #07 in commuters from 21 % to 38 % of traffic. Version 4.'
    """
    acts = [text for text in (_moved(moved),) if text]
    if retired:
        acts.append(_counted(retired, "retired"))
    if born:
        acts.append(_counted(born, "made"))
    elif nothing_made_because:
        acts.append(f"made nothing new because {nothing_made_because.strip().rstrip('.')}")
    head = f"{words.day(day)}{' (simulated)' if simulated else ''}: "
    text = "; ".join(acts) if acts else "nothing changed"
    tail = [f"{words.plural(waiting, 'ad waits', 'ads wait')} for approval"] if waiting else []
    tail += [f"version {version}"] if version is not None else ["no new version"]
    return f"{head}{text}. {'; '.join(tail).capitalize()}."


def first_night_sentence(day: date, *, version: int, ads: int, made: int = 0, simulated: bool = False) -> str:
    """The night on which the first ads go live, on equal shares.

    >>> first_night_sentence(date(2026, 3, 2), version=1, ads=15)
    '2 March 2026: 15 ads go live on equal shares; nothing has been learnt yet. Version 1.'
    """
    head = f"{words.day(day)}{' (simulated)' if simulated else ''}: "
    also = f"; made {made} more" if made else ""
    return f"{head}{ads} ads go live on equal shares; nothing has been learnt yet{also}. Version {version}."


def missed_sentence(ideas: int, missed: Sequence[Missed], most: int = 3) -> str:
    """One line about the ideas that gave no ad; at most `most` of them are named, the others counted.

    >>> from dco.records import Genome
    >>> beach = Genome.of({"palette": "amber", "scene": "beach"})
    >>> missed_sentence(15, [Missed("commuters", beach, "blurred", ("sharpness", "sharpness"))])
    '1 of 15 ideas gave no ad: amber beach in commuters (refused twice by gate sharpness: blurred).'
    """
    named = [f"{_called(m)} in {words.pretty(m.segment)} ({_why(m)})" for m in missed[:most]]
    others = len(missed) - len(named)
    listed = "; ".join([*named, *([words.plural(others, "other")] if others else [])])
    return f"{len(missed)} of {words.plural(ideas, 'idea')} gave no ad: {listed}."


def _called(miss: Missed) -> str:
    options = miss.genome.as_dict()
    return words.idea(options) or ", ".join(options.values()) or "an idea"


def _why(miss: Missed) -> str:
    """'refused twice by gate sharpness: blurred'; a reason that no gate gave stands alone."""
    why, gates = miss.reason.removeprefix("no picture: ").rstrip("."), [g for g in miss.gates if g]
    if not gates:
        return why
    if len(gates) > 1 and len(set(gates)) == 1:
        return f"refused twice by gate {gates[0]}: {why}"
    return f"refused by gate {', then by gate '.join(gates)}: {why}"


@dataclass(frozen=True, slots=True)
class Status:
    """What `dco status` tells. None means that there is none yet."""

    campaign: str
    as_of: datetime
    version: int | None = None
    last_night: date | None = None
    live: int = 0
    pending: int = 0
    approved: int = 0
    retired: int = 0
    newest_day: date | None = None
    """Newest day any report has told about."""
    newest_file: datetime | None = None
    stale_after_days: int | None = None
    spend_micros: int | None = None
    total_micros: int | None = None
    currency: str = "EUR"
    simulated: str | None = None
    making: tuple[tuple[str, Making], ...] = ()
    """(of when, what pictures took), such as of the last night and of the whole flight."""
    folder: str = ""
    """Where the campaign file lies, as commands take it; empty: the campaign's key stands for it."""


def status_text(status: Status) -> str:
    """A campaign's state in a few aligned lines, the thing to do last."""
    ads = [
        f"{status.live} live",
        f"{status.pending} waiting for approval",
        f"{status.approved} approved, not yet live",
    ]
    ads += [f"{status.retired} retired"]
    lines = [
        (
            "Campaign",
            status.campaign + (f"  (SIMULATED MARKET: {status.simulated})" if status.simulated else ""),
        )
    ]
    lines.append(("Ads", ", ".join(ads)))
    night = "none yet" if status.last_night is None else words.day(status.last_night)
    lines.append(
        ("Last night", night + (f", version {status.version}" if status.version is not None else ""))
    )
    lines.append(("Data", _freshness(status)))
    if status.spend_micros is not None:
        spent = words.money(status.spend_micros, status.currency)
        if status.total_micros:
            part = words.share(status.spend_micros / status.total_micros)
            spent += f" of {words.money(status.total_micros, status.currency)} ({part})"
        lines.append(("Spend", spent))
    for i, (when, taken) in enumerate(status.making):
        lines.append(("" if i else "Pictures", f"{when}: {making.sentence(taken)}"))
    lines.append(("Next", _next(status)))
    return "\n".join(f"{name:<11}{text}" for name, text in lines)


def _stale(status: Status) -> bool:
    if status.newest_day is None or status.stale_after_days is None:
        return False
    return (status.as_of.date() - status.newest_day).days > status.stale_after_days


def _freshness(status: Status) -> str:
    if status.newest_day is None:
        return "no report has been read yet"
    text = f"reported up to {words.day(status.newest_day)}"
    if status.newest_file is not None:
        text += f", newest file {words.age(status.as_of - status.newest_file)} old"
    return text + (" (STALE)" if _stale(status) else "")


def _next(status: Status) -> str:
    where = status.folder or status.campaign
    if status.pending:
        return (
            f"look at {words.plural(status.pending, 'new ad')} in the gallery, then: dco approve {where} all"
        )
    if status.newest_day is None:
        return f"put a platform report into the inbox, then: dco ingest {where}"
    if _stale(status):
        return f"fetch newer platform reports, then: dco ingest {where}"
    if not status.live and status.approved:
        return f"decide with what is approved: dco nightly {where}"
    return "nothing waits for you"
