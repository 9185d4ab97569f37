"""`dco status`: what happened, what waits, how fresh the data are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import pyarrow.compute as pc

from dco.jobs.desk import Desk
from dco.jobs.facts import arm_days, making
from dco.jobs.nightly import Night, night_of
from dco.reports.plain import Status
from dco.store import ledger, runs, versions
from dco.store.arms import arms

SHOWN = 7


@dataclass(frozen=True)
class Found:
    """The state in numbers, and the last nights as sentences, newest first."""

    state: Status
    nights: list[str]


def status(desk: Desk, *, now: datetime) -> Found:
    """Read the state of a campaign; changes nothing."""
    campaign = desk.campaign
    with desk.workspace.read() as conn:
        states = Counter(row.state for row in arms(conn, campaign.key))
        done = [run for run in runs.listing(conn, campaign.key) if run.status == "done"]
        fresh = ledger.freshness(conn, campaign.key)
        version = versions.current(conn, campaign.key)
        days = arm_days(conn, desk)
        taken = making(conn, desk, done)
    nights: list[Night] = [night for run in reversed(done) if (night := night_of(run)) is not None]
    state = Status(
        campaign=campaign.key,
        as_of=now,
        version=version.number if version else None,
        last_night=done[-1].day if nights else None,
        live=states["live"],
        pending=states["drafted"],
        approved=states["approved"],
        retired=states["retired"],
        newest_day=max((f.last_day for f in fresh), default=None),
        newest_file=max((f.arrived for f in fresh), default=None),
        stale_after_days=campaign.stale_after_days,
        spend_micros=pc.sum(days["spend_micros"]).as_py() or 0,
        total_micros=campaign.total_micros,
        currency=campaign.currency,
        simulated=campaign.simulated or None,
        making=taken,
        folder=campaign.root,
    )
    return Found(state, [night.sentence() for night in nights[:SHOWN]])
