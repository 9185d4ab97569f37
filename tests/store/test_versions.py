"""I5, I6, I8: versions are whole, immutable, within their limits, and name approved arms only."""

from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.errors import BadData, Refused, StoreError, UnknownName
from dco.schemas import SHARES
from dco.store import arms, versions
from dco.store.versions import Limits
from dco.store.workspace import Workspace

from .conftest import dump
from .examples import creative, day, noon, shares

A, B, C = creative("a"), creative("b"), creative("c")
LEVERS = {"search": "rotation", "feed": "budget"}
EVEN = shares([("all", A.arm_id, 0.5, 0.1), ("all", B.arm_id, 0.5, 0.0)])
ONE = shares([("all", A.arm_id, 1.0, 0.1)])


@pytest.fixture
def ready(workspace: Workspace) -> Workspace:
    """Two approved arms and a drafted one."""
    with workspace.write() as conn:
        for made in (A, B, C):
            arms.save_creative(conn, "c", made, None, True, noon(0))
        for made in (A, B):
            arms.record(conn, "c", made.arm_id, "approved", by="me", now=noon(0))
    return workspace


def publish(workspace: Workspace, table: pa.Table, n: int = 1, body: object = None, **said: object) -> int:
    with workspace.write() as conn:
        return versions.publish(
            conn, "c", body or {"v": 1}, table, run=day(n), now=noon(n), levers=LEVERS, **said
        )  # type: ignore[arg-type]


def test_a_version_comes_back_whole(ready: Workspace) -> None:
    body = {"arms": [A.arm_id], "ü": 0.1}
    assert publish(ready, EVEN, body=body) == 1
    with ready.read() as conn:
        found = versions.current(conn, "c")
        assert found is not None and (found.number, found.day, found.at, found.body) == (
            1,
            day(1),
            noon(1),
            body,
        )
        assert sorted(found.shares.to_pylist(), key=str) == sorted(EVEN.to_pylist(), key=str)
        assert found.shares.schema == SHARES
        assert versions.current(conn, "other") is None


def test_what_changes_nothing_makes_no_version(ready: Workspace) -> None:
    assert [
        publish(ready, EVEN, 1),
        publish(ready, EVEN, 2),
        publish(ready, ONE, 3),
        publish(ready, EVEN, 4),
    ] == [1, 1, 2, 3]
    believed = EVEN.set_column(4, "p_best", pa.array([0.3, 0.7]))
    assert publish(ready, believed, 5) == 3  # a belief moved, the allocation did not
    assert publish(ready, EVEN, 6, {"v": 2}) == 4


def test_beliefs_are_kept_beside_the_shares(ready: Workspace) -> None:
    believed = EVEN.set_column(4, "p_best", pa.array([0.25, 0.75]))
    publish(ready, believed)
    with ready.read() as conn:
        found = versions.at(conn, "c", 1).shares
    assert {r["arm_id"]: r["p_best"] for r in found.to_pylist()} == {A.arm_id: 0.25, B.arm_id: 0.75}


def test_every_propensity_carries_its_licence(ready: Workspace) -> None:
    publish(ready, ONE)
    with ready.write() as conn:
        versions.publish(conn, "c", {"v": 2}, ONE, run=day(2), now=noon(2))
    with ready.read() as conn:
        found = versions.shares_over_time(conn, "c")
    assert found.schema == versions.SHARES_OVER_TIME
    said = [tuple(r[n] for n in ("number", "placement", "lever", "licence")) for r in found.to_pylist()]
    assert said == [
        (1, "feed", "budget", "budgeted"),
        (1, "search", "rotation", "randomised"),
        (2, "", "switch", "platform-chosen"),
    ]


@pytest.mark.parametrize("state", ["drafted", "rejected", "retired", "expired", "paused"])
def test_what_is_not_approved_is_never_published(ready: Workspace, state: str) -> None:
    with ready.write() as conn:
        for event in () if state == "drafted" else ("approved", state):
            arms.record(conn, "c", C.arm_id, event, by="me", now=noon(1))
    before = dump(ready)
    with pytest.raises(Refused, match=f"is {state}"):
        publish(ready, shares([("all", C.arm_id, 1.0, 0.0)]))
    assert dump(ready) == before
    assert publish(ready, shares([("all", A.arm_id, 1.0, 0.0), ("all", C.arm_id, 0.0, 0.0)])) == 1


def test_an_arm_is_approved_per_segment(ready: Workspace) -> None:
    with pytest.raises(Refused, match="in segment 'young'"):
        publish(ready, shares([("young", A.arm_id, 1.0, 0.0)]))
    with ready.write() as conn:
        arms.save_creative(conn, "c", replace(A, segment="young"), None, False, noon(1))
    with pytest.raises(Refused, match="is drafted"):
        publish(ready, shares([("young", A.arm_id, 1.0, 0.0)]))


def test_an_arm_changed_under_its_id_is_not_published(ready: Workspace) -> None:
    with ready.write() as conn:
        conn.exec_driver_sql("UPDATE arms SET link = 'https://evil.example/'")
    with pytest.raises(Refused, match="not those of its id"):
        publish(ready, ONE)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([(0.5, 0.0), (0.4, 0.0)], "sum to 0.9"),
        ([(0.5, 0.0), (0.5 + 1e-8, 0.0)], "sum to"),
        ([(1.5, 0.0), (-0.5, 0.0)], "0 <= control"),
        ([(math.nan, 0.0), (1.0, 0.0)], "finite"),
        ([(0.5, 0.6), (0.5, 0.0)], "0 <= control"),
        ([(0.99, 0.1), (0.01, 0.0)], "below the floor"),
        ([(0.5, 0.04), (0.5, 0.05)], "holdout promises 0.1"),
    ],
)
def test_shares_outside_their_limits_are_refused(
    ready: Workspace, rows: list[tuple[float, float]], problem: str
) -> None:
    table = shares([("all", arm.arm_id, *row) for arm, row in zip((A, B), rows)])
    with pytest.raises(Refused, match=problem):
        publish(ready, table, limits=Limits(floor=0.02, control=0.1 if "holdout" in problem else 0.0))


def test_an_arm_cannot_have_two_shares(ready: Workspace) -> None:
    with pytest.raises(Refused, match="two shares"):
        publish(ready, shares([("all", A.arm_id, 0.5, 0.0), ("all", A.arm_id, 0.5, 0.0)]))


def test_a_share_exactly_at_the_floor_and_holdout_passes(ready: Workspace) -> None:
    """The optimised part is 0.9 wide, so a floor of 0.02 within it is 0.018 of the segment."""
    table = shares([("all", A.arm_id, 0.1 + 0.9 * 0.98, 0.1), ("all", B.arm_id, 0.9 * 0.02, 0.0)])
    assert publish(ready, table, limits=Limits(floor=0.02, control=0.1)) == 1


@pytest.mark.parametrize("levers", [{}, {"search": "wish"}])
def test_an_unknown_lever_is_refused(ready: Workspace, levers: dict[str, str]) -> None:
    with pytest.raises(BadData, match="levers"), ready.write() as conn:
        versions.publish(conn, "c", {}, ONE, run=day(1), now=noon(1), levers=levers)  # type: ignore[arg-type]


def test_a_version_that_serves_nothing_can_be_published(ready: Workspace) -> None:
    publish(ready, ONE)
    assert publish(ready, SHARES.empty_table()) == 2
    with ready.read() as conn:
        found = versions.current(conn, "c")
    assert found is not None and found.shares.num_rows == 0


def test_a_rollback_is_a_new_version_and_the_old_ones_stay(ready: Workspace) -> None:
    publish(ready, EVEN, 1, {"v": "even"})
    publish(ready, ONE, 2, {"v": "one"})
    with ready.write() as conn:
        assert versions.rollback(conn, "c", 1, run=day(3), now=noon(3)) == 3
    with ready.read() as conn:
        old, middle, new = (versions.at(conn, "c", n) for n in (1, 2, 3))
        assert (new.body, new.shares, new.sha256, new.restored) == (old.body, old.shares, old.sha256, 1)
        assert middle.body == {"v": "one"}
        levers = versions.shares_over_time(conn, "c").to_pylist()
    assert {(r["placement"], r["lever"]) for r in levers if r["number"] == 3} == set(LEVERS.items())


def test_a_rollback_does_not_bring_back_what_was_rejected_since(ready: Workspace) -> None:
    publish(ready, EVEN)
    publish(ready, ONE, 2)
    with ready.write() as conn:
        arms.record(conn, "c", B.arm_id, "rejected", by="meta", reason="policy", now=noon(2))
    before = dump(ready)
    with pytest.raises(Refused, match="is rejected"), ready.write() as conn:
        versions.rollback(conn, "c", 1, run=day(3), now=noon(3))
    assert dump(ready) == before


def test_an_unknown_version_is_named_with_the_known_ones(ready: Workspace) -> None:
    publish(ready, ONE)
    with pytest.raises(UnknownName, match=r"no version named '7'.*known: 1"), ready.read() as conn:
        versions.at(conn, "c", 7)


def test_a_version_altered_behind_our_back_is_noticed(ready: Workspace) -> None:
    publish(ready, EVEN)
    with ready.write() as conn:
        if ready.engine.dialect.name == "sqlite":
            conn.exec_driver_sql("DROP TRIGGER versions_no_update")
        else:
            conn.exec_driver_sql("ALTER TABLE versions DISABLE TRIGGER USER")
        conn.exec_driver_sql("UPDATE versions SET body = '{\"v\":666}'")
        if ready.engine.dialect.name != "sqlite":
            conn.exec_driver_sql("ALTER TABLE versions ENABLE TRIGGER USER")
    with pytest.raises(StoreError, match="not what was published"), ready.read() as conn:
        versions.current(conn, "c")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    parts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4),
    floor=st.floats(0, 0.3),
    control=st.floats(0, 0.5),
)
def test_whatever_passes_the_check_keeps_every_limit(
    parts: list[tuple[float, float]], floor: float, control: float
) -> None:
    total = sum(share for share, _ in parts) or 1.0
    rows = [
        {"segment": "all", "arm_id": str(i), "share": share / total, "control_share": share / total * held}
        for i, (share, held) in enumerate(parts)
    ]
    try:
        versions._check_shares(rows, Limits(floor, control))
    except Refused:
        return
    held = sum(row["control_share"] for row in rows)
    assert sum(row["share"] for row in rows) == pytest.approx(1.0, abs=2e-9)
    assert held >= control - 2e-9
    for row in rows:
        optimised = row["share"] - row["control_share"]
        assert optimised <= 1e-9 or optimised >= floor * (1 - held) - 2e-9
