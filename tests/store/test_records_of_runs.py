"""What runs leave behind: costs, sheets and forecasts."""

from __future__ import annotations

import pytest

from dco.errors import BadData, Refused
from dco.store import costs, forecasts, runs, sheets
from dco.store.workspace import Workspace

from .examples import DAY, NOON, day, sha


@pytest.fixture
def run(workspace: Workspace) -> runs.Run:
    with workspace.write() as conn:
        return runs.claim(conn, "c", DAY, now=NOON, owner="me", lease_seconds=60, seed=1, config="x")


def test_costs_add_up_by_kind_and_currency(workspace: Workspace, run: runs.Run) -> None:
    with workspace.write() as conn:
        costs.add(conn, run, "r1", "generate", seconds=1.5, micros=10, currency="EUR")
        costs.add(conn, run, "r2", "generate", seconds=2.5, micros=20, currency="EUR")
        costs.add(
            conn, run, "r2", "generate", seconds=2.5, micros=25, currency="EUR"
        )  # booked again, not twice
        costs.add(conn, run, "r3", "hosted", seconds=0, micros=7, currency="USD")
        with pytest.raises(BadData, match="negative"):
            costs.add(conn, run, "r4", "generate", seconds=0, micros=-1, currency="EUR")
        expected = [costs.Spent("generate", "EUR", 2, 4.0, 35), costs.Spent("hosted", "USD", 1, 0.0, 7)]
        assert costs.spent(conn, "c") == costs.spent(conn, "c", run=run) == expected
        assert costs.spent(conn, "other") == []


def test_a_sheet_handed_over_is_what_it_was(workspace: Workspace, run: runs.Run) -> None:
    with workspace.write() as conn:
        assert sheets.save(conn, "c", 1, "a\r\nü\n", name="meta") == sha("a\r\nü\n")
        assert sheets.save(conn, "c", 1, "a\r\nü\n", name="meta") == sha("a\r\nü\n")
        with pytest.raises(Refused, match="other rows"):
            sheets.save(conn, "c", 1, "b", name="meta")
        sheets.save(conn, "c", 1, "b", name="google")
        assert [(s.name, s.text) for s in sheets.of_version(conn, "c", 1)] == [
            ("google", "b"),
            ("meta", "a\r\nü\n"),
        ]
        assert sheets.of_version(conn, "c", 2) == []


def test_forecasts_wait_for_their_day_and_are_judged_once(workspace: Workspace, run: runs.Run) -> None:
    with workspace.write() as conn:
        forecasts.say(conn, run, "arm a", "win", 0.8, day(3))
        forecasts.say(conn, run, "arm a", "win", 0.1, day(3))  # a second word changes nothing
        assert forecasts.due(conn, "c", day(2)) == []
        (due,) = forecasts.due(conn, "c", day(3))
        assert (due.value, due.said_on, due.outcome) == (0.8, DAY, None)
        forecasts.judge(conn, due, 1.0)
        assert forecasts.due(conn, "c", day(9)) == []
        assert [f.outcome for f in forecasts.listing(conn, "c")] == [1.0]
        with pytest.raises(BadData, match="judged already"):
            forecasts.judge(conn, due, 0.0)
