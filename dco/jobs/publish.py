"""Publication: a plan becomes an immutable version, and the life of its creatives moves on. One transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from dco import schemas
from dco.bandits.money_proof import Stated, prove
from dco.errors import BrokenPromise, Refused
from dco.jobs import licences
from dco.jobs.approve import find
from dco.jobs.clock import business_date
from dco.jobs.desk import Desk
from dco.jobs.names import called
from dco.records import Campaign
from dco.store import versions
from dco.store.arms import SERVABLE, arms, record

MOVED = 0.02
"""A share that moved by less is not worth a line."""


def publish(
    conn: Connection, desk: Desk, plan: Mapping[str, Any], *, day: date, now: datetime, by: str = "nightly"
) -> dict[str, Any]:
    """Publish a plan's shares as the next version, live from `day`; a plan without shares keeps the current one.

    Raises:
        Unlicensed: no licence on record allows a served creative's model to go live. Refused: an arm with a share is
            not approved, or a limit of the campaign does not hold. BrokenPromise: shares or budgets break a promise of the
            campaign file; each is named with its numbers. Nothing is published.
    """
    campaign = desk.campaign
    before = versions.current(conn, campaign.key)
    lives = arms(conn, campaign.key)
    shown = plan["shares"] or (before.shares.to_pylist() if before else [])
    served = {(row["segment"], row["arm_id"]) for row in shown if row["share"] > 0}
    licences.require(conn, desk, (row for row in lives if (row.segment, row.arm_id) in served), now=now)
    if not plan["shares"]:
        return {"version": before.number if before else None, "moved": [], "retired": []}
    shares = pa.Table.from_pylist([dict(row) for row in plan["shares"]], schemas.SHARES)
    _prove(campaign, plan)
    held = any(row.control and row.state in SERVABLE for row in lives)
    number = versions.publish(
        conn,
        campaign.key,
        {"campaign": campaign.key, "link": campaign.link, "currency": campaign.currency},
        shares,
        run=day,
        now=now,
        # The floor is left to the plan: while a step limits a night's move, a new arm may still be below it.
        limits=versions.Limits(control=campaign.plan.holdout if held else 0.0),
        levers={p.key: p.lever for p in campaign.placements},
    )
    given = {(row["segment"], row["arm_id"]): row["share"] for row in plan["shares"]}
    names = {(r.segment, r.arm_id): called(r.arm_id, r.creative.genome.as_dict()) for r in lives}
    for row in lives:
        if row.state == "approved" and given.get((row.segment, row.arm_id), 0.0) > 0:
            record(
                conn, campaign.key, row.arm_id, "live",
                by=by, reason=f"version {number}", now=now, segment=row.segment,
            )  # fmt: skip
    retired = [
        {**row, "name": names[row["segment"], row["arm_id"]]}
        for row in _retire(conn, campaign, plan, given, now, by)
    ]
    moved = [{**move, "name": names[move["segment"], move["arm_id"]]} for move in _moved(before, given)]
    return {"version": number, "moved": moved, "retired": retired}


def _prove(campaign: Campaign, plan: Mapping[str, Any]) -> None:
    """Every promise of the campaign file, on the numbers that are about to go out (`bandits/money_proof.py`)."""
    stated = Stated.of(plan.get("diagnostics", {}).get("promises"))
    broken = prove(plan["shares"], campaign.plan, stated, plan.get("budgets", ()))
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise BrokenPromise(f"{broken[0]}{more}; nothing is published, and what is live stays live")


def _retire(
    conn: Connection,
    campaign: Campaign,
    plan: Mapping[str, Any],
    given: Mapping[tuple[str, str], float],
    now: datetime,
    by: str,
) -> list[dict[str, Any]]:
    """Arms the plan gives up. One whose share still steps down, or that the holdout keeps, is retired when it is at 0."""
    done = []
    states = {(r.segment, r.arm_id): r.state for r in arms(conn, campaign.key)}
    for row in plan["retire"]:
        key = (row["segment"], row["arm_id"])
        if given.get(key, 0.0) == 0.0 and states.get(key) in SERVABLE:
            record(
                conn, campaign.key, row["arm_id"], "retired",
                by=by, reason=row["why"], now=now, segment=row["segment"],
            )  # fmt: skip
            done.append(dict(row))
    return done


def _moved(before: versions.Version | None, given: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    old = {(s["segment"], s["arm_id"]): s["share"] for s in before.shares.to_pylist()} if before else {}
    moves = [
        {"segment": key[0], "arm_id": key[1], "from": old.get(key, 0.0), "to": share}
        for key, share in given.items()
        if abs(share - old.get(key, 0.0)) >= MOVED
    ]
    return sorted(moves, key=lambda m: -abs(m["to"] - m["from"]))


def publish_arms(desk: Desk, chosen: Sequence[str], *, now: datetime) -> int:
    """`dco publish ARM...`: serve exactly these creatives, on equal shares, from now on.

    Raises:
        Refused: one of them is not approved, or the licence of its model does not allow it. The gate cannot be passed by naming the creative.
    """
    campaign = desk.campaign
    ids = set(find(desk, chosen))
    with desk.workspace.write() as conn:
        rows = [row for row in arms(conn, campaign.key) if row.arm_id in ids]
        for row in rows:
            if row.state not in SERVABLE:
                raise Refused(
                    f"{row.arm_id} is {row.state}, not approved; "
                    f"look at it in the gallery, then `dco approve {campaign.root} {row.arm_id} --by 'your name'`"
                )
        groups: dict[str, list[str]] = {}
        for row in rows:
            groups.setdefault(row.segment, []).append(row.arm_id)
        shares = [
            {"segment": s, "arm_id": a, "share": 1 / len(group), "control_share": 1 / len(group)}
            for s, group in groups.items()
            for a in group
        ]
        plan = {"shares": shares, "retire": [], "why": ["published by hand on equal shares"]}
        number = publish(conn, desk, plan, day=business_date(now, campaign.zone), now=now, by="by hand")[
            "version"
        ]
    return int(number)
