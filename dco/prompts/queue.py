"""How many ideas to have waiting for a person, and which of them: a scarce gate is asked only for what it can answer.

What is visible is which arms wait and on which days earlier ones first served. By Little's law L = answers a day x wait,
the ideas that wait and the pace of new arms tell how long one asked about tonight will wait, whether answers are slow
because each takes days or because only some are given a week.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK = 7
WINDOW_DAYS = 28
"""Newcomers are counted over the last four weeks: a person's pace changes, and a week alone is mostly chance."""
PATIENCE_DAYS = 7.0
"""An idea should be answered within a week; what is proposed later is grown from newer winners."""
PROBE = 1.5
"""So many times the ideas that the pace seen would answer may wait: a gate that can do more then shows it, and the next
estimate is greater. At 1 a slow start would never be outgrown."""
LEAST_WAIT_DAYS = 3.0
"""An answer comes after about three days at the earliest where ideas wait at all."""
LEAST_WAITING = 4
"""Ideas of a segment that may wait whatever was seen: without any waiting nothing is learnt about the gate."""
BETTER_BY = 1.25
"""A new idea takes the place of a waiting one that is worth this much less: that one's picture is paid for, and its turn
comes sooner."""


class Pace(NamedTuple):
    """What history shows of a segment's gate: ideas answered per day, yes or no, and the newcomers and days behind that."""

    answers_per_day: float
    newcomers: int
    days: int


def pace(first_day: Ints, today: int, rejected: int) -> Pace:
    """The gate's pace in one segment.

    Args:
        first_day: int[arm], the day on which each arm of the segment first served (any origin); those of the first day of
            all are the starting pool and passed no queue.
        today: the last day known. rejected: refusals of the segment so far; their days are not on record, so they are
            spread over the days as the approvals are.
    """
    if not len(first_day):
        return Pace(0.0, 0, 0)
    start = int(first_day.min())
    days = min(max(today - start, 0), WINDOW_DAYS)
    every = int((first_day > start).sum())
    lately = int(((first_day > start) & (first_day > today - WINDOW_DAYS)).sum())
    answered = lately * (1.0 + rejected / every) if every else float(rejected)
    return Pace(answered / days if days else 0.0, lately, days)


def room(waiting: int, seen: Pace, *, patience: float = PATIENCE_DAYS) -> int | None:
    """How many more ideas may be asked about tonight; None where nothing waits, so that the gate is no limit.

    With nothing waiting every idea so far was answered, and any number short of a flood will be.
    """
    if waiting == 0:
        return None
    most = max(LEAST_WAITING, int(np.ceil(PROBE * patience * seen.answers_per_day)))
    return max(most - waiting, 0)


def expected_wait_days(waiting: int, seen: Pace) -> float:
    """Days until an idea asked about tonight is answered, by Little's law; NaN where nothing was ever answered."""
    return (waiting + 1) / seen.answers_per_day if seen.answers_per_day > 0 else float("nan")


def soon_answered(seen: Pace, least_wait_days: float = LEAST_WAIT_DAYS) -> int:
    """How many of the oldest waiting ideas will be answered before one asked about tonight can be."""
    return int(np.ceil(least_wait_days * seen.answers_per_day))


def replace_stale(
    waiting: Floats, new: Floats, free: int | None, *, safe: int = 0, worthless: float = 0.0
) -> tuple[Ints, Ints]:
    """Which waiting ideas to withdraw and which new ones to ask about: positions int[withdrawn], int[asked].

    Args:
        waiting: float, what each waiting idea is expected to earn today (its gain times the chance of a yes), oldest first.
        new: the same of the new ideas.
        free: places left in the queue (`room`); None: as many as there are new ideas.
        safe: so many of the oldest are not replaced (`soon_answered`): a new idea waits from the start again, so that a
            queue whose next ones are replaced every night never gets an answer.
        worthless: a waiting idea worth no more than this is withdrawn even where nothing replaces it.

    The best new ideas take the free places; further ones take the place of the least waiting idea as long as they are
    worth `BETTER_BY` times as much.
    """
    order = np.argsort(-new, kind="stable")
    order = order[new[order] > worthless]
    gone = [int(i) for i in np.flatnonzero(waiting <= worthless)]
    places = len(order) if free is None else free + len(gone)
    asked = [int(i) for i in order[:places]]
    left = [int(i) for i in np.argsort(waiting, kind="stable") if i >= safe and waiting[i] > worthless]
    for candidate, stale in zip(order[places:], left):
        if not new[candidate] > BETTER_BY * waiting[stale]:
            break
        gone.append(stale)
        asked.append(int(candidate))
    return np.array(sorted(gone), dtype=np.int64), np.array(asked, dtype=np.int64)
