"""The gate between drafts and live ads: the model of every served creative, and each piece laid over it, has a licence on
record that allows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from dco.errors import UnknownName, Unlicensed
from dco.generate.models.licence import Record, part_records, problem, record_of
from dco.jobs.desk import Desk
from dco.jobs.pictures import backend_of
from dco.records import Campaign
from dco.settings import wrong
from dco.store import licences
from dco.store.arms import ArmRow
from dco.store.licences import ModelLicence

PART = "#"
"""Between a model's id and the name of a piece laid over it, in the ledger of licences; no model's id has it."""


def current(campaign: Campaign) -> tuple[ModelLicence, ...]:
    """The records of the model that a campaign draws with now, and of every piece laid over it: ControlNet, IP-Adapter, LoRA.

    Raises:
        BadModel: a record is malformed, or is about other weights. BadCampaign: the file states the licence of a piece that
            is not there.
    """
    backend, model = backend_of(campaign), campaign.model
    found = {backend.model_id: record_of(backend, model.license)}
    try:
        parts = part_records(backend, dict(model.part_licenses))
    except UnknownName as error:
        raise wrong(campaign, "model.part_licenses", str(error)) from None
    found |= {f"{backend.model_id}{PART}{name}": record for name, record in parts.items()}
    return tuple(_row(campaign, name, record) for name, record in found.items())


def _row(campaign: Campaign, name: str, found: Record) -> ModelLicence:
    override, note = campaign.model.license_override, ""
    if override is not None and override.license.lower() == found.licence.lower():
        note = f"non-commercial, overridden by {override.by}: {override.reason}"
    return ModelLicence(
        name,
        found.licence,
        found.source,
        found.by,
        found.stated,
        found.commercial,
        found.sha256,
        note,
    )


def shortcomings(campaign: Campaign) -> list[str]:
    """Why pictures of the model in use may not go live, a line for the model and each piece that stands in the way."""
    return _judged(current(campaign), allowed=_allowed(campaign))


def keep(conn: Connection, desk: Desk, *, now: datetime) -> None:
    """Store the records of the model in use, as they are now."""
    for row in current(desk.campaign):
        licences.save(conn, desk.campaign.key, row, now=now)


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
    if problems := _problems(conn, desk, models, allowed=_allowed(desk.campaign)):
        more = f"; and {len(problems) - 1} more, see `dco check`" if len(problems) > 1 else ""
        raise Unlicensed(problems[0] + more)


def _allowed(campaign: Campaign) -> str:
    override = campaign.model.license_override
    return override.license if override else ""


def _problems(conn: Connection, desk: Desk, models: Iterable[str], *, allowed: str) -> list[str]:
    known = licences.of_campaign(conn, desk.campaign.key)
    rows: list[ModelLicence] = []
    for model in models:
        rows.append(known.get(model, ModelLicence(model, "")))
        rows += [row for name, row in known.items() if name.startswith(model + PART)]
    return _judged(rows, allowed=allowed)


def _judged(rows: Iterable[ModelLicence], *, allowed: str) -> list[str]:
    found = []
    for row in rows:
        record = Record(row.licence, row.source, row.by, row.stated, row.commercial, row.sha256)  # type: ignore[arg-type]
        model, _, part = row.model.partition(PART)
        found.append(problem(record, model=model, part=part, allowed=allowed))
    return [one for one in found if one]
