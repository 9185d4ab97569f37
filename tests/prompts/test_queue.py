from __future__ import annotations

import numpy as np
import pytest

from dco.prompts.queue import LEAST_WAITING, Pace, pace, room


def gate(per_week: int, delay: int, days: int) -> tuple[list[int], list[int]]:
    """A person who answers `delay` days after the asking and approves at most `per_week` a week, asked by the rule: days on
    which arms first served, and how many waited each day."""
    queue: list[int] = []
    served, waited = [0] * 4, []
    this_week = 0
    for today in range(days):
        this_week = 0 if today % 7 == 0 else this_week
        while queue and today - queue[0] >= delay and this_week < per_week:
            queue.pop(0)
            served.append(today + 1)
            this_week += 1
        seen = pace(np.array([d for d in served if d <= today]), today, 0)
        free = room(len(queue), seen)
        queue += [today] * min(3, 3 if free is None else free)
        waited.append(len(queue))
    return served, waited


def test_a_scarce_gate_is_asked_for_about_what_it_can_answer_and_is_kept_busy() -> None:
    served, waited = gate(per_week=5, delay=3, days=84)
    approved = len(served) - 4
    assert approved >= 0.9 * 5 * 12  # nothing that could be answered is missing
    assert (
        max(waited[28:]) <= 12 and np.mean(waited[28:]) / (5 / 7) < 15
    )  # asked every night, 250 would wait by then


def test_a_gate_that_answers_by_the_next_day_is_no_limit() -> None:
    served, waited = gate(per_week=1_000, delay=1, days=28)
    assert len(served) - 4 >= 3 * 26 and max(waited) <= 3


def test_the_pace_is_newcomers_per_day_and_the_refusals_that_came_with_them() -> None:
    first = np.array([0, 0, 0, 5, 9, 12, 40, 41])
    assert pace(first, 41, 0) == Pace(2 / 28, 2, 28)
    assert pace(first, 41, 5).answers_per_day == pytest.approx(2 * (1 + 5 / 5) / 28)
    assert pace(first[:4], 7, 0) == Pace(1 / 7, 1, 7)
    assert (
        pace(np.zeros(0, int), 7, 0) == Pace(0.0, 0, 0) and pace(np.zeros(3, int), 0, 2).answers_per_day == 0
    )


def test_a_gate_that_never_answered_is_asked_for_a_few_and_one_where_nothing_waits_is_no_limit() -> None:
    assert room(0, Pace(0.0, 0, 0)) is None
    assert room(1, Pace(0.0, 0, 0)) == LEAST_WAITING - 1 and room(9, Pace(0.0, 0, 0)) == 0
