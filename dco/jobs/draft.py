"""Drafting: ideas made into creatives, stored with their pixels and costs, waiting for approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from dco.errors import Refused
from dco.generate.cache import PictureCache
from dco.jobs import licences, rasters
from dco.jobs.approve import rule_for
from dco.jobs.assets import kit
from dco.jobs.create import Batch, Idea, check_composition, check_vocabulary, create
from dco.jobs.decide import seed_of
from dco.jobs.desk import Desk
from dco.plan.optimizer import Optimizer
from dco.records import Genome
from dco.reports.plain import missed_sentence
from dco.store import costs, missed, runs
from dco.store.arms import ArmRow, arms, record, save_creative
from dco.store.runs import Run


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
    with desk.workspace.read() as conn:
        there = arms(conn, desk.campaign.key)
    shown = [key for row in there for key in row.creative.requests]
    if desk.campaign.model.takes == "vary":
        ideas = [_varying(idea, there) for idea in ideas]
    if desk.campaign.model.lean:
        ideas = [_leaning(idea, there) for idea in ideas]
    return create(desk.campaign, kit(desk.campaign), cache_of(desk), ideas, progress, beside=shown)


def _varying(idea: Idea, there: Sequence[ArmRow]) -> Idea:
    """A further take as a variation of the last creative of its idea in its segment that nobody refused."""
    same = [
        row for row in there
        if (row.segment, row.creative.genome) == (idea.segment, idea.genome) and row.state != "rejected"
    ]  # fmt: skip
    if not idea.take or not same:
        return idea
    return replace(
        idea, varies=max(same, key=lambda row: (row.born or date.min, row.since)).creative.requests
    )


def _leaning(idea: Idea, there: Sequence[ArmRow]) -> Idea:
    """An idea whose words lean towards those of the first creative it descends from."""
    words = {row.creative.arm_id: row.creative.prompt for row in there if row.segment == idea.segment}
    return replace(idea, toward=next((words[p] for p in idea.parents if words.get(p)), ""))


def missed_line(batch: Batch, most: int = 3) -> str:
    """One line about the ideas that gave no ad; '' when each did."""
    told = [one.missed for one in batch.not_made]
    return missed_sentence(len(batch.made) + len(told), told, most) if told else ""


def save(conn: Connection, desk: Desk, batch: Batch, run: Run, *, control: bool, now: datetime) -> set[str]:
    """Store what was made as drafted creatives, what it cost, and the approvals that standing rules give.

    Returns:
        The arm ids that are new to their segment.
    """
    campaign = desk.campaign
    new = set()
    costs.add_pictures(conn, run, batch.costs)
    made_after_all = [(made.creative.segment, made.creative.genome) for made in batch.made]
    missed.save(conn, run, [one.missed for one in batch.not_made], made=made_after_all)
    if batch.made:
        licences.keep(conn, desk, now=now)
    for made in batch.made:
        creative = made.creative
        for size, ad in made.ads.items():
            name = rasters.save(desk.workspace.files, ad.raster)
            rasters.save_export(desk.workspace.files, name, made.exports[size])
        if not save_creative(conn, campaign.key, creative, run.day, control, now):
            continue
        costs.add(
            conn, run, f"{creative.segment}/{creative.arm_id}", "generate",
            seconds=made.seconds, micros=campaign.plan.creation_cost_micros, currency=campaign.currency,
        )  # fmt: skip
        new.add(creative.arm_id)
        if rule := rule_for(campaign, creative, now):
            record(
                conn, campaign.key, creative.arm_id, "approved",
                by=rule.by, rule=rule.name, now=now, segment=creative.segment,
            )  # fmt: skip
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
    campaign = desk.campaign
    check_vocabulary(campaign)
    ideas = starting_ideas(desk, per_segment or campaign.starting_arms)
    check_composition(campaign, ideas)
    batch = make(desk, ideas, progress=progress)
    if not batch.made and batch.not_made:
        raise Refused(f"no creative could be made: {batch.not_made[0].reason}")
    save_waiting(desk, batch, now=now, control=True)
    return batch


def save_waiting(desk: Desk, batch: Batch, *, now: datetime, control: bool = False) -> None:
    """Store creatives made outside of a night."""
    campaign = desk.campaign
    # What a person makes by hand is the work of the flight's eve: a run of its own, so that its cost is booked.
    eve = campaign.start - timedelta(days=1)
    with desk.workspace.write() as conn:
        run = runs.claim(
            conn, campaign.key, eve,
            now=now, owner="generate", lease_seconds=60, seed=seed_of(campaign, eve), config=campaign.source_hash,
        )  # fmt: skip
        save(conn, desk, batch, run, control=control, now=now)
        if run.status != "done":
            runs.finish(conn, run, "done", {"started": len(batch.made)}, now=now)
