"""The only place that reads the clock. Everything below takes `now` or `day` as an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def business_date(moment: datetime, zone: str) -> date:
    """The calendar day of a moment in a campaign's own zone."""
    return moment.astimezone(ZoneInfo(zone)).date()
