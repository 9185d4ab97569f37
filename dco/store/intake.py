"""What a delivery must satisfy before a single row of it is stored."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadData, BadReport
from dco.records import Delivery
from dco.schemas import REPORT
from dco.store.types import utc

_FUTURE = timedelta(days=1)
"""How far a stamp may lie after its arrival: a date read in the wrong zone, not a wrong clock."""

_LONGEST = 3660
"""Days one file may cover: ten years; a misread year would otherwise claim millennia."""


def zone_of(delivery: Delivery) -> ZoneInfo:
    """The zone of the account's days; UTC when the file names none."""
    try:
        return ZoneInfo(delivery.zone or "UTC")
    except (KeyError, ValueError, OSError):
        raise BadReport(
            delivery.source, f"its account's zone {delivery.zone!r} is not known; give one like Europe/Berlin"
        ) from None


def checked(delivery: Delivery, arrived: datetime) -> pa.Table:
    """The rows in `schemas.REPORT`, when the delivery says nothing that contradicts itself.

    Raises:
        BadReport: it does; the message names file and, where there is one, line and column.
        BadData: the table is not `schemas.REPORT`.
    """
    zone_of(delivery)
    fail = lambda problem: BadReport(delivery.source, problem)  # noqa: E731
    if not re.fullmatch(r"[0-9a-f]{64}", delivery.sha256):
        raise fail(f"its sha256 is {delivery.sha256!r}, expected 64 hex digits")
    if not delivery.scope:
        raise fail("its scope is empty; say 'full' or the file's own filters")
    if delivery.last_day < delivery.first_day:
        raise fail(f"it covers {delivery.first_day} to {delivery.last_day}, which ends before it begins")
    if (delivery.last_day - delivery.first_day).days > _LONGEST:
        raise fail(
            f"it covers {delivery.first_day} to {delivery.last_day}, more than {_LONGEST} days; check its dates"
        )
    if utc(delivery.stamp, "stamp") > arrived + _FUTURE:
        raise fail(
            f"its stamp {delivery.stamp.isoformat()} lies after its arrival {arrived.isoformat()}; correct the clock or the stamp"
        )
    if not set(REPORT.names) <= set(delivery.rows.column_names):
        missing = sorted(set(REPORT.names) - set(delivery.rows.column_names))
        raise fail(f"its rows lack the columns {', '.join(missing)} of schemas.REPORT")
    try:
        rows = delivery.rows.select(REPORT.names).cast(REPORT)
    except (pa.ArrowInvalid, ValueError) as error:
        raise BadData(f"{delivery.source}: its rows are not schemas.REPORT ({error})") from error
    _check_rows(delivery, rows)
    return rows


def _check_rows(delivery: Delivery, rows: pa.Table) -> None:
    outside = pc.or_(pc.less(rows["day"], delivery.first_day), pc.greater(rows["day"], delivery.last_day))
    foreign = pc.or_(
        pc.not_equal(rows["platform"], delivery.platform),
        pc.fill_null(pc.not_equal(rows["account"], delivery.account), False),
    )
    for bad, problem in (
        (outside, f"a day outside of {delivery.first_day} to {delivery.last_day}, which the file covers"),
        (
            foreign,
            f"a row of another account than {delivery.platform} {delivery.account}; deliver each account by itself",
        ),
    ):
        if pc.any(bad).as_py():
            raise BadReport(delivery.source, problem, line=rows.filter(bad)["line"][0].as_py())
    for name in (field.name for field in REPORT if field.type == pa.string()):
        nul = pc.fill_null(pc.match_substring(rows[name], "\x00"), False)
        if pc.any(nul).as_py():
            raise BadReport(
                delivery.source,
                "a zero byte, which no text may hold",
                line=rows.filter(nul)["line"][0].as_py(),
                column=name,
            )
