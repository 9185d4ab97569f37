"""Arms and their lives. An approval is bound to the arm id, which is the hash of pixels, words and link.

    drafted -> approved -> live <-> paused
       |          |          |         |
       +----------+-----+----+---------+---> rejected | retired | expired
                        |
    approved  <---------+   only by a new, explicit approval; nothing else leads out of these three

The same pixels may serve two segments: one arm id, two lives. An arm made for a further segment starts drafted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.engine import RowMapping

from dco.errors import BadData, Refused, UnknownName
from dco.records import Copy, Creative, Genome, arm_id
from dco.store import tables
from dco.store.tables import arm_events
from dco.store.types import utc

State = Literal["drafted", "approved", "rejected", "live", "paused", "retired", "expired"]

STATES: tuple[str, ...] = get_args(State)

SERVABLE = ("approved", "live")
"""The states in which an arm may get impressions."""

NEXT: Mapping[str, tuple[str, ...]] = {
    "drafted": ("approved", "rejected", "retired", "expired"),
    "approved": ("live", "paused", "rejected", "retired", "expired"),
    "live": ("paused", "rejected", "retired", "expired"),
    "paused": ("live", "rejected", "retired", "expired"),
    "rejected": ("approved",),
    "retired": ("approved",),
    "expired": ("approved",),
}
"""State -> what may happen next."""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """An arm of one segment with its current state."""

    creative: Creative
    state: State
    control: bool
    """A starting arm that the holdout keeps serving."""
    born: date | None
    """Business date of the run that made it; None when a person brought it."""
    since: datetime
    """When it entered its state."""
    by: str
    rule: str
    """Standing rule that the state cites; empty when a person decided."""
    reason: str

    @property
    def arm_id(self) -> str:
        return self.creative.arm_id

    @property
    def segment(self) -> str:
        return self.creative.segment


@dataclass(frozen=True, slots=True)
class ArmEvent:
    """One step of an arm's life, as recorded."""

    segment: str
    arm_id: str
    event: State
    by: str
    rule: str
    reason: str
    at: datetime


def save_creative(
    conn: Connection,
    campaign: str,
    creative: Creative,
    run: date | None,
    control: bool,
    now: datetime,
    *,
    by: str = "dco",
    reason: str = "",
) -> bool:
    """Store a creative as a drafted arm; False when its segment already has it (then nothing changes).

    `by` and `reason` are kept with the event: who brought it, from where, under which licence.

    Raises:
        Refused: its id is not the hash of its own rasters, words and link.
    """
    if arm_id(creative.rasters, creative.copy, creative.link) != creative.arm_id:
        raise Refused(
            f"arm {creative.arm_id}: its id is not the hash of its rasters, copy and link; compose it again"
        )
    if arms_of(conn, campaign, creative.arm_id, creative.segment):
        return False
    words = creative.copy
    values = {
        "campaign": campaign,
        "segment": creative.segment,
        "arm_id": creative.arm_id,
        "genome": creative.genome.as_dict(),
        "copy_text": {"headline": words.headline, "subhead": words.subhead, "cta": words.cta},
        "link": creative.link,
        "rasters": dict(creative.rasters),
        "parents": list(creative.parents),
        "prompt": creative.prompt,
        "seed": creative.seed,
        "model": creative.model,
        "requests": list(creative.requests),
        "control": control,
        "born": run,
        "at": utc(now),
    }
    conn.execute(insert(tables.arms).values(values))
    _append(conn, campaign, creative.segment, creative.arm_id, "drafted", by, "", reason, now)
    return True


def record(
    conn: Connection,
    campaign: str,
    arm_id: str,
    event: str,
    *,
    by: str,
    rule: str = "",
    reason: str = "",
    now: datetime,
    segment: str | None = None,
    measured: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Add an event to an arm's life; return the segments in which its state changed.

    An event that an arm's state already says is no event. Without `segment` it happens wherever it may; an approval
    then goes to the segments where the arm waits (drafted), and only if it waits nowhere to those where it was
    rejected, retired or expired: approving a new draft never revives an old arm elsewhere.

    Args:
        by: who decides: a person, 'dco', or a platform's name.
        rule: the standing rule an automatic approval cites.
        measured: size -> hash of the pixels as they are on the disk now, compared with what is approved.

    Raises:
        Refused: unknown arm, a step its life does not allow, or an arm that is no longer what its id says.
        UnknownName: no such event.
    """
    if event not in STATES:
        raise UnknownName("arm event", event, STATES)
    if not by:
        raise BadData(f"arm {arm_id}: an event needs somebody who decides it; give `by`")
    rows = arms_of(conn, campaign, arm_id, segment)
    if not rows:
        place = f" in segment {segment!r}" if segment else ""
        raise Refused(f"arm {arm_id}: campaign {campaign!r} has no such arm{place}; `dco status` lists them")
    if event in SERVABLE:
        for row in rows:
            verify(row.creative, measured)
    targets = [row for row in rows if event in NEXT[row.state]]
    if event == "approved":
        targets = [row for row in targets if row.state == "drafted"] or targets
    if not targets and any(row.state == event for row in rows):
        return ()
    if not targets:
        states = ", ".join(f"{row.state} in {row.segment!r}" for row in rows)
        raise Refused(f"arm {arm_id}: is {states} and cannot become {event}; {_way(rows[0].state)}")
    for row in targets:
        _append(conn, campaign, row.segment, arm_id, event, by, rule, reason, now)
    return tuple(row.segment for row in targets)


def verify(creative: Creative, measured: Mapping[str, str] | None = None) -> None:
    """Prove that an arm is what its id says, from what is stored (and from pixels measured just now, when given).

    Raises:
        Refused: it is not.
    """
    same = arm_id(creative.rasters, creative.copy, creative.link) == creative.arm_id
    if not same or (measured is not None and dict(measured) != dict(creative.rasters)):
        raise Refused(
            f"arm {creative.arm_id}: its pixels, copy or link are not those of its id any more; "
            "an edited ad is a new arm and needs its own approval"
        )


def arms(
    conn: Connection, campaign: str, state: str | None = None, segment: str | None = None
) -> list[ArmRow]:
    """Arms of a campaign by segment and id, optionally only those in a state or segment."""
    if state is not None and state not in STATES:
        raise UnknownName("arm state", state, STATES)
    return [row for row in _select(conn, campaign, None, segment) if state in (None, row.state)]


def arms_of(conn: Connection, campaign: str, arm_id: str, segment: str | None = None) -> list[ArmRow]:
    """The lives of one arm id: one row per segment it serves; none when it is unknown."""
    return _select(conn, campaign, arm_id, segment)


def life(conn: Connection, campaign: str, arm_id: str | None = None) -> list[ArmEvent]:
    """Events in the order they were recorded, of one arm or of all."""
    e = arm_events.c
    statement = select(e.segment, e.arm_id, e.event, e.by, e.rule, e.reason, e.at).where(
        e.campaign == campaign
    )
    if arm_id is not None:
        statement = statement.where(e.arm_id == arm_id)
    return [ArmEvent(*row) for row in conn.execute(statement.order_by(e.id))]


def _select(conn: Connection, campaign: str, arm: str | None, segment: str | None) -> list[ArmRow]:
    a, e = tables.arms.c, arm_events.c
    last = select(func.max(e.id)).where(e.campaign == campaign).group_by(e.segment, e.arm_id)
    statement = (
        select(tables.arms, e.event, e.by, e.rule, e.reason, e.at.label("since"))
        .join_from(
            tables.arms,
            arm_events,
            (e.campaign == a.campaign) & (e.segment == a.segment) & (e.arm_id == a.arm_id),
        )
        .where(a.campaign == campaign, e.id.in_(last))
        .order_by(a.segment, a.arm_id)
    )
    if arm is not None:
        statement = statement.where(a.arm_id == arm)
    if segment is not None:
        statement = statement.where(a.segment == segment)
    return [_row(found) for found in conn.execute(statement).mappings()]


def _row(found: RowMapping) -> ArmRow:
    creative = Creative(
        arm_id=found["arm_id"],
        segment=found["segment"],
        genome=Genome.of(found["genome"]),
        copy=Copy(**found["copy_text"]),
        link=found["link"],
        rasters=found["rasters"],
        parents=tuple(found["parents"]),
        prompt=found["prompt"],
        seed=found["seed"],
        model=found["model"],
        requests=tuple(found["requests"]),
    )
    said: dict[str, Any] = {
        name: found[name] for name in ("control", "born", "since", "by", "rule", "reason")
    }
    return ArmRow(creative=creative, state=found["event"], **said)


def _append(
    conn: Connection,
    campaign: str,
    segment: str,
    arm: str,
    event: str,
    by: str,
    rule: str,
    reason: str,
    now: datetime,
) -> None:
    values = {"campaign": campaign, "segment": segment, "arm_id": arm, "event": event}
    conn.execute(
        insert(arm_events).values(values | {"by": by, "rule": rule, "reason": reason, "at": utc(now)})
    )


def _way(state: str) -> str:
    return f"from {state} it may become {', '.join(NEXT[state])}"
