"""The optimizer's view: all as-of versions, with segments, shares and levers, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dco import schemas
from dco.errors import BadData
from dco.records import Creative, Delivery
from dco.store import arms, ledger, versions
from dco.store.history import arm_days, history, unplaced
from dco.store.workspace import Workspace

from .examples import creative, day, delivery, noon, row, shares

A, B, SHARED = (
    creative("a", scene="beach"),
    creative("b", scene="city", cta="buy"),
    creative("s", scene="wood"),
)
PLACES = {("google_ads", "1"): ("search", "rotation"), ("meta", "1"): ("feed", "budget")}
SEGMENTS = {"g-young": "young", "g-old": "old"}


def fill(workspace: Workspace, deliveries: Sequence[Delivery], made: Sequence[Creative] = (A, B)) -> None:
    with workspace.write() as conn:
        for each in made:
            arms.save_creative(conn, "c", each, day(0), False, noon(0))
        for each in deliveries:
            ledger.apply(conn, each, max(each.stamp, noon(0)))


def look(
    workspace: Workspace,
    *columns: str,
    as_of: date | None = None,
    attributes: Sequence[str] = ("scene", "cta"),
) -> Any:
    with workspace.read() as conn:
        table = history(conn, "c", attributes, as_of=as_of, placements=PLACES, segments=SEGMENTS)
    assert table.schema == schemas.history(list(attributes))
    return list(zip(*(table[n].to_pylist() for n in columns))) if columns else table


def test_every_as_of_version_of_a_day_is_there(workspace: Workspace) -> None:
    """The reporting triangle: conversions of one day grow as it is read again."""
    late = [("0", 1), ("1.5", 2), ("2.25", 4)]
    fill(
        workspace,
        [delivery([row(day(0), 100, arm_id=A.arm_id, conversions=n)], stamp=noon(at)) for n, at in late],
    )
    assert look(workspace, "as_of", "conversions") == [(day(1), 0.0), (day(2), 1.5), (day(4), 2.25)]
    assert look(workspace, "as_of", as_of=day(3)) == [(day(1),), (day(2),)]


def test_of_several_files_on_one_date_the_last_counts(workspace: Workspace) -> None:
    stamps = [noon(1), noon(1) + timedelta(hours=3)]
    fill(
        workspace, [delivery([row(day(0), 10 + i, arm_id=A.arm_id)], stamp=at) for i, at in enumerate(stamps)]
    )
    assert look(workspace, "as_of", "impressions") == [(day(1), 11)]


def test_a_row_that_a_restatement_removed_becomes_zero_not_stale(workspace: Workspace) -> None:
    both = [row(day(0), 100, arm_id=A.arm_id, viewable=5), row(day(0), 50, arm_id=B.arm_id, clicks=2)]
    fill(workspace, [delivery(both, stamp=noon(1)), delivery(both[:1], stamp=noon(2))])
    found = look(workspace, "arm_id", "as_of", "impressions", "viewable", "clicks", "delivered_share")
    gone = [r[1:] for r in found if r[0] == B.arm_id]
    assert gone == [(day(1), 50, None, 2, 50 / 150), (day(2), 0, None, 0, 0.0)]
    kept = [r[1:] for r in found if r[0] == A.arm_id]
    assert kept == [(day(1), 100, 5, 0, 100 / 150), (day(2), 100, 5, 0, 1.0)]


def test_rows_of_one_cell_add_up_and_what_was_never_said_stays_null(workspace: Workspace) -> None:
    twice = [
        row(day(0), 10, arm_id=A.arm_id, size="300x250", spend_micros=3),
        row(day(0), 5, arm_id=A.arm_id, size="300x250"),
    ]
    fill(workspace, [delivery([*twice, row(day(0), 1, arm_id=A.arm_id)], stamp=noon(1))])
    found = look(workspace, "size", "impressions", "spend_micros", "revenue_micros")
    assert sorted(found, key=str) == [("300x250", 15, 3, None), (None, 1, None, None)]


def test_segment_comes_from_the_ad_group_then_from_the_arms_only_home(workspace: Workspace) -> None:
    young, old = (
        Creative(**{n: getattr(SHARED, n) for n in SHARED.__slots__} | {"segment": s})
        for s in ("young", "old")
    )
    rows = [
        row(day(0), 1, arm_id=SHARED.arm_id, ad_group_id="g-young"),
        row(day(0), 2, arm_id=SHARED.arm_id, ad_group_id="g-old"),
        row(day(0), 4, arm_id=SHARED.arm_id, ad_group_id="g-unknown", spend_micros=9),
        row(day(0), 8, arm_id=A.arm_id, ad_group_id="g-unknown"),
        row(day(0), 16, arm_id=A.arm_id, ad_group_id="g-old"),
        row(day(0), 32),
        row(day(0), 64, arm_id="dco0000000000000000"),
    ]
    fill(workspace, [delivery(rows, stamp=noon(1))], (A, B, young, old))
    found = {(s, arm): n for s, arm, n in look(workspace, "segment", "arm_id", "impressions")}
    assert found == {
        ("young", SHARED.arm_id): 1,
        ("old", SHARED.arm_id): 2,
        ("all", A.arm_id): 8,
        ("old", A.arm_id): 16,
    }
    with workspace.read() as conn:
        lost = unplaced(conn, "c", segments=SEGMENTS).to_pylist()
    assert lost == [
        {"ad_group_id": "g-unknown", "arm_id": SHARED.arm_id, "impressions": 4, "spend_micros": 9}
    ]


def test_arms_bring_their_attributes_and_accounts_their_placement(workspace: Workspace) -> None:
    where = [("google_ads", "1"), ("meta", "1"), ("meta", "9")]
    made = [
        delivery([row(day(0), 1, arm_id=B.arm_id)], stamp=noon(1), platform=p, account=a) for p, a in where
    ]
    fill(workspace, made)
    found = look(workspace, "placement", "lever", "attributes", attributes=("scene", "subhead"))
    genome = {"scene": "city", "subhead": None}
    assert found == [("feed", "budget", genome), ("meta:9", None, genome), ("search", "rotation", genome)]


def test_delivered_share_knows_every_placement_as_of_that_date(workspace: Workspace) -> None:
    """Meta was read on the 1st only; what Google says on the 2nd is a share of both."""
    google = [delivery([row(day(0), n, arm_id=A.arm_id)], stamp=noon(at)) for n, at in ((100, 1), (150, 2))]
    meta = delivery([row(day(0), 50, arm_id=B.arm_id)], stamp=noon(1), platform="meta")
    fill(workspace, [*google, meta])
    found = look(workspace, "placement", "as_of", "delivered_share")
    assert sorted(found) == [
        ("feed", day(1), 50 / 150),
        ("search", day(1), 100 / 150),
        ("search", day(2), 150 / 200),
    ]


def test_intended_share_is_that_of_the_version_live_on_the_day(workspace: Workspace) -> None:
    rows = [row(day(n), 10, arm_id=arm.arm_id) for n in range(5) for arm in (A, B)]
    fill(workspace, [delivery(rows, stamp=noon(6))])
    with workspace.write() as conn:
        for arm in (A, B):
            arms.record(conn, "c", arm.arm_id, "approved", by="me", now=noon(0))
        halves = shares([("all", A.arm_id, 0.5, 0.0), ("all", B.arm_id, 0.5, 0.0)])
        versions.publish(
            conn, "c", {}, halves, run=day(1), now=noon(1), levers={"search": "rotation", "feed": "budget"}
        )
        versions.publish(conn, "c", {}, shares([("all", A.arm_id, 1.0, 0.0)]), run=day(3), now=noon(3))
    found = {(on, arm): share for on, arm, share in look(workspace, "day", "arm_id", "intended_share")}
    assert [found[day(n), A.arm_id] for n in range(5)] == [None, 0.5, 0.5, 1.0, 1.0]
    assert [found[day(n), B.arm_id] for n in range(5)] == [None, 0.5, 0.5, 0.0, 0.0]
    with workspace.read() as conn:
        days = arm_days(conn, "c", segments=SEGMENTS)
    assert days.filter(pa.compute.equal(days["arm_id"], B.arm_id))["share"].to_pylist() == [
        None,
        0.5,
        0.5,
        0.0,
        0.0,
    ]


def test_arm_days_sum_placements_and_sizes_of_the_newest_knowledge(workspace: Workspace) -> None:
    google = [
        delivery(
            [row(day(0), n, arm_id=A.arm_id, size=s, clicks=1, conversions="0.5") for s in ("1x1", "2x2")],
            stamp=noon(at),
        )
        for n, at in ((100, 1), (150, 2))
    ]
    meta = delivery(
        [row(day(0), 7, arm_id=A.arm_id, spend_micros=4, revenue_micros=3)], stamp=noon(1), platform="meta"
    )
    fill(workspace, [*google, meta])
    with workspace.read() as conn:
        table = arm_days(conn, "c", segments=SEGMENTS)
        earlier = arm_days(conn, "c", segments=SEGMENTS, as_of=day(1))
    said = {
        "segment": "all",
        "arm_id": A.arm_id,
        "day": day(0),
        "impressions": 307,
        "clicks": 2,
        "conversions": 1.0,
    }
    assert table.schema == schemas.ARM_DAYS
    assert table.to_pylist() == [said | {"revenue_micros": 3, "spend_micros": 4, "share": None}]
    assert earlier["impressions"].to_pylist() == [207]


def test_the_newest_version_in_history_is_what_arm_days_say(workspace: Workspace) -> None:
    """Two routes to the same totals, over restatements that add, change and remove rows."""
    made = [
        delivery(
            [row(day(n), (n + 3) * at, arm_id=arm.arm_id, size=s) for n in range(4) for arm in (A, B)[: 1 + (n + at) % 2] for s in ("1x1", "2x2")],
            stamp=noon(5 + at),
            first_day=day(0),
            last_day=day(4),
        )
        for at in range(3)
    ]  # fmt: skip
    fill(workspace, made)
    table = look(workspace)
    newest = (
        table.filter(pa.compute.equal(table["as_of"], day(7)))
        .group_by(["arm_id", "day"])
        .aggregate([("impressions", "sum")])
    )
    totals = {
        (r["arm_id"], r["day"]): r["impressions_sum"] for r in newest.to_pylist() if r["impressions_sum"]
    }
    with workspace.read() as conn:
        days = arm_days(conn, "c", segments=SEGMENTS).to_pylist()
    assert totals == {(r["arm_id"], r["day"]): r["impressions"] for r in days}


def test_an_empty_ledger_gives_empty_tables_of_the_right_form(workspace: Workspace) -> None:
    assert look(workspace).num_rows == 0
    with workspace.read() as conn:
        assert arm_days(conn, "c", segments={}).equals(schemas.ARM_DAYS.empty_table())
        assert unplaced(conn, "c", segments={}).num_rows == 0
        assert ledger.known(conn).equals(schemas.REPORT.empty_table())


def test_two_currencies_are_never_added(workspace: Workspace) -> None:
    rows = [row(day(0), 1, arm_id=A.arm_id, currency=unit) for unit in ("EUR", "USD")]
    fill(workspace, [delivery(rows, stamp=noon(1))])
    with pytest.raises(BadData, match="EUR, USD"):
        look(workspace)


def test_another_campaigns_arms_stay_out(workspace: Workspace) -> None:
    fill(workspace, [delivery([row(day(0), 1, arm_id=A.arm_id)], stamp=noon(1))])
    with workspace.read() as conn:
        assert history(conn, "other", (), as_of=None, placements={}, segments={}).num_rows == 0
        assert ledger.known(conn, campaign="other").num_rows == 0
        assert ledger.known(conn, campaign="c").num_rows == 1
