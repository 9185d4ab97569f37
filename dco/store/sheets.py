"""The bulk sheets of each version, as they were handed over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from dco.errors import Refused
from dco.store import tables


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of one version; `name` tells a version's sheets apart (platform and account)."""

    campaign: str
    number: int
    name: str
    text: str
    sha256: str


def save(conn: Connection, campaign: str, number: int, text: str, *, name: str = "") -> str:
    """Keep a version's sheet, return its SHA-256. The same text again changes nothing.

    Raises:
        Refused: that version's sheet of that name says something else already.
    """
    sha = hashlib.sha256(text.encode()).hexdigest()
    for sheet in of_version(conn, campaign, number):
        if sheet.name == name:
            if sheet.sha256 != sha:
                raise Refused(
                    f"campaign {campaign}, version {number}: sheet {name!r} was handed over with other rows; publish a new version"
                )
            return sha
    values = {"campaign": campaign, "number": number, "name": name, "text": text, "sha256": sha}
    conn.execute(insert(tables.sheets).values(values))
    return sha


def of_version(conn: Connection, campaign: str, number: int) -> list[Sheet]:
    """The sheets of a version, by name."""
    s = tables.sheets.c
    statement = select(s.campaign, s.number, s.name, s.text, s.sha256).where(
        s.campaign == campaign, s.number == number
    )
    return [Sheet(*row) for row in conn.execute(statement.order_by(s.name))]
