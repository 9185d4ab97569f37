"""Under which licence each model's pictures are used: the record as it stood when a campaign last relied on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from dco.store import tables
from dco.store.engine import is_sqlite
from dco.store.types import utc


@dataclass(frozen=True, slots=True)
class ModelLicence:
    """A model's licence. See `tables.ModelLicence` for what the texts mean; an empty `licence` means none is on record."""

    model: str
    licence: str
    source: str = ""
    by: str = ""
    stated: str = ""
    commercial: str = "unknown"
    sha256: str = ""
    note: str = ""


def save(conn: Connection, campaign: str, record: ModelLicence, *, now: datetime) -> None:
    """Keep a model's record for a campaign; a newer one takes its place."""
    values = {"campaign": campaign, **asdict(record), "at": utc(now)}
    if of_campaign(conn, campaign).get(record.model) == record:
        return
    insert = (sqlite.insert if is_sqlite(conn) else postgresql.insert)(tables.model_licences).values(values)
    given = {name: value for name, value in values.items() if name not in ("campaign", "model")}
    conn.execute(insert.on_conflict_do_update(index_elements=["campaign", "model"], set_=given))


def of_campaign(conn: Connection, campaign: str) -> dict[str, ModelLicence]:
    """Every record of a campaign, by model."""
    table = tables.model_licences.c
    columns = [table[name] for name in ModelLicence.__slots__]
    rows = conn.execute(select(*columns).where(table.campaign == campaign).order_by(table.model))
    return {row.model: ModelLicence(*row) for row in rows}
