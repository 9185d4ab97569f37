"""Simulated traffic as platforms would report it: rows of `schemas.REPORT`, as known on a day, per platform.

What is made here is simulated. Names carry the arm id as real ad names do, days are in the account's zone, and an arm's
impressions are split over platforms by fixed fractions and over ad sizes evenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from dco import schemas
from dco.errors import BadData
from dco.records import MICROS, content_hash
from dco.simulate.loop import CPM_MICROS, FIRST_DAY
from dco.simulate.market import Served


@dataclass(frozen=True)
class Outlet:
    """Where a part of the simulated traffic is reported.

    `groups` maps a segment to its ad-group (or ad-set) id; `part` is the outlet's fraction of all impressions.
    """

    platform: str
    account: str
    currency: str
    campaign: str
    groups: Mapping[str, str]
    part: float = 1.0
    sizes: tuple[str, ...] = ()


def report_rows(served: Sequence[Served], outlet: Outlet, outlets: Sequence[Outlet], as_of: int) -> pa.Table:
    """One outlet's report, read on day `as_of` (days since the simulation began), in `schemas.REPORT`.

    Counts are dealt to outlets and sizes by largest remainders seeded by the row's identity, so that all outlets' files
    add up to what was served, and a file read later only adds conversions that had not arrived.

    Raises:
        BadData: the outlets' parts do not add up to 1, or the outlet is none of them.
    """
    if outlet not in outlets or abs(sum(o.part for o in outlets) - 1) > 1e-9:
        raise BadData(f"outlets: expected parts that sum to 1 and hold {outlet.platform!r}")
    cells = [(o, size) for o in outlets for size in (o.sizes or ("",))]
    fractions = np.array([o.part / max(len(o.sizes), 1) for o, _ in cells])
    rows: list[dict[str, Any]] = []
    for row in served:
        if row.day > as_of or row.impressions == 0:
            continue
        dealt = _deal(row, fractions, as_of)
        for i, (owner, size) in enumerate(cells):
            if owner is outlet and dealt["impressions"][i] > 0:
                rows.append(_line(row, outlet, size, {k: v[i] for k, v in dealt.items()}, len(rows) + 2))
    return pa.Table.from_pylist(rows, schemas.REPORT)


def _deal(row: Served, fractions: np.ndarray, as_of: int) -> dict[str, list[int]]:
    """Counts of one arm-day over the cells; every click falls where an impression is, every conversion where a click is."""
    rng = np.random.default_rng(int(content_hash([row.arm_id, row.segment, row.day]), 16))
    impressions = rng.multinomial(row.impressions, fractions)
    clicks = (
        rng.multivariate_hypergeometric(impressions, row.clicks) if row.clicks else np.zeros_like(impressions)
    )
    orders, money = np.zeros_like(impressions), np.zeros(len(fractions))
    chance = clicks / clicks.sum() if clicks.sum() else fractions
    for lag, (count, revenue) in enumerate(zip(row.conversions, row.revenue)):
        # Every lag is drawn, known or not: a later reading deals the earlier ones the same way.
        part = rng.multinomial(count, chance)
        if lag <= as_of - row.day and count:
            orders, money = orders + part, money + revenue * part / count
    return {
        "impressions": impressions.tolist(),
        "clicks": clicks.tolist(),
        "conversions": orders.tolist(),
        "revenue_micros": [round(m * MICROS) for m in money],
    }


def _line(row: Served, outlet: Outlet, size: str, counts: Mapping[str, int], line: int) -> dict[str, Any]:
    group = outlet.groups[row.segment]
    return {
        "platform": outlet.platform,
        "account": outlet.account,
        "day": FIRST_DAY + timedelta(days=row.day),
        "currency": outlet.currency,
        "campaign_id": str(int(content_hash([outlet.account, outlet.campaign], length=9), 16)),
        "campaign": outlet.campaign,
        "ad_group_id": group,
        "ad_group": row.segment,
        "ad_id": str(int(content_hash([outlet.platform, group, row.arm_id], length=11), 16)),
        "ad": f"{outlet.campaign} | {row.segment} | {row.arm_id}",
        "arm_id": row.arm_id,
        "size": size or None,
        "impressions": counts["impressions"],
        "viewable": None,
        "clicks": counts["clicks"],
        "conversions": Decimal(counts["conversions"]),
        "revenue_micros": counts["revenue_micros"],
        "spend_micros": counts["impressions"] * CPM_MICROS // 1000,
        "line": line,
    }
