"""The gate between drafts and live ads: every served creative's model has a licence on record that allows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from dco.errors import Unlicensed
from dco.generate.models.licence import Record, problem, record_of
from dco.jobs.desk import Desk
from dco.jobs.pictures import backend_of
from dco.records import Campaign
from dco.store import licences
from dco.store.arms import ArmRow
from dco.store.licences import ModelLicence


def current(campaign: Campaign) -> ModelLicence:
    """The record of the model that a campaign draws with now.

    Raises:
        BadModel: the record is malformed, or is about other weights.
    """
    backend, model = backend_of(campaign), campaign.model
    found, override = record_of(backend, model.license), model.license_override
    note = ""
    if override is not None and override.license.lower() == found.licence.lower():
        note = f"non-commercial, overridden by {override.by}: {override.reason}"
    return ModelLicence(
        backend.model_id,
        found.licence,
        found.source,
        found.by,
        found.stated,
        found.commercial,
        found.sha256,
        note,
    )


def keep(conn: Connection, desk: Desk, *, now: datetime) -> None:
    """Store the record of the model in use, as it is now."""
    licences.save(conn, desk.campaign.key, current(desk.campaign), now=now)


def require(conn: Connection, desk: Desk, rows: Iterable[ArmRow], *, now: datetime) -> None:
    """Let creatives go live only under licences that allow it.

    Raises:
        Unlicensed: names the model, what is missing, and the way out. BadModel: the record of the model in use is malformed.
    """
    models = sorted({row.creative.model for row in rows})
    if not _problems(conn, desk, models, allowed=""):
        return
    # Only now: reading and hashing the model in use takes time, and its folder need not be at hand every night.
    keep(conn, desk, now=now)
    override = desk.campaign.model.license_override
    if problems := _problems(conn, desk, models, allowed=override.license if override else ""):
        raise Unlicensed(problems[0])


def _problems(conn: Connection, desk: Desk, models: Iterable[str], *, allowed: str) -> list[str]:
    known = licences.of_campaign(conn, desk.campaign.key)
    found = []
    for model in models:
        row = known.get(model, ModelLicence(model, ""))
        record = Record(row.licence, row.source, row.by, row.stated, row.commercial, row.sha256)  # type: ignore[arg-type]
        found.append(problem(record, model=model, allowed=allowed))
    return [one for one in found if one]
