"""The gate: approval is bound to the hash of pixels, words and link, and never comes back by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from dco.errors import BadData, Refused, UnknownName
from dco.records import Copy
from dco.store import arms, tables
from dco.store.workspace import Workspace

from .examples import creative, day, noon, sha

A = creative("a", scene="beach", cta="buy")


def tell(
    conn: Connection, event: str, segment: str | None = None, arm_id: str = A.arm_id, at: int = 1
) -> tuple[str, ...]:
    return arms.record(conn, "c", arm_id, event, by="maria", now=noon(at), segment=segment)


def states(conn: Connection) -> dict[str, str]:
    return {row.segment: row.state for row in arms.arms(conn, "c")}


def test_a_creative_comes_back_as_it_was_saved(workspace: Workspace) -> None:
    full = replace(
        A, parents=("dco1", "dco2"), prompt="a beach, 日本", seed=2**62, model="m@1", requests=("r1", "r2")
    )
    with workspace.write() as conn:
        assert arms.save_creative(conn, "c", full, day(3), True, noon(3))
        assert not arms.save_creative(conn, "c", full, day(4), False, noon(4))
    with workspace.read() as conn:
        assert arms.arms(conn, "c") == [
            arms.ArmRow(full, "drafted", True, day(3), noon(3), by="dco", rule="", reason="")
        ]
        assert arms.arms(conn, "other") == []


@pytest.mark.parametrize(
    "edited",
    [
        replace(A, rasters={**A.rasters, "300x250": sha("other pixels")}),
        replace(A, copy=Copy("Cheaper!", "Sub", "Buy")),
        replace(A, link="https://evil.example/"),
    ],
)
def test_an_edited_ad_cannot_be_saved_under_the_old_id(workspace: Workspace, edited: object) -> None:
    with pytest.raises(Refused, match="not the hash"), workspace.write() as conn:
        arms.save_creative(conn, "c", edited, None, False, noon(0))  # type: ignore[arg-type]


def test_an_unknown_arm_cannot_be_approved(workspace: Workspace) -> None:
    with pytest.raises(Refused, match="no such arm"), workspace.write() as conn:
        tell(conn, "approved")


def test_an_arm_whose_stored_pixels_changed_cannot_be_approved_or_served(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        conn.execute(update(tables.arms).values(rasters={**A.rasters, "300x250": sha("swapped")}))
    for event in arms.SERVABLE:
        with pytest.raises(Refused, match="not those of its id"), workspace.write() as conn:
            tell(conn, event)
    with workspace.write() as conn:
        assert tell(conn, "rejected") == ("all",)


def test_pixels_measured_on_the_disk_must_be_those_of_the_arm(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        with pytest.raises(Refused, match="not those of its id"):
            arms.record(conn, "c", A.arm_id, "approved", by="me", now=noon(1), measured={"300x250": sha("x")})
        assert arms.record(conn, "c", A.arm_id, "approved", by="me", now=noon(1), measured=A.rasters) == (
            "all",
        )


def test_an_approval_names_who_and_by_which_rule(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        arms.record(
            conn, "c", A.arm_id, "approved", by="dco", rule="beaches", reason="scene beach", now=noon(1)
        )
    with workspace.read() as conn:
        (row,) = arms.arms(conn, "c", "approved", "all")
        assert (row.by, row.rule, row.reason, row.since) == ("dco", "beaches", "scene beach", noon(1))
        assert [event.event for event in arms.life(conn, "c")] == ["drafted", "approved"]
        assert arms.life(conn, "c", "dco0") == []


def test_an_event_needs_a_name_and_an_author(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        with pytest.raises(UnknownName, match="did you mean 'approved'"):
            tell(conn, "aproved")
        with pytest.raises(BadData, match="somebody"):
            arms.record(conn, "c", A.arm_id, "approved", by="", now=noon(1))
        with pytest.raises(UnknownName):
            arms.arms(conn, "c", "alive")


@pytest.mark.parametrize("end", ["rejected", "retired", "expired"])
def test_only_a_new_approval_brings_an_ended_arm_back(workspace: Workspace, end: str) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        for event in ("approved", "live", end):
            tell(conn, event)
        for event in set(arms.STATES) - {"approved", end}:
            with pytest.raises(Refused, match=f"cannot become {event}"):
                tell(conn, event)
        assert not arms.save_creative(
            conn, "c", A, None, False, noon(2)
        )  # making the same ad again revives nothing
        assert states(conn) == {"all": end}
        assert tell(conn, "approved") == ("all",)


def test_an_event_that_is_so_already_adds_nothing(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", A, None, False, noon(0))
        assert tell(conn, "approved") == ("all",)
        assert tell(conn, "approved") == ()
        assert len(arms.life(conn, "c")) == 2


def test_approving_a_draft_does_not_revive_the_same_pixels_elsewhere(workspace: Workspace) -> None:
    with workspace.write() as conn:
        arms.save_creative(conn, "c", replace(A, segment="old"), None, False, noon(0))
        tell(conn, "approved")
        tell(conn, "retired", "old")
        arms.save_creative(conn, "c", replace(A, segment="young"), None, False, noon(2))
        assert tell(conn, "approved") == ("young",)
        assert states(conn) == {"old": "retired", "young": "approved"}
        assert tell(conn, "live") == ("young",)
        assert tell(conn, "paused", "young") == ("young",)
        assert tell(conn, "approved", "old") == ("old",)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(arms.STATES), max_size=12))
def test_no_sequence_of_events_serves_without_an_approval_after_the_last_end(events: list[str]) -> None:
    """Walks the life's table alone: after an end, nothing is servable before the next 'approved'."""
    state, approved = "drafted", False
    for event in events:
        if event in arms.NEXT[state]:
            state = event
            approved = event == "approved" or (approved and event in ("live", "paused"))
        assert (state in (*arms.SERVABLE, "paused")) <= approved or state == "paused"
