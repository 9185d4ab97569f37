"""A night in one line, and a campaign's state in a few."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from dco.reports.plain import Change, Move, Status, night_sentence, status_text

DAY = date(2026, 3, 3)
STATUS = Status(
    "spring", datetime(2026, 3, 16, 4, tzinfo=UTC), live=4, newest_day=date(2026, 3, 15), stale_after_days=3
)


def test_the_largest_move_is_named_and_the_others_are_counted():
    line = night_sentence(
        DAY,
        version=4,
        moved=[Move("A", "x", 0.2, 0.25), Move("B", "young_parents", 0.4, 0.1), Move("C", "x", 0.1, 0.1)],
    )
    assert (
        line
        == "3 March 2026: lowered B in young parents from 40 % to 10 % of traffic and moved 1 other. Version 4."
    )


def test_a_night_says_what_was_made_and_retired_and_why():
    line = night_sentence(
        DAY,
        version=5,
        retired=[Change("A", "x", "fell behind.")],
        born=[Change(n, "x") for n in "BCDE"],
        waiting=4,
    )
    assert (
        line
        == "3 March 2026: retired A in x (fell behind); made 4, first B in x. 4 ads wait for approval; version 5."
    )


def test_making_nothing_is_a_decision_with_its_reason():
    line = night_sentence(DAY, nothing_made_because="no idea earns back its cost")
    assert line == "3 March 2026: made nothing new because no idea earns back its cost. No new version."


def test_a_quiet_night_and_a_simulated_one_say_so():
    assert (
        night_sentence(DAY, version=1, simulated=True)
        == "3 March 2026 (simulated): nothing changed. Version 1."
    )


def test_a_line_stays_one_line():
    assert "\n" not in night_sentence(DAY, born=[Change("A", "x", "because")], waiting=1)


def test_status_names_the_next_thing_to_do():
    assert "look at 2 new ads" in status_text(replace(STATUS, pending=2))
    assert "nothing waits for you" in status_text(STATUS)
    assert "dco nightly" in status_text(replace(STATUS, live=0, approved=3))


def test_status_says_that_data_are_stale():
    old = replace(STATUS, newest_day=date(2026, 3, 10))
    assert "STALE" in status_text(old) and "fetch newer" in status_text(old)
    assert "no report has been read yet" in status_text(replace(STATUS, newest_day=None))


def test_status_marks_a_simulated_market_and_shows_the_budget():
    text = status_text(
        replace(STATUS, simulated="drift", spend_micros=500_000_000, total_micros=2_000_000_000)
    )
    assert "SIMULATED MARKET: drift" in text and "€500.00 of €2,000.00 (25 %)" in text
