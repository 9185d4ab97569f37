"""How values lie in columns, alike on SQLite and PostgreSQL: moments in UTC, JSON in one canonical spelling."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from dco.errors import BadData


def canonical(value: Any) -> str:
    """JSON with sorted keys, no blanks, no NaN: equal values have equal bytes, so they can be hashed.

    Raises:
        BadData: the value is not JSON (a date, a NaN, a record).
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as error:
        raise BadData(
            f"cannot be stored as JSON: {error}; give mappings, lists, text and finite numbers"
        ) from error


def _plain(value: Any) -> Any:
    """Mappings that are not dicts (frozen views) as dicts; anything else is refused by json itself."""
    if hasattr(value, "keys"):
        return {key: value[key] for key in value.keys()}  # noqa: SIM118  (a Mapping protocol, not a dict)
    raise TypeError(f"{type(value).__name__} is not JSON")


def utc(moment: datetime, what: str = "now") -> datetime:
    """The same moment in UTC; a moment without a zone is refused, never guessed."""
    if moment.tzinfo is None:
        raise BadData(f"{what} is {moment.isoformat()} without a zone; give an aware datetime (UTC)")
    return moment.astimezone(UTC)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as naive UTC: SQLite has no zones, and text in one zone sorts by time."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else utc(value, "a stored moment").replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Json(TypeDecorator[Any]):
    """A JSON value as canonical text: what is read back re-hashes to what was stored."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
