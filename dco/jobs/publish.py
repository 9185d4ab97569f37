"""Publication: a plan becomes an immutable version, and the life of its creatives moves on. One transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from dco.errors import Refused
from dco.jobs.approve import find
from dco.jobs.decide import RUNNING
from dco.jobs.desk import Desk
from dco.records import LICENCE_OF, Campaign
from dco.store import versions
from dco.store.arms import arms, record

MOVED = 0.02
"""A share that moved by less is not worth a line."""


def publish(
    conn: Connection, desk: Desk, plan: Mapping[str, Any], *, run: str, now: datetime
) -> dict[str, Any]:
    """Publish a plan's shares as the next version; a plan without shares keeps the current one.

    Raises:
        Refused: an arm with a share is not approved, or a limit of the campaign does not hold. Nothing is published.
    """
    campaign = desk.campaign
    before = versions.current(conn, campaign.key)
    shares: list[dict[str, Any]] = [dict(row) for row in plan["shares"]]
    if not shares:
        return {"version": before.number if before else None, "moved": [], "retired": []}
    number = versions.publish(
        conn,
        campaign.key,
        {"day": run, "why": list(plan["why"])},
        with_licence(campaign, shares),
        run=run,
        now=now,
        holdout=campaign.plan.holdout,
    )
    given = {(row["segment"], row["arm_id"]): row["share"] for row in shares}
    for row in arms(conn, campaign.key):
        share = given.get((row.creative.segment, row.creative.arm_id), 0.0)
        if row.state == "approved" and share > 0:
            record(
                conn,
                campaign.key,
                row.creative.arm_id,
                "live",
                by="nightly",
                reason=f"version {number}",
                now=now,
            )
    retired = _retire(conn, campaign, plan, given, now)
    return {"version": number, "moved": _moved(before, given), "retired": retired}


def _retire(
    conn: Connection,
    campaign: Campaign,
    plan: Mapping[str, Any],
    given: Mapping[tuple[str, str], float],
    now: datetime,
) -> list[dict[str, Any]]:
    """Arms the plan gives up. One whose share still steps down, or that the holdout keeps, is retired when it is at 0."""
    done = []
    states = {(r.creative.segment, r.creative.arm_id): r.state for r in arms(conn, campaign.key)}
    for row in plan["retire"]:
        key = (row["segment"], row["arm_id"])
        if given.get(key, 0.0) == 0.0 and states.get(key) in RUNNING:
            record(conn, campaign.key, row["arm_id"], "retired", by="nightly", reason=row["why"], now=now)
            done.append(dict(row))
    return done


def _moved(before: versions.Version | None, given: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    old = {(s["segment"], s["arm_id"]): s["share"] for s in before.shares} if before else {}
    moves = [
        {"segment": key[0], "arm_id": key[1], "from": old.get(key, 0.0), "to": share}
        for key, share in given.items()
        if abs(share - old.get(key, 0.0)) >= MOVED
    ]
    return sorted(moves, key=lambda m: -abs(m["to"] - m["from"]))


def with_licence(campaign: Campaign, shares: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each share once per placement, with its lever and the licence that lever gives the propensity."""
    return [
        {
            "segment": row["segment"],
            "arm_id": row["arm_id"],
            "placement": placement.key,
            "lever": placement.lever,
            "licence": LICENCE_OF[placement.lever],
            "share": row["share"],
            "control_share": row["control_share"],
        }
        for row in shares
        for placement in campaign.placements
    ]


def publish_arms(desk: Desk, chosen: Sequence[str], *, now: datetime) -> int:
    """`dco publish ARM...`: serve exactly these creatives, on equal shares, from now on.

    Raises:
        Refused: one of them is not approved. The gate cannot be passed by naming the creative.
    """
    campaign = desk.campaign
    ids = set(find(desk, chosen))
    with desk.workspace.write() as conn:
        rows = [row for row in arms(conn, campaign.key) if row.creative.arm_id in ids]
        for row in rows:
            if row.state not in RUNNING:
                raise Refused(
                    f"{row.creative.arm_id} is {row.state}, not approved; "
                    f"look at it in the gallery, then `dco approve {campaign.key} {row.creative.arm_id}`"
                )
        groups: dict[str, list[str]] = {}
        for row in rows:
            groups.setdefault(row.creative.segment, []).append(row.creative.arm_id)
        shares = [
            {"segment": s, "arm_id": a, "share": 1 / len(group), "control_share": 1 / len(group)}
            for s, group in groups.items()
            for a in group
        ]
        plan = {"shares": shares, "retire": [], "why": ["published by hand on equal shares"]}
        number = publish(conn, desk, plan, run=f"by hand {now.isoformat()}", now=now)["version"]
    return int(number)
