"""Every table of a workspace. The models are the schema; reads and writes go through SQLAlchemy Core by `Base.metadata`.

Tables in `APPEND_ONLY` are guarded by triggers: their rows can be neither changed nor deleted, whoever asks.
A change here needs a new revision in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from dco.store.types import Json, Moment

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}
"""Constraints need names that both databases agree on, or a later migration cannot address them."""


class Base(SQLModel):
    """Own metadata: another package's SQLModel tables never land in a workspace."""

    metadata = MetaData(naming_convention=NAMING)


def _text(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


def _big(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


class Delivery(Base, table=True):
    """One report file as delivered. The same bytes for the same account are the same delivery under any name."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("sha256", "platform", "account"),
        Index("ix_deliveries_account", "platform", "account"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    sha256: str = _text()
    source: str = _text()
    platform: str = _text()
    account: str = _text()
    zone: str = _text()
    currency: str = _text()
    scope: str = _text()
    first_day: date
    last_day: date
    stamp: datetime = Field(sa_type=Moment)
    arrived: datetime = Field(sa_type=Moment)
    as_of: date
    """Date of `stamp` in the account's own zone: what 'known on that date' is decided by."""
    rows: int = _big()


class Slice(Base, table=True):
    """One day that a delivery covers; with no cells it says 'nothing ran'. `digest` hashes what it says."""

    __tablename__ = "slices"
    delivery: int = Field(primary_key=True, foreign_key="deliveries.id", sa_type=Integer)
    day: date = Field(primary_key=True)
    rows: int = _big()
    digest: str = _text()


class Cell(Base, table=True):
    """One row of a report. Clustered by (delivery, day), which is how slices are read."""

    __tablename__ = "cells"
    __table_args__ = {"sqlite_with_rowid": False}
    delivery: int = Field(primary_key=True, foreign_key="deliveries.id", sa_type=Integer)
    day: date = Field(primary_key=True)
    n: int = Field(primary_key=True, sa_type=Integer)
    line: int = _big()
    currency: str | None = _text(default=None)
    campaign_id: str | None = _text(default=None)
    campaign: str | None = _text(default=None)
    ad_group_id: str | None = _text(default=None)
    ad_group: str | None = _text(default=None)
    ad_id: str | None = _text(default=None)
    ad: str | None = _text(default=None)
    arm_id: str | None = _text(default=None)
    size: str | None = _text(default=None)
    impressions: int = _big()
    viewable: int | None = _big(default=None)
    clicks: int = _big()
    conversions_micros: int | None = _big(default=None)
    revenue_micros: int | None = _big(default=None)
    spend_micros: int | None = _big(default=None)


class Arm(Base, table=True):
    """One creative of one segment. The same pixels in two segments are one arm id, two rows, two lives."""

    __tablename__ = "arms"
    campaign: str = _text(primary_key=True)
    segment: str = _text(primary_key=True)
    arm_id: str = _text(primary_key=True)
    genome: dict[str, str] = Field(sa_type=Json)
    copy_text: dict[str, str] = Field(sa_type=Json)
    """Headline, subhead, call to action. (SQLModel owns the name `copy`.)"""
    link: str = _text()
    rasters: dict[str, str] = Field(sa_type=Json)
    parents: list[str] = Field(sa_type=Json)
    prompt: str = _text()
    seed: int = _big()
    model: str = _text()
    requests: list[str] = Field(sa_type=Json)
    control: bool
    born: date | None = None
    """Business date of the run that made it; empty when a person brought it."""
    at: datetime = Field(sa_type=Moment)


class ArmEvent(Base, table=True):
    """One step in an arm's life. The newest one is its state."""

    __tablename__ = "arm_events"
    __table_args__ = (Index("ix_arm_events_arm", "campaign", "segment", "arm_id"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    campaign: str = _text()
    segment: str = _text()
    arm_id: str = _text()
    """Also the hash of what was approved: pixels, words and link."""
    event: str = _text()
    by: str = _text()
    rule: str = _text()
    reason: str = _text()
    at: datetime = Field(sa_type=Moment)


class Version(Base, table=True):
    """One allocation, whole and immutable. `day` is the business date from which it is live."""

    __tablename__ = "versions"
    campaign: str = _text(primary_key=True)
    number: int = Field(primary_key=True, sa_type=Integer)
    day: date
    at: datetime = Field(sa_type=Moment)
    body: Any = Field(sa_type=Json)
    sha256: str = _text()
    restored: int | None = None
    """Number of the version whose body a rollback brought back."""


class VersionShare(Base, table=True):
    """Propensity of one arm, with the licence that says what may be concluded from it, per placement."""

    __tablename__ = "version_shares"
    campaign: str = _text(primary_key=True)
    number: int = Field(primary_key=True, sa_type=Integer)
    segment: str = _text(primary_key=True)
    arm_id: str = _text(primary_key=True)
    placement: str = _text(primary_key=True)
    """Empty when the version names no placements."""
    share: float = Field(sa_type=Float)
    control_share: float = Field(sa_type=Float)
    lever: str = _text()
    licence: str = _text()
    p_best: float | None = Field(default=None, sa_type=Float)
    mean: float | None = Field(default=None, sa_type=Float)
    low: float | None = Field(default=None, sa_type=Float)
    high: float | None = Field(default=None, sa_type=Float)


class RunRow(Base, table=True):
    """One night of one campaign: at most one row, whoever starts it, however often."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("campaign", "day"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    campaign: str = _text()
    day: date
    status: str = _text()
    owner: str = _text()
    lease_until: datetime = Field(sa_type=Moment)
    fence: int = Field(sa_type=Integer)
    started: datetime = Field(sa_type=Moment)
    finished: datetime | None = Field(default=None, sa_type=Moment)
    seed: int = _big()
    config: str = _text()
    """Hash of the campaign file the run decides by."""
    summary: Any = Field(sa_type=Json)


class Step(Base, table=True):
    """A finished step and what it found; written in the transaction that holds the step's effects."""

    __tablename__ = "steps"
    run: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Integer)
    name: str = _text(primary_key=True)
    output: Any = Field(sa_type=Json)
    at: datetime = Field(sa_type=Moment)


class Cost(Base, table=True):
    """What making something cost, in seconds and money."""

    __tablename__ = "costs"
    run: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Integer)
    item: str = _text(primary_key=True)
    kind: str = _text(primary_key=True)
    seconds: float = Field(sa_type=Float)
    micros: int = _big()
    currency: str = _text()


class PictureCostRow(Base, table=True):
    """What became of one picture that a run asked for, and what making it took. One that was kept already took nothing."""

    __tablename__ = "picture_costs"
    __table_args__ = (Index("ix_picture_costs_key", "key"),)
    run: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Integer)
    key: str = _text(primary_key=True)
    """Content hash of request, model and engine."""
    model: str = _text()
    outcome: str = _text()
    """made | cached | refused."""
    reason: str = _text()
    """Why there is none; empty for one that is there."""
    seconds: float = Field(sa_type=Float)
    watt_hours: float | None = Field(default=None, sa_type=Float)
    """An estimate; empty where nobody measured."""
    micros: int | None = _big(default=None)
    """What a provider charged; empty where the price is not known."""
    currency: str = _text()


class IdeaNotMade(Base, table=True):
    """An idea that a run could not make into a creative, and why."""

    __tablename__ = "ideas_not_made"
    run: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Integer)
    segment: str = _text(primary_key=True)
    idea: str = _text(primary_key=True)
    """Content hash of its genome."""
    genome: dict[str, str] = Field(sa_type=Json)
    gates: list[str] = Field(sa_type=Json)
    """Per try that failed, the quality gate that refused its picture; empty text where something else was in the way."""
    reason: str = _text()


class ModelLicence(Base, table=True):
    """Under which licence the pictures of a model are used, as it stood when a campaign last drew or published with it."""

    __tablename__ = "model_licences"
    campaign: str = _text(primary_key=True)
    model: str = _text(primary_key=True)
    licence: str = _text()
    """An SPDX id or LicenseRef; empty where nobody stated one."""
    source: str = _text()
    by: str = _text()
    """Who stated it."""
    stated: str = _text()
    """When, as ISO date; empty where it was not said."""
    commercial: str = _text()
    """yes | no | unknown."""
    sha256: str = _text()
    """Hash of the weights it was stated for; empty where there are none to hash."""
    note: str = _text()
    """Who overrode it for live use, and why."""
    at: datetime = Field(sa_type=Moment)


class Sheet(Base, table=True):
    """The bulk sheet of a version, as handed to a platform."""

    __tablename__ = "sheets"
    campaign: str = _text(primary_key=True)
    number: int = Field(primary_key=True, sa_type=Integer)
    name: str = _text(primary_key=True)
    """Which sheet of the version: one per platform and account."""
    text: str = _text()
    sha256: str = _text()


class Forecast(Base, table=True):
    """A number said in advance, and what became of it."""

    __tablename__ = "forecasts"
    run: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Integer)
    subject: str = _text(primary_key=True)
    name: str = _text(primary_key=True)
    due: date = Field(primary_key=True)
    value: float = Field(sa_type=Float)
    outcome: float | None = Field(default=None, sa_type=Float)


APPEND_ONLY = ("deliveries", "slices", "cells", "arm_events", "versions", "version_shares", "sheets")
"""Tables whose rows never change. Arms are written once too, but their control flag may be given later."""


def table(name: str) -> Table:
    """The Core table of that name."""
    return Base.metadata.tables[name]


deliveries, slices, cells = table("deliveries"), table("slices"), table("cells")
arms, arm_events = table("arms"), table("arm_events")
versions, version_shares = table("versions"), table("version_shares")
runs, steps = table("runs"), table("steps")
costs, sheets, forecasts = table("costs"), table("sheets"), table("forecasts")
picture_costs, model_licences = table("picture_costs"), table("model_licences")
ideas_not_made = table("ideas_not_made")
