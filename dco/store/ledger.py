"""The ledger of report cells: append-only by delivery; what is known is decided when it is asked for.

Delivering a file twice, late, renamed or in another order never changes what is known in the end, because nothing is
ever added up or overwritten: `asof.newest` chooses, per account and day, the delivery that speaks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from dco.records import Delivery
from dco.schemas import REPORT
from dco.store import asof, bulk
from dco.store.asof import SliceRow
from dco.store.intake import checked, zone_of
from dco.store.tables import arms, cells, deliveries, slices
from dco.store.types import utc


@dataclass(frozen=True, slots=True)
class Applied:
    """What a delivery did. 'stale': stored, but newer knowledge of all its days is already there."""

    status: Literal["applied", "duplicate", "stale"]
    rows: int
    """Rows stored with it."""
    days: tuple[date, ...]
    """Days of which it is now the newest knowledge."""
    replaced: int
    """Rows of earlier deliveries that it replaced."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new the knowledge of one account is."""

    platform: str
    account: str
    last_day: date
    """Last day that any delivery covers."""
    stamp: datetime
    arrived: datetime
    """Creation stamp and arrival of the newest delivery."""
    sources: tuple[str, ...]
    """SHA-256 of the deliveries that speak for the account now."""


def apply(conn: Connection, delivery: Delivery, arrived: datetime) -> Applied:
    """Store one delivery, whole, in the caller's transaction.

    Raises:
        BadReport: it contradicts itself (rows outside its days, another account's rows, a stamp from the future).
    """
    arrived = utc(arrived, "arrived")
    rows = checked(delivery, arrived)
    if _seen(conn, delivery):
        return Applied("duplicate", 0, (), 0)
    here = and_(
        deliveries.c.platform == delivery.platform,
        deliveries.c.account == delivery.account,
        slices.c.day.between(delivery.first_day, delivery.last_day),
    )
    before = asof.newest(slice_rows(conn, here))
    number = _insert_delivery(conn, delivery, arrived, rows.num_rows)
    _insert_slices(conn, number, delivery, rows)
    bulk.insert(conn, number, rows)
    after = {(row.delivery, row.day) for row in asof.newest(slice_rows(conn, here))}
    days = tuple(sorted(day for speaker, day in after if speaker == number))
    replaced = sum(row.rows for row in before if (row.delivery, row.day) not in after)
    return Applied("applied" if days else "stale", rows.num_rows, days, replaced)


def slice_rows(conn: Connection, *where: ColumnElement[bool]) -> list[SliceRow]:
    """Every slice that fits, with its delivery's stamps; old and new alike."""
    d = deliveries.c
    statement = (
        select(d.id, d.platform, d.account, d.scope, slices.c.day, d.stamp, d.arrived, d.sha256, d.as_of)
        .add_columns(slices.c.rows, slices.c.digest)
        .join_from(slices, deliveries)
        .where(*where)
    )
    return [SliceRow(*row) for row in conn.execute(statement)]


def until(as_of: date | None, arrived_by: datetime | None) -> list[ColumnElement[bool]]:
    """Conditions on deliveries: stamped by the end of that date, and in our hands by that moment."""
    found: list[ColumnElement[bool]] = []
    if as_of is not None:
        found.append(deliveries.c.as_of <= as_of)
    if arrived_by is not None:
        found.append(deliveries.c.arrived <= utc(arrived_by, "arrived_by"))
    return found


def known(
    conn: Connection,
    *,
    as_of: date | None = None,
    campaign: str | None = None,
    arrived_by: datetime | None = None,
) -> pa.Table:
    """Report rows (`schemas.REPORT`) as known on a date: each row that counts, once.

    Args:
        as_of: deliveries stamped after that date (in the account's zone) are left out; None: the newest knowledge.
        campaign: only rows of that campaign's arms.
        arrived_by: deliveries that arrived later are left out too, which rebuilds exactly what a past run saw.
    """
    speaking = asof.newest(slice_rows(conn, *until(as_of, arrived_by)))
    accounts = {row.delivery: (row.platform, row.account) for row in speaking}
    names = list(bulk.STORED)
    types = {n: pa.int64() if n == "conversions_micros" else REPORT.field(n).type for n in names}
    blocks = [REPORT.empty_table()]
    for delivery, first, last in _ranges(speaking):
        statement = (
            select(*bulk.select_columns(names))
            .where(cells.c.delivery == delivery, cells.c.day.between(first, last), *of_campaign(campaign))
            .order_by(cells.c.day, cells.c.n)
        )
        block = bulk.fetch(conn, statement, types)
        platform, account = accounts[delivery]
        blocks.append(_as_report(block, platform, account or None))
    return pa.concat_tables(blocks)


def ad_names(conn: Connection, platform: str) -> dict[str, str]:
    """Ad id -> arm id, from every row of a platform that named both; an ad that carried two arms is left out."""
    statement = (
        select(cells.c.ad_id, func.min(cells.c.arm_id))
        .join_from(cells, deliveries)
        .where(deliveries.c.platform == platform, cells.c.ad_id.is_not(None), cells.c.arm_id.is_not(None))
        .group_by(cells.c.ad_id)
        .having(func.count(cells.c.arm_id.distinct()) == 1)
    )
    return {row[0]: row[1] for row in conn.execute(statement)}


def of_campaign(campaign: str | None) -> list[ColumnElement[bool]]:
    """Condition on cells: the row belongs to an arm of the campaign."""
    if campaign is None:
        return []
    return [cells.c.arm_id.in_(select(arms.c.arm_id).where(arms.c.campaign == campaign))]


def freshness(
    conn: Connection, campaign: str | None = None, *, arrived_by: datetime | None = None
) -> list[Freshness]:
    """Last report day and arrival of every account (that ever showed an arm of `campaign`), by platform and account."""
    where = until(None, arrived_by)
    if campaign is not None:
        mine = select(cells.c.delivery).where(*of_campaign(campaign)).distinct()
        named = (
            select(deliveries.c.platform, deliveries.c.account).where(deliveries.c.id.in_(mine)).distinct()
        )
        pairs = [and_(deliveries.c.platform == p, deliveries.c.account == a) for p, a in conn.execute(named)]
        where.append(or_(False, *pairs))
    found: dict[tuple[str, str], list[SliceRow]] = defaultdict(list)
    for row in slice_rows(conn, *where):
        found[row.platform, row.account].append(row)
    return [_freshness(*key, found[key]) for key in sorted(found)]


def changed_since(conn: Connection, as_of: date | datetime) -> pa.Table:
    """Days whose rows say something else now than they did then: (platform, account, day, rows_before, rows_now).

    `as_of` is the moment of the earlier look, such as a run's start; a date means its end in UTC. What counts is what
    had arrived by then, whatever the files' own stamps; a redelivery with the same content is no change.
    """
    moment = as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time.max, UTC)
    before = _said(asof.newest(slice_rows(conn, *until(None, moment))))
    now = _said(asof.newest(slice_rows(conn)))
    changed = sorted(
        key for key in before.keys() | now.keys() if before.get(key, _NOTHING)[0] != now.get(key, _NOTHING)[0]
    )
    return pa.table(
        {
            "platform": pa.array([key[0] for key in changed], pa.string()),
            "account": pa.array([key[1] for key in changed], pa.string()),
            "day": bulk.dates(key[2] for key in changed),
            "rows_before": pa.array([before.get(key, _NOTHING)[1] for key in changed], pa.int64()),
            "rows_now": pa.array([now.get(key, _NOTHING)[1] for key in changed], pa.int64()),
        }
    )


_NOTHING: tuple[tuple[str, ...], int] = ((), 0)


def _said(speaking: Sequence[SliceRow]) -> dict[tuple[str, str, date], tuple[tuple[str, ...], int]]:
    """(platform, account, day) -> (digests of what is said, rows); days said to be empty are left out."""
    found: dict[tuple[str, str, date], tuple[tuple[str, ...], int]] = {}
    for row in sorted(speaking, key=lambda row: row.digest):
        if row.rows:
            digests, rows = found.get((row.platform, row.account, row.day), _NOTHING)
            found[row.platform, row.account, row.day] = ((*digests, row.digest), rows + row.rows)
    return found


def _freshness(platform: str, account: str, rows: Sequence[SliceRow]) -> Freshness:
    last = max(rows, key=lambda row: row.rank)
    sources = tuple(sorted({row.sha256 for row in asof.newest(rows)}))
    return Freshness(platform, account, max(row.day for row in rows), last.stamp, last.arrived, sources)


def _ranges(speaking: Sequence[SliceRow]) -> list[tuple[int, date, date]]:
    """(delivery, first day, last day): days that follow each other, fetched together, in the order of days."""
    days: dict[int, list[date]] = defaultdict(list)
    for row in speaking:
        days[row.delivery].append(row.day)
    found: list[tuple[int, date, date]] = []
    for delivery, covered in days.items():
        for day in sorted(covered):
            if found and found[-1][0] == delivery and found[-1][2] + timedelta(days=1) == day:
                found[-1] = (delivery, found[-1][1], day)
            else:
                found.append((delivery, day, day))
    return sorted(found, key=lambda item: (item[1], item[0]))


def _as_report(block: pa.Table, platform: str, account: str | None) -> pa.Table:
    columns: dict[str, Any] = {source: block[name] for name, source in bulk.STORED.items()}
    columns["conversions"] = bulk.from_micros(block["conversions_micros"])
    columns["platform"] = pa.array([platform] * block.num_rows, pa.string())
    columns["account"] = pa.array([account] * block.num_rows, pa.string())
    return pa.table([columns[name] for name in REPORT.names], schema=REPORT)


def _seen(conn: Connection, delivery: Delivery) -> bool:
    d = deliveries.c
    same = and_(d.sha256 == delivery.sha256, d.platform == delivery.platform, d.account == delivery.account)
    return conn.execute(select(func.count()).select_from(deliveries).where(same)).scalar_one() > 0


def _insert_delivery(conn: Connection, delivery: Delivery, arrived: datetime, rows: int) -> int:
    stamp = utc(delivery.stamp, "stamp")
    values = {
        "sha256": delivery.sha256,
        "source": delivery.source,
        "platform": delivery.platform,
        "account": delivery.account,
        "zone": delivery.zone,
        "currency": delivery.currency,
        "scope": delivery.scope,
        "first_day": delivery.first_day,
        "last_day": delivery.last_day,
        "stamp": stamp,
        "arrived": arrived,
        "as_of": stamp.astimezone(zone_of(delivery)).date(),
        "rows": rows,
    }
    return int(conn.execute(insert(deliveries).values(values).returning(deliveries.c.id)).scalar_one())


def _insert_slices(conn: Connection, number: int, delivery: Delivery, rows: pa.Table) -> None:
    said = _by_day(rows)
    values = []
    for i in range((delivery.last_day - delivery.first_day).days + 1):
        day = delivery.first_day + timedelta(days=i)
        of_day = said.get(day)
        count, digest = (of_day.num_rows, bulk.digest(of_day)) if of_day is not None else (0, "")
        values.append({"delivery": number, "day": day, "rows": count, "digest": digest})
    conn.execute(insert(slices), values)


def _by_day(rows: pa.Table) -> dict[date, pa.Table]:
    """The rows of each day: sorted once, then cut without copying."""
    ordered = rows.sort_by("day")
    found: dict[date, pa.Table] = {}
    start = 0
    for run in pc.value_counts(ordered["day"].combine_chunks()).to_pylist():
        found[run["values"]] = ordered.slice(start, run["counts"])
        start += run["counts"]
    return found
