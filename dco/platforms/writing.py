"""What writers of real-shaped exports share: thousands separators, total rows, quoting as the platforms do it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dco import schemas
from dco.errors import BadData
from dco.platforms.report import MEASURES

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(slots=True)
class Sheetful:
    """A table being written: headers, and rows of text (None = not reported)."""

    header: Sequence[str]
    rows: list[Sequence[str | None]] = field(default_factory=list)

    def add(self, row: Sequence[str | None]) -> None:
        self.rows.append(row)


def check_rows(rows: pa.Table, platform: str, currency: str, stamp: datetime) -> None:
    """Raises BadData for rows that this platform's file cannot carry."""
    if not rows.schema.equals(schemas.REPORT):
        raise BadData(f"rows of a {platform} export must have the columns of schemas.REPORT")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadData(f"expected a currency code like EUR, got {currency!r}")
    strange = set(pc.unique(pc.drop_null(rows["currency"])).to_pylist()) - {currency}
    if strange:
        raise BadData(f"rows in {', '.join(sorted(strange))} cannot go into a file in {currency}")
    if stamp.tzinfo is None:
        raise BadData("the stamp of an export needs its zone (UTC)")


def check_title(title: str) -> str:
    """A report's title, on one line of its own and without quotes."""
    if not title.strip() or re.search(r'["\x00-\x1f]', title):
        raise BadData(f"expected a title on one line without quotes, got {title!r}")
    return title


def number(value: int | None) -> str | None:
    """1234 -> '1,234'."""
    return None if value is None else f"{value:,}"


def amount(micros: int | None) -> str | None:
    """1234560000 micros -> '1,234.56'; digits beyond the cent only where there are any."""
    if micros is None:
        return None
    whole, rest = divmod(abs(micros), 1_000_000)
    fraction = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole:,}.{fraction}"


def total(rows: pa.Table) -> dict[str, Any]:
    """Sum of every measure; None where no row reports it."""
    sums = {}
    for name in MEASURES:
        column = rows[name]
        wide = column.cast(pa.decimal128(38, 6)) if name == "conversions" else column
        sums[name] = pc.sum(wide).as_py() if column.null_count < len(column) else None
    return sums | {n: sums[n] or 0 for n in ("impressions", "clicks")}


def long_day(day: date) -> str:
    """'September 1, 2026', whatever the machine's locale."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def written(sheet: Sheetful, *, missing: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    """CSV bytes in UTF-8 with `missing` in place of None."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(sheet.header)
    for row in sheet.rows:
        writer.writerow([missing if cell is None else cell for cell in row])
    return out.getvalue().encode()
