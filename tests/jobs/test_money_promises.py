"""From a campaign file's money rules to a night's budgets, and to a publication that is refused. The market is simulated."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from dco.errors import BrokenPromise
from dco.jobs import draft
from dco.jobs.desk import open_desk
from dco.jobs.nightly import Night, nightly
from dco.jobs.publish import publish
from dco.jobs.simulated import World, morning
from dco.store import versions
from dco.store.tables import steps

from ..journeys.campaigns import small

ZONE = "Europe/Berlin"


class Stopped(Exception):
    pass


def _before_publish(step: str) -> None:
    if step == "publish":
        raise Stopped


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World, Night]:
    """Two nights of a campaign with a minimum spend, bounds on a segment's money and a click rate to keep."""
    file = small(tmp_path_factory.mktemp("money") / "campaign")
    text = file.read_text(encoding="utf-8")
    text = text.replace(
        "  creation_per_night: 5\n",
        "  creation_per_night: 5\n  min_per_creative: 2\n  segments:\n    commuters: {min_share: 0.1, max_share: 0.6}\n",
        1,
    )
    text = text.replace("  click_value: 0.40", "  ctr_min: 0.001\n  click_value: 0.40").replace(
        "max_new: 2", "max_new: 0"
    )
    file.write_text(text, encoding="utf-8")
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE))
        world = World.of(desk.campaign, 5)
        for t in range(2):
            world.report(desk, t)
            night = nightly(file, now=morning(t, ZONE))
            world.live_through(desk, t)
    return file, world, night


def test_a_night_says_what_every_segment_and_placement_gets_within_the_daily_budget(
    campaign: tuple[Path, World, Night],
) -> None:
    file, _, night = campaign
    assert {(b["segment"], b["placement"]) for b in night.budgets} == {
        (s, p) for s in ("commuters", "home_baristas", "gift_buyers") for p in ("display", "feed")
    }
    money = sum(b["money_micros"] for b in night.budgets)
    assert 0 < money <= 900_000_000
    assert any(t.startswith("Money: ") and "is left for 273 nights" in t for t in night.why), night.why
    assert any("a click rate of at least 0.100% holds" in t for t in night.why)
    changes = (file.parent / "outbox" / "google-ads-editor.changes.txt").read_text()
    assert "money commuters, feed: " in changes and "EUR a day" in changes
    assert "expected and no advice: lever 'rotation'" in changes


def test_a_plan_that_breaks_a_promise_is_not_published_and_the_night_says_which(
    campaign: tuple[Path, World, Night],
) -> None:
    file, world, before = campaign
    with open_desk(file) as desk:
        world.report(desk, 2)
        with pytest.raises(Stopped):
            nightly(file, now=morning(2, ZONE), stop_before=_before_publish)
        with desk.workspace.write() as conn:
            newest = select(steps).where(steps.c.name == "decide").order_by(steps.c.run.desc()).limit(1)
            stored = conn.execute(newest).mappings().one()
            plan = dict(stored["output"])
            rows = [dict(r) for r in plan["shares"]]
            mine = sorted((r for r in rows if r["segment"] == "commuters"), key=lambda r: r["share"])
            for r in mine:
                r["share"] = 0.98 if r is mine[0] else 0.02 / (len(mine) - 1)
                r["control_share"] = min(r["control_share"], 0.01)
            edited = plan | {"shares": rows}
            with pytest.raises(
                BrokenPromise, match=r"commuters, .*nothing is published, and what is live stays live"
            ):
                publish(conn, desk, edited, day=desk.campaign.start, now=morning(2, ZONE))
            conn.execute(
                update(steps)
                .where(steps.c.name == "decide", steps.c.run == stored["run"])
                .values(output=edited)
            )
        night = nightly(file, now=morning(2, ZONE))
        assert night.version == before.version
        assert any(
            a.startswith("nothing published: commuters, ") and ("daily step" in a or "holdout" in a)
            for a in night.alerts
        )
        with desk.workspace.read() as conn:
            live = versions.current(conn, desk.campaign.key)
        assert live is not None and live.number == before.version
