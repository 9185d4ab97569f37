"""What runs leave behind: costs, sheets and forecasts."""

from __future__ import annotations

from typing import Any

import pytest

from dco.errors import BadData, Refused
from dco.records import Making
from dco.store import costs, forecasts, licences, runs, sheets
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


def test_what_pictures_took_is_summed_and_what_is_not_known_stays_so(
    workspace: Workspace, run: runs.Run
) -> None:
    with workspace.write() as conn:
        tonight = runs.claim(conn, "c", day(1), now=NOON, owner="me", lease_seconds=60, seed=1, config="x")
        first = [
            costs.PictureCost("a", "m", "made", 2.0, 0.5),
            costs.PictureCost("b", "m", "made", 3.0, None, 40_000, "USD"),
            costs.PictureCost("c", "m", "refused", reason="no hands"),
        ]
        costs.add_pictures(conn, run, first)
        costs.add_pictures(conn, run, first)  # booked again, not twice
        costs.add_pictures(conn, tonight, [costs.PictureCost("a", "m", "cached", 2.0, 0.5)])
        assert costs.making(conn, "c", run=run) == Making(2, 0, 1, 5.0, 0.5, 1, (("USD", 40_000),), 1)
        assert costs.making(conn, "c", run=tonight) == Making(cached=1)
        assert costs.making(conn, "c") == Making(2, 1, 1, 5.0, 0.5, 1, (("USD", 40_000),), 1)
        assert costs.making(conn, "c", keys=["a"]) == Making(1, 1, 0, 2.0, 0.5, 0, (), 1)
        assert costs.making(conn, "other") == costs.making(conn, "c", keys=[]) == Making()
        # Finished, paid for, and then refused by a gate: nobody sees it, and it is in the sums.
        costs.add_pictures(
            conn, tonight, [costs.PictureCost("d", "m", "refused", 1.0, 0.2, 9_000, "USD", "blurred")]
        )
        assert costs.making(conn, "c", run=tonight) == Making(0, 1, 1, 1.0, 0.2, 0, (("USD", 9_000),), 0)


def test_a_picture_whose_run_was_killed_before_it_booked_is_booked_as_made(
    workspace: Workspace, run: runs.Run
) -> None:
    found = costs.PictureCost("a", "m", "cached", 2.0, 0.5, 7, "EUR")
    with workspace.write() as conn:
        costs.add_pictures(conn, run, [found])
        costs.add_pictures(conn, run, [found])
        assert costs.making(conn, "c") == Making(1, 0, 0, 2.0, 0.5, 0, (("EUR", 7),), 0)


@pytest.mark.parametrize(
    "wrong", [{"seconds": -1.0}, {"watt_hours": -0.1}, {"micros": -1, "currency": "EUR"}, {"micros": 1}]
)
def test_a_negative_cost_or_a_price_without_currency_is_refused(
    workspace: Workspace, run: runs.Run, wrong: dict[str, Any]
) -> None:
    with workspace.write() as conn, pytest.raises(BadData):
        costs.add_pictures(conn, run, [costs.PictureCost("a", "m", "made", **wrong)])


def test_a_models_licence_is_the_newest_one_stated(workspace: Workspace) -> None:
    none, stated = licences.ModelLicence("m", ""), licences.ModelLicence("m", "Apache-2.0", by="Jane")
    with workspace.write() as conn:
        licences.save(conn, "c", none, now=NOON)
        licences.save(conn, "c", stated, now=NOON)
        licences.save(conn, "c", stated, now=NOON)
        assert licences.of_campaign(conn, "c") == {"m": stated}
        assert licences.of_campaign(conn, "other") == {}


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
