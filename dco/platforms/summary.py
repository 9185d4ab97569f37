"""What a delivery says, at a glance: totals to the cent, days, currency. Printed by `dco check report.csv`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dco.platforms.read import FACTS
from dco.platforms.report import MEASURES
from dco.records import Delivery


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums over all rows; None where no row reports the measure. Its repr is a table for people."""

    source: str
    platform: str
    account: str
    currency: str
    scope: str
    zone: str
    first_day: date
    last_day: date
    rows: int
    campaigns: int
    ads: int
    arms: int
    """Distinct ads (by id, else by name), and distinct arm ids found in ad names."""
    impressions: int
    viewable: int | None
    clicks: int
    conversions: Decimal | None
    revenue_micros: int | None
    spend_micros: int | None
    checksum: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: days as ISO text, conversions as text."""
        out = asdict(self)
        out |= {"first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}
        return out | {"conversions": None if self.conversions is None else str(self.conversions)}

    def __repr__(self) -> str:
        lines = [
            ("file", self.source),
            ("platform", f"{self.platform}, account {self.account or 'not stated'}"),
            ("days", f"{self.first_day} to {self.last_day}" + (f" ({self.zone})" if self.zone else "")),
            ("scope", self.scope),
            (
                "rows",
                f"{self.rows:,} ({self.campaigns:,} campaigns, {self.ads:,} ads, {self.arms:,} with an arm id)",
            ),
            ("impressions", f"{self.impressions:,}"),
            ("viewable", _count(self.viewable)),
            ("clicks", f"{self.clicks:,}"),
            (
                "conversions",
                "not reported" if self.conversions is None else f"{self.conversions.normalize():,f}",
            ),
            ("value", _money(self.revenue_micros, self.currency)),
            ("spend", _money(self.spend_micros, self.currency)),
            ("checksum", self.checksum),
        ]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def summarise(delivery: Delivery) -> Summary:
    """Totals of a delivery, exact."""
    rows = delivery.rows
    facts = json.loads((rows.schema.metadata or {}).get(FACTS, b"{}"))
    sums = {name: _sum(rows[name]) for name in MEASURES}
    return Summary(
        source=delivery.source,
        platform=delivery.platform,
        account=delivery.account,
        currency=delivery.currency,
        scope=delivery.scope,
        zone=delivery.zone,
        first_day=delivery.first_day,
        last_day=delivery.last_day,
        rows=len(rows),
        campaigns=_distinct(rows, "campaign_id", "campaign"),
        ads=_distinct(rows, "ad_id", "ad"),
        arms=_distinct(rows, "arm_id", "arm_id"),
        checksum=facts.get("checksum", ""),
        **sums,
    )


def _sum(column: pa.ChunkedArray) -> Any:
    wide = column.cast(pa.decimal128(38, 6)) if pa.types.is_decimal(column.type) else column
    return pc.sum(wide).as_py()


def _distinct(rows: pa.Table, *names: str) -> int:
    return pc.count_distinct(pc.coalesce(*(rows[n] for n in names))).as_py()


def _count(value: int | None) -> str:
    return "not reported" if value is None else f"{value:,}"


def _money(micros: int | None, currency: str) -> str:
    if micros is None:
        return "not reported"
    value = Decimal(micros).scaleb(-6)
    shown = f"{value:,.2f}" if value == round(value, 2) else f"{value.normalize():,f}"
    return f"{shown} {currency or '(currency not stated)'}"
