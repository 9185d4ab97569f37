"""Drafting: ideas made into creatives, stored with their pixels and costs, waiting for approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from dco.errors import Refused
from dco.generate.cache import PictureCache
from dco.jobs import rasters
from dco.jobs.assets import kit
from dco.jobs.create import Batch, Idea, create
from dco.jobs.decide import seed_of
from dco.jobs.desk import Desk
from dco.plan.optimizer import Optimizer
from dco.records import Genome
from dco.store import costs
from dco.store.arms import arms, record, save_creative


def cache_of(desk: Desk) -> PictureCache:
    """The workspace's pictures, by content."""
    return PictureCache(Path(desk.workspace.folder) / "pictures")


def starting_ideas(desk: Desk, per_segment: int) -> list[Idea]:
    """A first pool per segment, spread so that every option can be told apart."""
    campaign = desk.campaign
    rng = np.random.default_rng(seed_of(campaign, campaign.start))
    pool = Optimizer(campaign.space, campaign.plan).initial(per_segment, rng)
    return [Idea(row["segment"], Genome.of(row["attributes"])) for row in pool.to_pylist()]


def make(desk: Desk, ideas: Sequence[Idea], *, progress: Callable[[int, int], None] | None = None) -> Batch:
    """Pictures and ads of ideas; the workspace's cache answers for those made before."""
    if not ideas:
        return Batch()
    return create(desk.campaign, kit(desk.campaign), cache_of(desk), ideas, progress)


def save(conn: Connection, desk: Desk, batch: Batch, *, run: str, control: bool, now: datetime) -> set[str]:
    """Store what was made as drafted creatives, and what it cost. Returns the ids that are new to their segment."""
    campaign = desk.campaign
    known = {(row.creative.segment, row.creative.arm_id) for row in arms(conn, campaign.key)}
    new = set()
    for made in batch.made:
        creative = made.creative
        for ad in made.ads.values():
            rasters.save(desk.workspace.files, ad.raster)
        if (creative.segment, creative.arm_id) in known:
            continue
        save_creative(conn, campaign.key, creative, run=run, control=control, now=now)
        costs.add(
            conn,
            campaign.key,
            run=run,
            item=creative.arm_id,
            kind="generate",
            seconds=made.seconds,
            micros=campaign.plan.creation_cost_micros,
            currency=campaign.currency,
            now=now,
        )
        new.add(creative.arm_id)
    return new


def waiting(conn: Connection, desk: Desk) -> int:
    """How many creatives wait for a person."""
    return len(arms(conn, desk.campaign.key, state="drafted"))


def start(
    desk: Desk,
    *,
    now: datetime,
    per_segment: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Batch:
    """`dco generate`: the starting creatives, drafted. Running it again makes only what is missing.

    Raises:
        Refused: nothing could be made; the first reason is given.
    """
    from dco.jobs.approve import rule_for

    campaign = desk.campaign
    batch = make(desk, starting_ideas(desk, per_segment or campaign.starting_arms), progress=progress)
    if not batch.made and batch.not_made:
        raise Refused(f"no creative could be made: {batch.not_made[0].reason}")
    with desk.workspace.write() as conn:
        new = save(conn, desk, batch, run="start", control=True, now=now)
        for made in batch.made:
            rule = rule_for(campaign, made.creative, now)
            if rule and made.creative.arm_id in new:
                record(
                    conn, campaign.key, made.creative.arm_id, "approved", by=rule.by, rule=rule.name, now=now
                )
    return batch
