"""One campaign from its file to creatives grown around what won, by the real parts; only the market is simulated."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from dco.errors import BadInput, Refused, UnknownName
from dco.jobs import draft
from dco.jobs.approve import approve, waiting
from dco.jobs.desk import open_desk
from dco.jobs.explain import explain
from dco.jobs.facts import arm_days
from dco.jobs.nightly import Night, nightly
from dco.jobs.publish import publish_arms
from dco.jobs.shadow import shadow
from dco.jobs.simulated import World, morning
from dco.jobs.status import status
from dco.reports import plain, reasons
from dco.reports import shadow as shadow_page
from dco.store import forecasts, versions
from dco.store.arms import arms

from .campaigns import small

ZONE = "Europe/Berlin"
MARKET = "additive market, seed 3"


def simulated(folder: Path) -> Path:
    file = small(folder)
    file.write_text(file.read_text() + f"\nsimulated: {MARKET}\n")
    return file


def run_nights(file: Path, nights: int, seed: int = 3) -> list[Night]:
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        world = World.of(desk.campaign, seed)
        told = []
        for t in range(nights):
            world.report(desk, t)
            told.append(nightly(file, now=morning(t, ZONE)))
            world.live_through(desk, t)
    return told


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Night]]:
    file = simulated(tmp_path_factory.mktemp("week") / "campaign")
    return file, run_nights(file, 8)


def test_whatever_tells_results_of_a_simulated_market_says_so(week: tuple[Path, list[Night]]) -> None:
    file, nights = week
    assert all("(simulated)" in night.sentence() for night in nights)
    with open_desk(file) as desk:
        found = status(desk, now=morning(8, ZONE))
        told = [plain.status_text(found.state), reasons.text(explain(desk))]
        arm = explain(desk).shares[0]["arm_id"]
        told += [reasons.text(explain(desk, arm=arm)), shadow_page.table(shadow(file, now=morning(8, ZONE)))]
        assert explain(desk).as_dict()["simulated"] == MARKET
        pages = [
            (desk.outbox / "report.html").read_text(),
            shadow_page.render(shadow(file, now=morning(8, ZONE))),
        ]
    assert found.nights and all("(simulated)" in line for line in found.nights)
    for text in (*told, *pages):
        assert "SIMULATED MARKET" in text and MARKET in text


def test_a_retirement_is_told_with_what_the_ad_earns_less_and_than_which(
    week: tuple[Path, list[Night]],
) -> None:
    _, nights = week
    behind = [n for n in nights if any("less than the leader" in r["why"] for r in n.retired[:1])]
    assert behind, "eight nights in which something loses"
    for night in behind:
        assert re.search(r"retired .*earns \d+ % less than dco[0-9a-f]{4}\b", night.sentence())


def test_new_creatives_are_grown_around_winners_and_keep_their_lineage(
    week: tuple[Path, list[Night]],
) -> None:
    file, nights = week
    born = [b for night in nights for b in night.born]
    grown = [b for b in born if b["expected_gain"] is not None]  # not those that fill a segment's first pool
    assert grown, "eight nights in a market with something to find"
    with open_desk(file) as desk, desk.workspace.read() as conn:
        rows = {row.arm_id: row for row in arms(conn, desk.campaign.key)}
    for one in grown:
        assert one["parents"], "an idea says whom it descends from"
        assert set(rows[one["arm_id"]].creative.parents) <= set(rows)


def test_every_version_is_a_share_of_one_with_the_holdout_in_it(week: tuple[Path, list[Night]]) -> None:
    file, nights = week
    with open_desk(file) as desk, desk.workspace.read() as conn:
        last = versions.current(conn, desk.campaign.key)
        assert last is not None and last.number == nights[-1].version
        for number in range(1, last.number + 1):
            rows = versions.at(conn, desk.campaign.key, number).shares.to_pylist()
            for segment in {r["segment"] for r in rows}:
                mine = [r for r in rows if r["segment"] == segment]
                assert sum(r["share"] for r in mine) == pytest.approx(1, abs=1e-9)
                assert sum(r["control_share"] for r in mine) == pytest.approx(
                    desk.campaign.plan.holdout, abs=1e-9
                )


def test_a_share_never_moves_by_more_than_the_daily_step(week: tuple[Path, list[Night]]) -> None:
    file, _ = week
    with open_desk(file) as desk, desk.workspace.read() as conn:
        last = versions.current(conn, desk.campaign.key)
        assert last is not None
        tables = [
            versions.at(conn, desk.campaign.key, n).shares.to_pylist() for n in range(1, last.number + 1)
        ]
        step = desk.campaign.plan.step
    shares = [{(r["segment"], r["arm_id"]): r["share"] for r in rows} for rows in tables]
    for before, after in itertools.pairwise(shares):
        for key in before.keys() | after.keys():
            assert abs(after.get(key, 0.0) - before.get(key, 0.0)) <= step + 1e-9


def test_every_share_idea_and_retirement_of_every_night_has_a_sentence(
    week: tuple[Path, list[Night]],
) -> None:
    file, nights = week
    with open_desk(file) as desk:
        told = [explain(desk, day=date.fromisoformat(night.day)) for night in nights]
        last = told[-1]
        assert explain(desk).day == last.day
        text = reasons.text(last)
        about = explain(desk, arm=last.shares[0]["arm_id"][:9])
        with pytest.raises(UnknownName, match="dco0000"):
            explain(desk, arm="dco0000")
        with pytest.raises(BadInput, match="no night of 2031-01-01"):
            explain(desk, day=date(2031, 1, 1))
    for one in told:
        for row in (*one.shares, *one.proposals, *one.retire):
            assert len(row["why"]) > 20, f"{one.day}: {row}"
        assert one.money and one.why
        served = {(r["segment"], r["arm_id"]) for r in one.shares}
        assert {(r["segment"], r["arm_id"]) for r in one.fatigue} <= served
    for row in last.shares:
        assert row["arm_id"][:7] in text
        (parts,) = (p for p in last.parts if (p["segment"], p["arm_id"]) == (row["segment"], row["arm_id"]))
        whole = (
            parts["base"] + sum(parts["options"].values()) + parts["together"] + parts["own"] + parts["wear"]
        )
        assert whole == pytest.approx(parts["log_rate"], abs=1e-9)
        low, high = math.log(row["low"]), math.log(row["high"])
        assert parts["log_rate"] == pytest.approx((low + high) / 2, abs=1e-6), (
            "the middle of the stated interval"
        )
    assert {r["arm_id"] for r in about.shares} == {last.shares[0]["arm_id"]} and not about.why


def test_forecasts_are_said_each_night_and_judged_once_their_day_has_settled(
    week: tuple[Path, list[Night]],
) -> None:
    file, nights = week
    with open_desk(file) as desk, desk.workspace.read() as conn:
        key = desk.campaign.key
        said = forecasts.listing(conn, key)
        days = arm_days(conn, desk).to_pylist()
    last = date.fromisoformat(nights[-1].day)
    first_clicks = min(f.said_on for f in said)
    assert {f.said_on for f in said} == {
        first_clicks + timedelta(days=i) for i in range((last - first_clicks).days + 1)
    }
    of_days = [f for f in said if f.name == "day.mid.clicks"]
    assert {f.outcome is not None for f in of_days if f.due <= last} == {True}
    assert all(f.outcome is None for f in said if f.due > last)
    for forecast in of_days:
        rows = [r for r in days if (r["segment"], r["day"]) == (forecast.subject, forecast.said_on)]
        if forecast.outcome is not None:
            counted = sum(r["clicks"] for r in rows) / sum(r["impressions"] for r in rows)
            assert forecast.outcome == pytest.approx(counted, rel=0.02)
    page = (file.parent / "outbox" / "report.html").read_text(encoding="utf-8")
    assert "How good were our forecasts?" in page and "What was decided, and why" in page
    assert f"{len(of_days)} forecasts were made" in page.replace("\u00a0", " ")


def fingerprint(file: Path) -> tuple[str, dict[str, str]]:
    """What the database says, and every file of store and outbox."""
    root = file.parent
    with sqlite3.connect(root / "store" / "dco.db") as conn:
        said = "\n".join(conn.iterdump())
    files = {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for folder in ("store/files", "outbox", "inbox")
        for p in sorted((root / folder).rglob("*"))
        if p.is_file()
    }
    return hashlib.sha256(said.encode()).hexdigest(), files


def test_the_second_run_of_a_night_changes_nothing(week: tuple[Path, list[Night]]) -> None:
    file, nights = week
    before = fingerprint(file)
    again = nightly(file, now=morning(len(nights) - 1, ZONE) + timedelta(hours=2))
    assert again.already_done
    assert again.sentence() == nights[-1].sentence()
    assert fingerprint(file) == before


def test_the_same_seed_tells_the_same_story(week: tuple[Path, list[Night]], tmp_path: Path) -> None:
    _, nights = week
    other = run_nights(simulated(tmp_path / "campaign"), 3)
    assert [n.sentence() for n in other] == [n.sentence() for n in nights[:3]]


@pytest.fixture(scope="module")
def third_morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with two nights behind it and the third morning's reports in its inbox."""
    file = small(tmp_path_factory.mktemp("base") / "campaign")
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        world = World.of(desk.campaign, 3)
        for t in range(2):
            world.report(desk, t)
            nightly(file, now=morning(t, ZONE))
            world.live_through(desk, t)
        world.report(desk, 2)
    return file


def third_night(file: Path) -> tuple[str, list[dict[str, object]], dict[str, str]]:
    """Run the third night of a copy: its sentence, its shares, and every file of store and outbox."""
    night = nightly(file, now=morning(2, ZONE))
    assert not night.already_done
    with open_desk(file) as desk, desk.workspace.read() as conn:
        last = versions.current(conn, desk.campaign.key)
    assert last is not None
    skip = ("report.html", "gallery.html")  # they print the folder's own path in their commands
    files = {k: v for k, v in fingerprint(file)[1].items() if not k.endswith(skip)}
    return night.sentence(), last.shares.to_pylist(), files


DIE = """
import os, sys
from dco.jobs.nightly import nightly
from dco.jobs.simulated import morning
nightly(sys.argv[1], now=morning(2, sys.argv[3]), stop_before=lambda step: os._exit(9) if step == sys.argv[2] else None)
"""


@pytest.fixture(scope="module")
def unbroken(third_morning: Path) -> tuple[str, list[dict[str, object]], dict[str, str]]:
    copy = third_morning.parent.with_name("unbroken")
    shutil.copytree(third_morning.parent, copy)
    return third_night(copy / third_morning.name)


@pytest.mark.parametrize("step", ["ingest", "decide", "create", "publish", "deliver", "finish"])
def test_a_night_killed_at_a_step_ends_like_an_unbroken_one(
    step: str, third_morning: Path, unbroken: tuple[str, list[dict[str, object]], dict[str, str]]
) -> None:
    """kill -9 at the boundary of each step, then run again: the same story, shares and files."""
    copy = third_morning.parent.with_name(f"killed-{step}")
    shutil.copytree(third_morning.parent, copy)
    file = copy / third_morning.name
    done = subprocess.run([sys.executable, "-c", DIE, str(file), step, ZONE], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert third_night(file) == unbroken


def test_nothing_unapproved_is_ever_published(tmp_path: Path) -> None:
    file = small(tmp_path / "campaign", by_rule=False)
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        first = waiting(desk)[0].arm_id
        with pytest.raises(Refused, match="not approved"):
            publish_arms(desk, [first], now=morning(0, ZONE))
        night = nightly(file, now=morning(0, ZONE))
        assert night.version is None and night.waiting == len(waiting(desk))
        approve(desk, ["all"], by="Jane Doe", now=morning(0, ZONE))
        night = nightly(file, now=morning(1, ZONE))
        assert night.version == 1
        with desk.workspace.read() as conn:
            assert {row.by for row in arms(conn, desk.campaign.key, state="live")} == {"nightly"}


def test_stale_reports_hold_the_night(week: tuple[Path, list[Night]], tmp_path: Path) -> None:
    file = small(tmp_path / "campaign")
    run_nights(file, 3)
    with open_desk(file) as desk, desk.workspace.read() as conn:
        before = versions.current(conn, desk.campaign.key)
    night = nightly(file, now=morning(9, ZONE))
    assert before is not None and night.version == before.number
    assert night.held and night.alerts and not night.born


def test_a_refused_report_is_set_aside_with_its_reason_and_the_night_goes_on(tmp_path: Path) -> None:
    file = small(tmp_path / "campaign")
    run_nights(file, 2)
    (file.parent / "inbox" / "leads.csv").write_text(
        "name,email\nJane Doe,jane@doe.example\n", encoding="utf-8"
    )
    night = nightly(file, now=morning(2, ZONE))
    assert any("leads.csv" in alert for alert in night.alerts)
    reason = (file.parent / "inbox" / "refused" / "leads.csv.reason.txt").read_text(encoding="utf-8")
    assert "jane@doe" not in reason


def test_guardrails_on_delivery_hold_a_spent_budget_and_tell_a_low_click_rate(tmp_path: Path) -> None:
    file = small(tmp_path / "campaign")
    run_nights(file, 2)
    text = file.read_text(encoding="utf-8")
    with open_desk(file) as desk:
        world = World.of(desk.campaign, 3)
        world.live_through(desk, 1)
        world.report(desk, 2)
    file.write_text(text.replace("holdout: 0.10", "holdout: 0.10\n  min_ctr: 0.9"), encoding="utf-8")
    told = nightly(file, now=morning(2, ZONE))
    assert any("under guardrails.min_ctr" in alert for alert in told.alerts) and not told.held
    file.write_text(text.replace("total: 30000", "total: 1"), encoding="utf-8")
    held = nightly(file, now=morning(3, ZONE))
    assert "budget is spent" in held.held and held.version == told.version
