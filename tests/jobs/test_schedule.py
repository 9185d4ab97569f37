"""The alarm clock: every business date of a flight exactly once, across clock changes, restarts and failures."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from dco.errors import BadInput
from dco.jobs import draft
from dco.jobs.simulated import day_of, morning
from dco.schedule import Schedule, alert, due_day, run_due, watch
from tests.journeys.campaigns import small

ZONES = (
    "Europe/Berlin", "America/New_York", "Europe/Helsinki", "Australia/Lord_Howe",
    "Pacific/Auckland", "America/Santiago", "Asia/Kolkata", "UTC",
)  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ["00:00", "00:30", "01:30", "02:30", "03:00"])
def test_ticks_through_two_years_meet_each_date_exactly_once(zone: str, at: str) -> None:
    """A tick every 30 minutes, two clock changes a year, one leap day: due dates go up by one day at a time."""
    moment, end = datetime(2027, 6, 1, tzinfo=UTC), datetime(2029, 6, 1, tzinfo=UTC)
    days: list[date] = []
    while moment < end:
        day = due_day(moment, zone, time.fromisoformat(at))
        if not days or day > days[-1]:
            days.append(day)
        moment += timedelta(minutes=30)
    assert all(b - a == timedelta(days=1) for a, b in itertools.pairwise(days))


def test_a_clock_that_goes_back_runs_no_date_again() -> None:
    later = due_day(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin", time(2, 30))
    earlier = due_day(datetime(2026, 10, 25, 0, 45, tzinfo=UTC), "Europe/Berlin", time(2, 30))
    assert earlier == later == date(2026, 10, 25)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    file = small(tmp_path / "campaign")
    from dco.jobs.desk import open_desk

    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, "Europe/Berlin"), per_segment=2)
    return file


def test_a_due_night_runs_once_and_missed_nights_are_said_aloud(campaign: Path) -> None:
    schedule = Schedule.of([str(campaign)], at="03:00")
    said: list[str] = []
    assert run_due(schedule, now=morning(0, "Europe/Berlin"), say=said.append) == 0
    assert len(said) == 1 and "go live" in said[0]
    run_due(schedule, now=morning(0, "Europe/Berlin") + timedelta(hours=5), say=said.append)
    assert len(said) == 1, "the night is done: the next ticks do nothing"
    run_due(schedule, now=morning(3, "Europe/Berlin"), say=said.append)
    assert any(f"no night was run from {day_of(1)} to {day_of(2)}" in line for line in said)
    assert (campaign.parent / "outbox" / "alerts.log").read_text(encoding="utf-8").count(
        "no night was run"
    ) == 1


def test_a_dead_scheduler_is_noticed_by_the_next_one(campaign: Path) -> None:
    schedule = Schedule.of([str(campaign)], at="03:00", alert_after_hours=26)
    said: list[str] = []
    run_due(schedule, now=morning(0, "Europe/Berlin"), say=lambda line: None)
    watch(schedule, now=morning(1, "Europe/Berlin"), say=said.append)
    assert said == []
    watch(schedule, now=morning(2, "Europe/Berlin"), say=said.append)
    assert len(said) == 1 and "no night has finished for 48 hours" in said[0]


def test_one_campaigns_failure_touches_no_other(campaign: Path, tmp_path: Path) -> None:
    broken = small(tmp_path / "broken")
    schedule = Schedule.of([str(broken), str(campaign)], at="03:00")
    broken.write_text("campaign: [", encoding="utf-8")
    said: list[str] = []
    assert run_due(schedule, now=morning(0, "Europe/Berlin"), say=said.append) == 2
    assert any("night failed" in line and "broken" in line for line in said)
    assert any("go live" in line for line in said)


def test_an_alert_is_not_repeated_within_the_hour(tmp_path: Path) -> None:
    said: list[str] = []
    now = datetime(2026, 3, 2, 3, 5, tzinfo=UTC)
    for minutes in (0, 1, 20):
        alert(str(tmp_path), now + timedelta(minutes=minutes), "disk is full", said.append)
    alert(str(tmp_path), now + timedelta(hours=1), "disk is full", said.append)
    assert len(said) == 2


@pytest.mark.parametrize("at", ["3:00", "24:00", "soon"])
def test_a_wrong_time_is_refused(at: str) -> None:
    with pytest.raises(BadInput, match="--at"):
        Schedule.of([], at=at)
