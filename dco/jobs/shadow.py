"""`dco shadow`: the past decided again, night by night, from the ledger or from the buyer's own exports. Changes nothing.

The campaign's store is only read, and with exports it is not even opened; the page is the one file written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadInput
from dco.jobs.decide import history, seed_of
from dco.jobs.deliver import write_whole
from dco.jobs.desk import DATABASE_URL, open_desk
from dco.jobs.names import called
from dco.jobs.own_reports import own_past
from dco.plan.shadow import Key, arms_of, replay
from dco.plan.shadow_moves import moves
from dco.plan.shadow_value import worth
from dco.platforms.read import read_delivery
from dco.records import Campaign, Delivery, Lever, PlanSettings, Space
from dco.reports.shadow import render
from dco.reports.shadow_facts import ShadowReport
from dco.settings import load_campaign
from dco.store.arms import arms

PAGE = "shadow.html"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Past:
    """What is replayed, wherever it comes from."""

    history: pa.Table
    control: dict[Key, bool] | None
    space: Space
    settings: PlanSettings
    labels: dict[str, str]
    read_on: date
    currency: str
    end: date | None = None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def shadow(
    path: str | Path,
    *,
    now: datetime,
    reports: Sequence[Path] = (),
    lever: Lever | None = None,
    progress: Progress | None = None,
) -> ShadowReport:
    """Replay a campaign's ledger, or with `reports` these export files, under the campaign's settings.

    Args:
        lever: how the shares in `reports` came about; None: 'switch', of which nothing can be told. The ledger's placements
            have theirs in the campaign file.

    Raises:
        BadInput: nothing to replay, or a lever for the ledger. BadReport, BadData: a file that cannot be used.
    """
    campaign = load_campaign(path)
    if reports:
        past = _of_reports(campaign, reports, lever or "switch", now)
    elif lever:
        raise BadInput(
            "--lever: belongs to --reports; the ledger's placements have theirs in the campaign file"
        )
    else:
        past = _of_ledger(campaign, path, now)
    if len(set(past.history["day"].to_pylist())) < 2:
        raise BadInput(
            f"{campaign.source}: the ledger knows fewer than two days of this campaign's ads; ingest reports first "
            "(`dco ingest`), or shadow your own exports with --reports FILE"
        )
    there = arms_of(past.history, past.control)
    nights = replay(
        past.history, there, past.space, past.settings,
        lambda day: np.random.default_rng(seed_of(campaign, day)), end=past.end, progress=progress,
    )  # fmt: skip
    found = worth(
        past.history, nights, past.settings, window_days=campaign.conversion_window_days, read_on=past.read_on
    )
    placed = past.history.select(["placement", "lever"]).group_by(["placement", "lever"]).aggregate([])
    days = past.history["day"]
    return ShadowReport(
        campaign=campaign.key, brand=campaign.brand.name, kpi=campaign.plan.kpi, as_of=now, sources=past.sources,
        first_day=pc.min(days).as_py(), last_day=pc.max(days).as_py(), nights=nights, worth=found,
        moves=moves(found.arm_days, nights), labels=past.labels, currency=past.currency,
        window_days=campaign.conversion_window_days,
        levers={r["placement"] or "": r["lever"] or "switch" for r in placed.to_pylist()},
        notes=past.notes, simulated=campaign.simulated or None,
    )  # fmt: skip


def write_page(report: ShadowReport, path: str | Path) -> Path:
    """The page in the campaign's outbox."""
    return write_whole(Path(load_campaign(path).root) / "outbox" / PAGE, render(report).encode())


def _of_reports(campaign: Campaign, files: Sequence[Path], lever: Lever, now: datetime) -> _Past:
    """Ads that are not ours: no starting ads are known, and no new ones could be made of them."""
    deliveries = [_delivery(campaign, file, now) for file in files]
    own = own_past(deliveries, lever=lever, window_days=_window(campaign))
    # The campaign's budgets and bounds on money name its own audiences and placements, and its own currency.
    settings = replace(
        campaign.plan, segments=own.segments, max_new=0, cells=(), budget_bounds=(), daily_micros=0, total_micros=0,
        flight_days=None, min_spend_micros=0, cpa_max_micros=0, roas_min=0.0,
    )  # fmt: skip
    return _Past(
        own.history, None, own.space, settings, dict(own.labels), own.read_on, own.currency,
        sources=tuple(d.source for d in deliveries), notes=own.notes,
    )  # fmt: skip


def _window(campaign: Campaign) -> int:
    """Clicks do not come late."""
    return 0 if campaign.plan.kpi == "ctr" else campaign.conversion_window_days


def _delivery(campaign: Campaign, file: Path, now: datetime) -> Delivery:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    return read_delivery(file.name, data, arrived=now, zone=campaign.zone)


def _of_ledger(campaign: Campaign, path: str | Path, now: datetime) -> _Past:
    root = Path(campaign.root)
    if not os.environ.get(DATABASE_URL) and not (root / "store" / "dco.db").exists():
        raise BadInput(
            f"{campaign.source}: this campaign has no ledger yet; ingest reports first (`dco ingest`), or shadow your own "
            "exports with --reports FILE"
        )
    with open_desk(path) as desk, desk.workspace.read() as conn:
        table = history(conn, campaign, as_of=now.date())
        rows = arms(conn, campaign.key)
    control = {(row.creative.segment, row.creative.arm_id): row.control for row in rows}
    labels = {r.creative.arm_id: called(r.creative.arm_id, r.creative.genome.as_dict()) for r in rows}
    read_on = pc.max(table["as_of"]).as_py() or now.date()
    return _Past(
        table, control, campaign.space, campaign.plan, labels, read_on, campaign.currency, end=campaign.end
    )
