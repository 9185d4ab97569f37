"""What a campaign report is made of: frozen inputs, nothing computed. Every figure of a report comes from here.

The caller (a job, the demo, a notebook) gathers these from the store; this room only reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import pyarrow as pa

from dco import schemas
from dco.records import Campaign, Copy, Kpi, Lever, Licence, Making, Missed
from dco.reports.reasons import Decided

State = Literal["pending", "approved", "live", "retired", "rejected", "expired"]
"""pending: made and waiting for approval. approved: allowed, not yet served. rejected: by a person or a platform."""

SHARES_OVER_TIME = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("arm_id", pa.string(), nullable=False),
        pa.field("share", pa.float64(), nullable=False),  # of the segment's impressions that day
        pa.field("control_share", pa.float64(), nullable=False),  # the part of `share` owed to the holdout
    ]
)

EFFECTS = pa.schema(
    [
        pa.field("attribute", pa.string(), nullable=False),
        pa.field("option", pa.string(), nullable=False),
        pa.field("segment", pa.string()),  # null: over all segments
        pa.field(
            "effect", pa.float64(), nullable=False
        ),  # relative to the average option of the attribute, 0.10 = +10 %
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
    ]
)

COSTS = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # generate, compose, hosted model, ...
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("micros", pa.int64(), nullable=False),  # of the campaign's currency
    ]
)


def effects_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The element model's effects (`effect_pct`, `low_pct`, `high_pct`; segment '' = shared) as `EFFECTS`."""
    found = [
        {
            "attribute": r["attribute"],
            "option": r["option"],
            "segment": r["segment"] or None,
            "effect": r["effect_pct"] / 100,
            "low": r["low_pct"] / 100,
            "high": r["high_pct"] / 100,
        }
        for r in rows
    ]
    return pa.Table.from_pylist(found, EFFECTS)


@dataclass(frozen=True, slots=True)
class CampaignView:
    """As much of a campaign as a report shows."""

    key: str
    brand: str
    brief: str
    kpi: Kpi
    currency: str
    start: date
    end: date
    zone: str = "UTC"
    segments: Mapping[str, str] = field(default_factory=dict)
    """Segment key -> description, in the order of the campaign file."""
    holdout: float | None = None
    conversion_window_days: int | None = None
    stale_after_days: int | None = None

    @classmethod
    def of(cls, campaign: Campaign | CampaignView) -> CampaignView:
        """The view of a full campaign record; a view passes through."""
        if isinstance(campaign, CampaignView):
            return campaign
        return cls(
            key=campaign.key,
            brand=campaign.brand.name,
            brief=campaign.brief,
            kpi=campaign.plan.kpi,
            currency=campaign.currency,
            start=campaign.start,
            end=campaign.end,
            zone=campaign.zone,
            segments={s.key: s.description for s in campaign.segments},
            holdout=campaign.plan.holdout,
            conversion_window_days=campaign.conversion_window_days,
            stale_after_days=campaign.stale_after_days,
        )


@dataclass(frozen=True, slots=True)
class ArmCard:
    """One ad as the report shows it. `thumb` is a small JPEG or PNG (about 320 px wide is plenty); empty shows a placeholder."""

    arm_id: str
    segment: str
    genome: Mapping[str, str]
    copy: Copy
    state: State = "live"
    born: date | None = None
    retired: date | None = None
    retired_why: str = ""
    parents: tuple[str, ...] = ()
    approved_by: str = ""
    rule: str = ""
    """Name of the standing rule that approved it; empty when a person did."""
    thumb: bytes = b""
    sizes: tuple[str, ...] = ()
    prompt: str = ""
    seed: int | None = None
    model: str = ""
    control: bool = False
    """A starting ad that the holdout keeps serving."""
    making: Making | None = None
    """What its pictures took; one that two ads share counts for both."""
    model_licence: str = ""
    """The licence that its model's pictures are used under, in words."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """What the quality gates measured on its backdrops, the worst of each; empty where nobody measured."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One report file that was read. `arrived` and `stamp` (the file's own creation time) are aware times."""

    name: str
    sha256: str
    platform: str
    arrived: datetime
    first_day: date
    last_day: date
    rows: int
    stamp: datetime | None = None
    scope: str = "full"
    note: str = ""
    """Why it counted for nothing, or less than it seems: 'older than what it covers', 'duplicate of ...'."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A day whose numbers a later file changed, before and after in the words of the metric."""

    day: date
    metric: str
    before: float
    after: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class Gain:
    """The gain over the holdout, relative: 0.14 = +14 %. `words` replaces the report's own explanation when given."""

    value: float | None
    low: float | None = None
    high: float | None = None
    words: str = ""
    licence: Licence | None = None
    """None: the weakest licence among the placements."""
    level: int = 90


@dataclass(frozen=True, slots=True)
class GainRow:
    """One further comparison. `simulated_only` marks what only a market with a known truth can tell (an oracle)."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    simulated_only: bool = False


@dataclass(frozen=True, slots=True)
class NightNote:
    """What one night did: the version it published, how many ads it moved, retired and proposed, and why, in sentences."""

    day: date
    version: int | None
    sentences: tuple[str, ...] = ()
    born: int = 0
    retired: int = 0
    moved: int = 0
    missed: tuple[Missed, ...] = ()
    """Ideas that gave no ad."""


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A number that a night said in advance, `name` as kind.end.measure (see `plan/foresee.py`); `outcome` None: not judged."""

    said_on: date
    subject: str
    name: str
    value: float
    due: date
    outcome: float | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A day whose conversions still come in. `expected_share` is how much of the final count has likely been reported."""

    day: date
    expected_share: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlacementNote:
    """One placement and what its lever licenses us to say."""

    key: str
    platform: str
    lever: Lever
    licence: Licence


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the flight so far. Money in micros of the campaign's currency."""

    impressions: int
    clicks: int
    conversions: float
    revenue_micros: int
    spend_micros: int


@dataclass(frozen=True)
class CampaignReport:
    """Everything a campaign report says. Tables: see the schemas above and `dco.schemas` (ARM_DAYS, SHARES).

    `simulated` is a label of the market (its name and seed): when set, a banner and every chart say so.
    `totals` may be left out and is then summed from `arm_days`.
    """

    campaign: Campaign | CampaignView
    as_of: datetime
    run_id: str
    arms: tuple[ArmCard, ...] = ()
    simulated: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Program and library versions, e.g. {'dco': '0.1.0'}."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """What this report depends on besides report files, e.g. {'campaign file': sha256, 'model folder': sha256}."""
    files: tuple[InputFile, ...] = ()
    restatements: tuple[Restatement, ...] = ()
    shares_over_time: pa.Table = field(default_factory=SHARES_OVER_TIME.empty_table)
    arm_days: pa.Table = field(default_factory=schemas.ARM_DAYS.empty_table)
    shares: pa.Table = field(default_factory=schemas.SHARES.empty_table)
    believed: Literal["clicks", "conversions", "revenue"] | None = None
    """What `shares.mean` counts per impression (revenue in units of the currency); None: what the KPI asks for. Set it
    when the plan had to learn something else, e.g. clicks because no report states conversions."""
    effects: pa.Table = field(default_factory=EFFECTS.empty_table)
    gain: Gain | None = None
    gain_table: tuple[GainRow, ...] = ()
    nights: tuple[NightNote, ...] = ()
    decided: Decided | None = None
    """The newest decision, row by row with its reasons."""
    interactions: tuple[Mapping[str, Any], ...] = ()
    """Believed pairs of options: rows of `elements.interactions.Interaction`."""
    forecasts: tuple[ForecastRow, ...] = ()
    costs: pa.Table = field(default_factory=COSTS.empty_table)
    making: tuple[tuple[str, Making], ...] = ()
    """(of when, what pictures took), such as of the last night and of the whole flight."""
    model_licences: tuple[tuple[str, str], ...] = ()
    """(model, the licence its pictures are used under, in words)."""
    totals: Totals | None = None
    unsettled: tuple[Unsettled, ...] = ()
    placements: tuple[PlacementNote, ...] = ()
    method: tuple[str, ...] = ()
    """Sentences on how this campaign's numbers were computed, added to the report's own notes."""
