"""What stands above and below a table: when the file was made, which days, which zone and which filters it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadReport
from dco.platforms.cells import word_day
from dco.platforms.sniff import norm

Records = Sequence[tuple[str, ...]]

_STAMPS = (
    re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})[T_ ](\d{2}):?(\d{2}):?(\d{2})?Z"),
    re.compile(r"(?<!\d)(\d{4})/(\d{2})/(\d{2}) (\d{2}):(\d{2}) (?:GMT|UTC)"),
)
_WHOLE = ("filter by partner", "filter by advertiser")
"""Filters that name the account itself, and therefore leave the scope of its days full."""


def stamp_in(texts: Sequence[str]) -> datetime | None:
    """When the file says it was made (UTC): ISO with Z, compact or not, or DV360's '2022/12/10 03:34 GMT'."""
    for text in texts:
        for pattern in _STAMPS:
            if match := pattern.search(text):
                numbers = [int(g or 0) for g in match.groups()]
                try:
                    return datetime(*numbers).replace(tzinfo=UTC)  # type: ignore[arg-type]
                except ValueError:
                    continue
    return None


def span_in(records: Records) -> tuple[date, date] | tuple[None, None]:
    """The range of days the file names ('September 1, 2026 - September 30, 2026'), or (None, None)."""
    for record in records:
        for text in (" ".join(record), ", ".join(record), *record):
            for between in (" - ", " – ", " to "):
                ends = text.strip().strip('"').split(between)
                first, last = (word_day(ends[0]), word_day(ends[1])) if len(ends) == 2 else (None, None)
                if first and last and first <= last:
                    return first, last
    return None, None


def zone_in(records: Records) -> str:
    """The zone a 'Report Time Zone' record names, or ''."""
    for record in records:
        if len(record) == 2 and norm(record[0]).rstrip(":") in ("report time zone", "time zone"):
            return record[1].strip()
    return ""


def scope_in(records: Records) -> str:
    """The filters a footer lists ('Filter by Country:,US'), in words, or ''."""
    filters = [r for r in records if len(r) >= 2 and norm(r[0]).startswith("filter by ")]
    partial = [r for r in filters if not norm(r[0]).startswith(_WHOLE)]
    return "; ".join(f"{' '.join(r[0].split()).rstrip(':')[10:]} = {', '.join(r[1:])}" for r in partial)


def check_span(source: str, rows: pa.Table, first: date | None, last: date | None) -> None:
    """Rows outside the range the file itself names mean that something was misread or edited."""
    low, high = pc.min(rows["day"]).as_py(), pc.max(rows["day"]).as_py()
    if first and last and (low < first or high > last):
        raise BadReport(
            source,
            f"days {low} to {high} lie outside the file's own range {first} to {last}; download the report again",
        )
