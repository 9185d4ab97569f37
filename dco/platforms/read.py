"""The door for platform files: recognise, read, and say what a file covers.

Right to the cent, or refused with one line that names file, line, column and a way out.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dco import registry
from dco.errors import BadData, BadReport
from dco.platforms.cells import shown
from dco.platforms.mapping import Mapping, load_mapping
from dco.platforms.preamble import stamp_in
from dco.platforms.report import Format, Layout, Reading
from dco.platforms.sniff import MAX_BYTES, Sheet, looks_personal, open_sheet
from dco.records import Campaign, Delivery

FACTS = b"dco.delivery"
"""Key of the rows' schema metadata: JSON of what the file says about itself (source, scope, days, checksum ...)."""


def read_report(
    path: str | Path, *, campaign: Campaign | None = None, mapping: Mapping | str | Path | None = None
) -> pa.Table:
    """Read a platform's report file.

    Args:
        path: CSV (comma, semicolon, tab; UTF-8, UTF-16) or Insights JSON, plain or .gz.
        campaign: when given, a file in another currency than the campaign's is refused.
        mapping: describes a table no format knows (a `Mapping`, or the path of its YAML file).

    Returns:
        `schemas.REPORT`, one row per line of the file (connector tables: per ad and day). The metadata of the schema
        holds, under `read.FACTS`, what the file says about itself.

    Raises:
        BadReport, TotalMismatch: the file cannot be used; the message names file, line and column.
    """
    path = Path(path)
    if isinstance(mapping, str | Path):
        mapping = load_mapping(mapping)
    sheet, reading, platform = _read(path.name, _bytes(path), mapping)
    if campaign is not None:
        _same_currency(sheet.source, reading.rows, campaign.currency)
    first, last = _span(reading)
    facts = {
        "source": sheet.source,
        "sha256": sheet.sha256,
        "platform": platform,
        "scope": reading.scope,
        "zone": reading.zone,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "stamp": reading.stamp.isoformat() if reading.stamp else "",
        "checksum": reading.checksum,
    }
    return reading.rows.replace_schema_metadata({FACTS: json.dumps(facts).encode()})


def read_delivery(
    name: str,
    data: bytes,
    *,
    arrived: datetime,
    account: str | None = None,
    zone: str = "",
    mapping: Mapping | None = None,
) -> Delivery:
    """Read a delivered file with everything the ledger needs to place it.

    Args:
        name: file name, for people; a stamp in it like 20260930T031500Z is the file's own.
        arrived: aware UTC; the delivery's stamp where the file has none of its own.
        account: the account the file is known to come from; a file that names another is refused.
        zone: the zone of the account's days; a platform that always reports in UTC overrules an empty one.
    """
    if arrived.tzinfo is None:
        raise BadData("arrived must carry its zone (UTC)")
    sheet, reading, platform = _read(name, data, mapping)
    first, last = _span(reading)
    rows = reading.rows.replace_schema_metadata({FACTS: json.dumps({"checksum": reading.checksum}).encode()})
    currencies = pc.unique(pc.drop_null(rows["currency"])).to_pylist()
    return Delivery(
        source=sheet.source,
        sha256=sheet.sha256,
        platform=platform,
        account=_account(sheet.source, rows, platform, account),
        zone=zone or reading.zone,
        currency=currencies[0] if currencies else "",
        scope=reading.scope,
        first_day=first,
        last_day=last,
        stamp=_stamp(sheet.source, reading, arrived),
        rows=rows,
    )


def recognise(name: str, data: bytes) -> str:
    """Name of the one format that claims the file. Raises BadReport when none does, or more than one."""
    return _claimed(open_sheet(name, data))[0].name


def _read(name: str, data: bytes, mapping: Mapping | None) -> tuple[Sheet, Reading, str]:
    sheet = open_sheet(name, data)
    layout: Layout
    if mapping is None:
        layout = _claimed(sheet)[1]
    elif mapping.claims(sheet):
        layout = mapping
    else:
        missing = mapping.missing(sheet)
        raise BadReport(
            sheet.source,
            f"the mapping {mapping.name!r} does not fit; columns not found: {', '.join(missing) or 'its marks'}",
        )
    try:
        reading = layout.read(sheet)
    except (pa.ArrowInvalid, OverflowError) as error:
        # Arrow refuses what no cell rule foresaw, say a sum beyond 38 digits.
        raise BadReport(
            sheet.source, f"cannot be read as numbers ({shown(str(error))}); export it again"
        ) from None
    return sheet, reading, layout.platform


def _claimed(sheet: Sheet) -> tuple[Format, Layout]:
    formats: list[Format] = [registry.load("formats", name) for name in registry.names("formats")]
    claims = [(f, layout) for f in formats if (layout := f.claiming(sheet))]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(f.name for f, _ in claims)
        raise BadReport(sheet.source, f"looks like a file of {names}; name the columns in a mapping file")
    known = ", ".join(f.name for f in formats)
    raise BadReport(
        sheet.source,
        f"no format knows this file (known: {known}); {_headers_seen(sheet)}; describe the table in a mapping file",
    )


def _headers_seen(sheet: Sheet) -> str:
    """The record most likely to be the header, unless it may hold a person's data."""
    if sheet.is_json:
        value = sheet.json
        rows = value.get("data") if isinstance(value, dict) else value
        first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        keys = tuple(sorted(map(str, first))[:12])
        return (
            "no keys seen" if looks_personal(keys) else f"keys seen: {', '.join(map(shown, keys)) or 'none'}"
        )
    records = [r.cells for rs in sheet.heads.values() for r in rs[:10]]
    wide = max(records, key=lambda cells: sum(bool(c.strip()) for c in cells), default=())
    if looks_personal(wide) or any(re.search(r"\d{6}", c) for c in wide):
        return "no header row seen"
    seen = [shown(c.strip()) for c in wide if c.strip()][:12]
    return f"headers seen: {', '.join(seen) or 'none'}"


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadReport(path.name, f"larger than {MAX_BYTES // 2**20} MB; export a shorter range of days")
        return path.read_bytes()
    except IsADirectoryError:
        raise BadReport(path.name, "is a folder, expected one report file") from None
    except (OSError, ValueError):
        raise BadReport(path.name or str(path), "no readable file at this path") from None


def _span(reading: Reading) -> tuple[date, date]:
    """First and last day covered: as the file states it, else of its rows."""
    low, high = pc.min(reading.rows["day"]).as_py(), pc.max(reading.rows["day"]).as_py()
    return reading.first_day or low, reading.last_day or high


def _account(source: str, rows: pa.Table, platform: str, given: str | None) -> str:
    stated = sorted(pc.unique(pc.drop_null(rows["account"])).to_pylist())
    if given and platform == "google_ads":
        given = given.replace("-", "")
    if len(stated) > 1:
        raise BadReport(
            source, f"rows of {len(stated)} accounts ({', '.join(stated[:5])}); export one account at a time"
        )
    if given and stated and stated[0] != given:
        raise BadReport(source, f"is of account {stated[0]}, expected {given}")
    return given or (stated[0] if stated else "")


def _stamp(source: str, reading: Reading, arrived: datetime) -> datetime:
    stamp = reading.stamp or stamp_in([source])
    if stamp and stamp > arrived + timedelta(days=1):
        raise BadReport(
            source,
            f"says it was made at {stamp:%Y-%m-%d %H:%M} UTC, after it arrived; check its name or clock",
        )
    return stamp or arrived.astimezone(UTC)


def _same_currency(source: str, rows: pa.Table, currency: str) -> None:
    stated = pc.unique(pc.drop_null(rows["currency"])).to_pylist()
    if stated and stated[0] != currency:
        raise BadReport(source, f"amounts in {stated[0]}, but the campaign counts in {currency}")
