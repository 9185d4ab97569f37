"""What to do next, in order of urgency: each step is a rule over the report's inputs and cites its figure."""

from __future__ import annotations

from dataclasses import dataclass

from dco.reports import words
from dco.reports.reading import Reading
from dco.reports.words import pretty

SURE = 0.95
"""P(best) from which a segment's question counts as settled."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a short imperative, the reason with its figure, and a command where there is one."""

    act: str
    why: str
    command: str = ""


def steps(reading: Reading) -> list[Step]:
    """At most five next steps; never none."""
    rules = (_approve, _fresh, _gain, _season, _keep_testing, _settle, _randomise)
    found = [step for rule in rules if (step := rule(reading))]
    return found[:5] or [Step("Let it run", "Nothing waits for a decision.")]


def _approve(reading: Reading) -> Step | None:
    waiting = [c for c in reading.report.arms if c.state == "pending"]
    if not waiting:
        return None
    why = f"{words.plural(len(waiting), 'new ad waits', 'new ads wait')}; nothing goes live unapproved."
    return Step("Look at the new ads in the gallery", why, f"dco approve {reading.view.key} ARM")


def _fresh(reading: Reading) -> Step | None:
    limit = reading.view.stale_after_days
    if not reading.report.files:
        if reading.totals.impressions:
            return None
        return Step(
            "Bring in a first report",
            "No platform report has been read yet, so there is nothing to learn from.",
        )
    newest = max(f.last_day for f in reading.report.files)
    old = (reading.report.as_of.date() - newest).days
    if limit is None or old <= limit:
        return None
    return Step(
        "Fetch newer reports",
        f"The newest reported day is {words.day(newest)}, {words.plural(old, 'day')} ago.",
    )


def _gain(reading: Reading) -> Step | None:
    gain = reading.report.gain
    if (
        gain is None
        or gain.low is None
        or gain.high is None
        or not all(map(words.known, (gain.value, gain.low, gain.high)))
    ):
        return Step(
            "Keep the holdout running",
            f"What learning earns is {words.TOO_EARLY}; only the holdout can tell.",
        )
    told = words.change(gain.value, gain.low, gain.high)
    if gain.low > 0:
        return Step("Keep learning switched on", f"Its gain over the holdout is {told}, clear of zero.")
    if gain.high < 0:
        return Step("Stop and look into the nights", f"The chosen ads earned less than the holdout: {told}.")
    return Step("Keep the holdout running", f"The gain is {told}: zero is still inside the interval.")


def _season(reading: Reading) -> Step | None:
    overall = [r for r in reading.effects if r["segment"] is None and r["low"] is not None]
    proven = [r for r in overall if r["low"] > 0]
    if not proven:
        return None
    top = max(proven, key=lambda r: (r["effect"], r["attribute"], r["option"]))
    told = words.change(top["effect"], top["low"], top["high"])
    name = f"{pretty(top['attribute'])} “{pretty(top['option'])}”"
    return Step(f"Brief more of {name}", f"It earns {told} against the average option, over all segments.")


def _keep_testing(reading: Reading) -> Step | None:
    open_ = []
    for segment in reading.segments:
        best = reading.best(segment)
        belief = reading.posterior[segment, best.arm_id] if best else None
        if belief is None or (belief.p_best or 0) < SURE:
            open_.append(pretty(segment) + (f" ({words.chance(belief.p_best)})" if belief else ""))
    if not open_ or not reading.totals.impressions:
        return None
    return Step(
        f"Call no winner yet in {words.listed(open_)}",
        f"The leading ad there is less than {words.chance(SURE)} likely to be the best.",
    )


def _settle(reading: Reading) -> Step | None:
    late = sorted(u.day for u in reading.report.unsettled)
    if not late:
        return None
    why = f"The last {words.plural(len(late), 'day')} from {words.day(late[0])} will still change as late results arrive."
    return Step("Judge recent days later", why)


def _randomise(reading: Reading) -> Step | None:
    if reading.licence in (None, "randomised"):
        return None
    fair = [p.key for p in reading.report.placements if p.licence == "randomised"]
    if fair:
        why = "In the other placements the platform chooses the audience, which may explain part of any difference."
        return Step(f"Ask for causes only in {words.listed(fair)}", why)
    why = (
        "No placement here is randomised, so what the ads caused cannot be told from whom the platform chose."
    )
    return Step("Add a placement with weighted rotation", why)
