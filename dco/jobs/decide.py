"""One night's decision: what is known, handed to the optimizer, and what it answers. Nothing is stored here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from dco import schemas
from dco.jobs import earlier
from dco.jobs.looks import looks, with_looks
from dco.plan.optimizer import Optimizer, Plan
from dco.records import Campaign, Genome, content_hash
from dco.store import history as past
from dco.store.arms import SERVABLE, ArmRow, arms
from dco.store.files import Files


def seed_of(campaign: Campaign, day: date) -> int:
    """The run's seed: a recorded input, the same whenever and wherever the night is run."""
    return int(content_hash(["run", campaign.key, day.isoformat()], length=12), 16)


def attributes_of(campaign: Campaign) -> tuple[str, ...]:
    """Attribute names in the order the tables use."""
    return tuple(campaign.space.attributes)


def history(conn: Connection, campaign: Campaign, *, as_of: date) -> pa.Table:
    """Everything the reports said about our arms up to a day, in all as-of versions (`schemas.history`)."""
    return past.history(
        conn,
        campaign.key,
        attributes_of(campaign),
        as_of=as_of,
        placements=placements_of(campaign),
        segments=segments_of(campaign),
    )


def placements_of(campaign: Campaign) -> dict[tuple[str, str], tuple[str, str]]:
    """(platform, account) -> (placement, lever)."""
    return {(p.platform, p.account): (p.key, p.lever) for p in campaign.placements}


def segments_of(campaign: Campaign) -> dict[str, str]:
    """Ad group id -> segment."""
    return {i: s.key for s in campaign.segments for ids in s.platform_ids.values() for i in ids}


def arm_table(rows: list[ArmRow], campaign: Campaign) -> pa.Table:
    """Arms as the optimizer takes them (`schemas.arms`)."""
    names = attributes_of(campaign)
    return pa.Table.from_pylist(
        [
            {
                "arm_id": row.creative.arm_id,
                "segment": row.creative.segment,
                "control": row.control,
                "attributes": {a: row.creative.genome.as_dict().get(a) for a in names},
            }
            for row in rows
        ],
        schema=schemas.arms(names),
    )


def decide(conn: Connection, campaign: Campaign, *, day: date, files: Files | None = None) -> Plan:
    """The plan for `day` from what is known on its morning. Pure but for reading the store.

    Args:
        files: where the ads' pixels are, for a campaign that learns from looks.
    """
    by_state: dict[str, list[ArmRow]] = {}
    rows = arms(conn, campaign.key)
    for row in rows:
        by_state.setdefault("running" if row.state in SERVABLE else row.state, []).append(row)
    settings = replace(campaign.plan, nights_left=max((campaign.end - day).days, 0))
    optimizer = Optimizer(campaign.space, settings, earlier.prior(conn, campaign, day=day))
    seen = looks(files, rows) if files is not None and campaign.looks else {}
    return optimizer.plan(
        with_looks(history(conn, campaign, as_of=day), seen),
        with_looks(arm_table(by_state.get("running", []), campaign), seen),
        arm_table(by_state.get("drafted", []), campaign),
        arm_table(by_state.get("rejected", []), campaign),
        day,
        np.random.default_rng(seed_of(campaign, day)),
    )


def with_takes(
    conn: Connection, campaign: Campaign, proposals: list[Mapping[str, object]]
) -> list[dict[str, object]]:
    """Proposals with `take`: how many creatives of the same idea its segment has had. Each take is another picture."""
    made = Counter((row.creative.segment, row.creative.genome.key) for row in arms(conn, campaign.key))
    return [
        {**p, "take": made[str(p["segment"]), Genome.of(p["attributes"]).key]}  # type: ignore[arg-type]
        for p in proposals
    ]


def within_creation_budget(
    campaign: Campaign, proposals: list[Mapping[str, object]]
) -> list[Mapping[str, object]]:
    """The most promising proposals that a night's creation money pays for."""
    cost, money = campaign.plan.creation_cost_micros, campaign.creation_micros_per_night
    if not cost or not money:
        return proposals
    ranked = sorted(proposals, key=lambda p: -float(p["expected_gain"] or 0))  # type: ignore[arg-type]
    return ranked[: money // cost]
