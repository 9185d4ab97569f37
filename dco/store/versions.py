"""Allocation versions: immutable, numbered without gaps, and published only through the gate of approval.

A change is one new version in one transaction; earlier versions stay. A rollback is a new version with an old body,
and passes the same gate: what is no longer approved does not come back with it.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import RowMapping

from dco.errors import BadData, Refused, StoreError, UnknownName
from dco.records import LICENCE_OF, Lever
from dco.schemas import SHARES
from dco.store import tables
from dco.store.arms import SERVABLE, arms, verify
from dco.store.tables import version_shares
from dco.store.types import canonical, utc

TOLERANCE = 1e-9
"""How far the shares of a segment may be from 1: rounding of sums of floats, nothing more."""

NO_PLACEMENT: Mapping[str, Lever] = {"": "switch"}
"""When a version names no placements: the weakest licence, so that nothing is concluded by oversight."""

_KEPT = tuple(name for name in SHARES.names if name != "why")
"""What a version holds of its shares. Their sentences stand with the night that decided, in its step 'decide'."""

SHARES_OVER_TIME = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),  # business date from which the version is live
        *(SHARES.field(name) for name in _KEPT),
        pa.field("placement", pa.string(), nullable=False),  # '' when the version names none
        pa.field("lever", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),  # what may be concluded from the propensity
    ]
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What every published version must keep. `floor` is a fraction of the optimised part, `control` of a segment."""

    floor: float = 0.0
    control: float = 0.0


@dataclass(frozen=True, slots=True)
class Version:
    """One published allocation. `shares` is `schemas.SHARES`, without the sentences."""

    campaign: str
    number: int
    day: date
    at: datetime
    body: Any
    sha256: str
    restored: int | None
    shares: pa.Table


def publish(
    conn: Connection,
    campaign: str,
    body: Mapping[str, Any],
    shares: pa.Table,
    *,
    run: date,
    now: datetime,
    limits: Limits | None = None,
    levers: Mapping[str, Lever] = NO_PLACEMENT,
    restored: int | None = None,
) -> int:
    """Make a new immutable version and return its number; what equals the newest version returns that one's.

    Args:
        body: what serving and sheets need, as JSON; equal bodies and shares are the same version.
        shares: `schemas.SHARES`; a share of 0 says that an arm stops.
        run: business date from which it is live.
        limits: floor and control share to check against; None checks neither.
        levers: placement key -> lever; every propensity is stored with the licence that its lever gives.
        restored: the number a rollback brings back.

    Raises:
        Refused: an arm that may not be served, shares that break a limit or do not sum to 1 in their segment.
    """
    rows = _rows(shares)
    _check_shares(rows, limits or Limits())
    _check_arms(conn, campaign, rows)
    if not levers or not set(levers.values()) <= set(LICENCE_OF):
        raise BadData(f"levers {dict(levers)!r}: expected placement -> one of {', '.join(LICENCE_OF)}")
    sha = _hash(body, rows, levers)
    newest = _newest(conn, campaign)
    if newest is not None and newest["sha256"] == sha:
        return int(newest["number"])
    number = int(newest["number"]) + 1 if newest is not None else 1
    version = {"campaign": campaign, "number": number}
    said = {"day": run, "at": utc(now), "body": body, "sha256": sha, "restored": restored}
    conn.execute(insert(tables.versions).values(version | said))
    stored = [
        version | row | {"placement": placement, "lever": lever, "licence": LICENCE_OF[lever]}
        for row in rows
        for placement, lever in levers.items()
    ]
    if stored:
        conn.execute(insert(version_shares), stored)
    return number


def current(conn: Connection, campaign: str) -> Version | None:
    """The newest version; None before the first."""
    newest = _newest(conn, campaign)
    return None if newest is None else at(conn, campaign, int(newest["number"]))


def at(conn: Connection, campaign: str, number: int) -> Version:
    """The version of that number, proved to be what was published.

    Raises:
        UnknownName: there is none.
        StoreError: body or shares no longer hash to what was stored.
    """
    v = tables.versions.c
    found = (
        conn.execute(select(tables.versions).where(v.campaign == campaign, v.number == number))
        .mappings()
        .first()
    )
    if found is None:
        known = conn.execute(select(v.number).where(v.campaign == campaign).order_by(v.number)).scalars()
        raise UnknownName("version", str(number), map(str, known), where=f"campaign {campaign}")
    stored = _stored(conn, campaign, number)
    levers = {row["placement"]: row["lever"] for row in stored} or NO_PLACEMENT
    rows = list({(row["segment"], row["arm_id"]): {n: row[n] for n in _KEPT} for row in stored}.values())
    if stored and _hash(found["body"], rows, levers) != found["sha256"]:
        raise StoreError(
            f"campaign {campaign}, version {number}: is not what was published; restore it from a backup"
        )
    table = pa.Table.from_pylist(rows, schema=SHARES)
    return Version(**{name: found[name] for name in Version.__slots__ if name != "shares"}, shares=table)


def shares_over_time(conn: Connection, campaign: str) -> pa.Table:
    """Every propensity ever published (`SHARES_OVER_TIME`), oldest version first."""
    v, s = tables.versions.c, version_shares.c
    statement = (
        select(version_shares, v.day)
        .join_from(version_shares, tables.versions, (v.campaign == s.campaign) & (v.number == s.number))
        .where(s.campaign == campaign)
        .order_by(s.number, s.segment, s.arm_id, s.placement)
    )
    rows = [
        {name: row[name] for name in SHARES_OVER_TIME.names} for row in conn.execute(statement).mappings()
    ]
    return pa.Table.from_pylist(rows, schema=SHARES_OVER_TIME)


def rollback(
    conn: Connection, campaign: str, number: int, *, run: date, now: datetime, limits: Limits | None = None
) -> int:
    """A new version with the body and shares of an old one; through the same gate as any other.

    Raises:
        Refused: an arm of the old version may not be served any more.
        UnknownName: there is no such version.
    """
    old = at(conn, campaign, number)
    levers = {row["placement"]: row["lever"] for row in _stored(conn, campaign, number)} or NO_PLACEMENT
    return publish(
        conn, campaign, old.body, old.shares, run=run, now=now, limits=limits, levers=levers, restored=number
    )


def _newest(conn: Connection, campaign: str) -> RowMapping | None:
    v = tables.versions.c
    statement = select(v.number, v.sha256).where(v.campaign == campaign).order_by(v.number.desc()).limit(1)
    return conn.execute(statement).mappings().first()


def _stored(conn: Connection, campaign: str, number: int) -> Sequence[RowMapping]:
    s = version_shares.c
    statement = select(version_shares).where(s.campaign == campaign, s.number == number)
    return conn.execute(statement.order_by(s.segment, s.arm_id, s.placement)).mappings().all()


def _rows(shares: pa.Table) -> list[dict[str, Any]]:
    needed = ("segment", "arm_id", "share", "control_share")
    missing = [name for name in needed if name not in shares.column_names]
    if missing:
        raise BadData(f"shares lack the columns {', '.join(missing)} of schemas.SHARES")
    rows = [{name: row.get(name) for name in _KEPT} for row in shares.to_pylist()]
    return sorted(rows, key=lambda row: (row["segment"], row["arm_id"]))


def _hash(body: Any, rows: Sequence[Mapping[str, Any]], levers: Mapping[str, str]) -> str:
    """Identity of a version: what it does. Beliefs (p_best, mean, interval) may move without changing it."""
    said = [[row[name] for name in ("segment", "arm_id", "share", "control_share")] for row in rows]
    return hashlib.sha256(
        canonical({"body": body, "shares": said, "levers": dict(levers)}).encode()
    ).hexdigest()


def _check_shares(rows: Sequence[Mapping[str, Any]], limits: Limits) -> None:
    segments: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        share, control = row["share"], row["control_share"]
        if not all(isinstance(x, float) and math.isfinite(x) for x in (share, control)):
            raise Refused(
                f"arm {row['arm_id']}: share {share} with control share {control} are not finite numbers"
            )
        if not -TOLERANCE <= control <= share + TOLERANCE or share > 1 + TOLERANCE:
            raise Refused(
                f"arm {row['arm_id']}: control share {control:g} and share {share:g} must satisfy 0 <= control <= share <= 1"
            )
        segments[row["segment"]].append(row)
    for segment, of in segments.items():
        _check_segment(segment, of, limits)


def _check_segment(segment: str, rows: Sequence[Mapping[str, Any]], limits: Limits) -> None:
    if len({row["arm_id"] for row in rows}) < len(rows):
        raise Refused(f"segment {segment!r}: an arm has two shares; give each arm one")
    total = math.fsum(row["share"] for row in rows)
    if abs(total - 1.0) > TOLERANCE:
        raise Refused(f"segment {segment!r}: its shares sum to {total!r}, expected 1")
    control = math.fsum(row["control_share"] for row in rows)
    if control < limits.control - TOLERANCE:
        raise Refused(
            f"segment {segment!r}: control share is {control:g}, the holdout promises {limits.control:g}"
        )
    least = limits.floor * (1.0 - control)
    for row in rows:
        optimised = row["share"] - row["control_share"]
        if TOLERANCE < optimised < least - TOLERANCE:
            raise Refused(
                f"segment {segment!r}, arm {row['arm_id']}: share {optimised:g} of the optimised part is below "
                f"the floor of {least:g}; raise it or stop the arm"
            )


def _check_arms(conn: Connection, campaign: str, rows: Sequence[Mapping[str, Any]]) -> None:
    lives = {(row.segment, row.arm_id): row for row in arms(conn, campaign)}
    for row in rows:
        arm = lives.get((row["segment"], row["arm_id"]))
        if arm is None:
            raise Refused(
                f"arm {row['arm_id']}: campaign {campaign!r} has no such arm in segment {row['segment']!r}"
            )
        if row["share"] <= 0.0:
            continue
        if arm.state not in SERVABLE:
            raise Refused(
                f"arm {arm.arm_id} in segment {arm.segment!r} is {arm.state}: only approved arms may be served; "
                "approve it or give it no share"
            )
        verify(arm.creative)
