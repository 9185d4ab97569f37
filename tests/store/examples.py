"""Small reports, creatives and shares that the store's tests are built from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from dco.records import Copy, Creative, Delivery, Genome, arm_id
from dco.schemas import REPORT, SHARES

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(n: int) -> date:
    return DAY + timedelta(days=n)


def noon(n: int) -> datetime:
    return NOON + timedelta(days=n)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row(on: date, impressions: int, **said: Any) -> dict[str, Any]:
    """One report row; what is not said is null."""
    base: dict[str, Any] = dict.fromkeys(REPORT.names)
    base |= {"platform": "google_ads", "account": "1", "currency": "EUR", "clicks": 0, "line": 1}
    base |= {"day": on, "impressions": impressions} | said
    if base["conversions"] is not None:
        base["conversions"] = Decimal(str(base["conversions"])).quantize(Decimal("0.000001"))
    return base


def report(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(r) for r in rows], schema=REPORT)


def delivery(
    rows: Sequence[Mapping[str, Any]], /, *, stamp: datetime, name: str = "", **said: Any
) -> Delivery:
    """A delivery of those rows, covering their days unless told otherwise; its bytes are named by `name`."""
    days = [r["day"] for r in rows] or [DAY]
    platform, account = said.get("platform", "google_ads"), said.get("account", "1")
    table = report([dict(r) | {"platform": platform, "account": account} for r in rows])
    base: dict[str, Any] = {
        "source": f"{name or stamp.isoformat()}.csv",
        "sha256": sha(f"{name} {stamp.isoformat()} {said.get('scope')} {platform} {account} {rows}"),
        "platform": platform,
        "account": account,
        "zone": "UTC",
        "currency": "EUR",
        "scope": "full",
        "first_day": min(days),
        "last_day": max(days),
        "stamp": stamp,
        "rows": table,
    }
    return Delivery(**(base | said))


def creative(name: str, segment: str = "all", **genome: str) -> Creative:
    """A creative whose pixels are named by `name`."""
    rasters = {"300x250": sha(name + "a"), "728x90": sha(name + "b")}
    words, link = Copy(f"Headline {name}", "Sub", "Buy"), "https://example.com/"
    options = Genome.of(genome or {"scene": name})
    return Creative(
        arm_id(rasters, words, link),
        segment,
        options,
        words,
        link,
        rasters,
        seed=7,
        requests=(sha(name)[:16],),
    )


def shares(rows: Sequence[tuple[str, str, float, float]]) -> pa.Table:
    """(segment, arm_id, share, control_share) as `schemas.SHARES`."""
    names = ("segment", "arm_id", "share", "control_share")
    return pa.Table.from_pylist(
        [dict.fromkeys(SHARES.names) | dict(zip(names, r)) for r in rows], schema=SHARES
    )
