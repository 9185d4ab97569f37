"""How many ideas to have waiting for a person: a scarce gate is asked only for what it can answer.

What is visible is which arms wait and on which days earlier ones first served. By Little's law L = answers a day x wait,
the ideas that wait and the pace of new arms tell how long one asked about tonight will wait, whether answers are slow
because each takes days or because only some are given a week.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WEEK = 7
WINDOW_DAYS = 28
"""Newcomers are counted over the last four weeks: a person's pace changes, and a week alone is mostly chance."""
PATIENCE_DAYS = 7.0
"""An idea should be answered within a week; what is proposed later is grown from newer winners."""
PROBE = 1.5
"""So many times the ideas that the pace seen would answer may wait: a gate that can do more then shows it, and the next
estimate is greater. At 1 a slow start would never be outgrown."""
LEAST_WAITING = 4
"""Ideas of a segment that may wait whatever was seen: without any waiting nothing is learnt about the gate."""


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
