"""A buyer's own exports as a history to shadow: every ad of the files is an arm, every ad group an audience.

The ads need not be ours and have no attributes: an ad's name is its only option, so that ads of one name inform each other
across ad groups and nothing else does. A file says what is known on the day it was made and not what was known before; so a
past night is given clicks from the morning after, and conversions and revenue only once `window_days` have passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from dco import schemas
from dco.errors import BadData, BadReport
from dco.records import Delivery, Lever, Space
from dco.store import asof
from dco.store.asof import SliceRow

ATTRIBUTE = "ad"
NAME_CHARACTERS = 80
COUNTS = ("impressions", "viewable", "clicks", "conversions", "revenue_micros", "spend_micros")
LATE = ("conversions", "revenue_micros")


@dataclass(frozen=True)
class OwnPast:
    """What the exports say, as the shadow needs it."""

    history: pa.Table
    space: Space
    segments: tuple[str, ...]
    labels: Mapping[str, str]
    """Arm id -> what people call the ad."""
    read_on: date
    """Day on which the newest file was made."""
    currency: str
    notes: tuple[str, ...]


def own_past(deliveries: Sequence[Delivery], *, lever: Lever, window_days: int) -> OwnPast:
    """The history of these exports; of files about the same days of an account the newest counts, as in the ledger.

    Args:
        lever: how the ads' shares came about; nobody can read that off a report. window_days: see the module.

    Raises:
        BadReport: a file names no ads. BadData: nothing was shown, on two days at least; or amounts in two currencies.
    """
    for delivery in deliveries:
        if not any(_ad(row) for row in delivery.rows.select(["arm_id", "ad_id", "ad"]).to_pylist()):
            raise BadReport(
                delivery.source, "names no ads; export it by ad and day, with the ad's id or name"
            )
    rows, notes = _speaking(deliveries)
    currencies = sorted({row["currency"] for row in rows if row["currency"]})
    if len(currencies) > 1:
        raise BadData(f"reports: amounts in {', '.join(currencies)}; shadow one currency at a time")
    named = [row for row in rows if _ad(row)]
    unnamed = sum(row["impressions"] for row in rows) - sum(row["impressions"] for row in named)
    if unnamed:
        notes.append(f"{unnamed:,} impressions are left out: their rows name no ad")
    cells = _cells(named)
    days = {key[3] for key, counts in cells.items() if counts["impressions"]}
    if len(days) < 2:
        raise BadData(
            f"reports: ads were shown on {len(days)} day(s); expected at least two, so that the second can be decided "
            "by the first (export by ad and day)"
        )
    read_on = max(d.stamp.date() for d in deliveries)
    groups = _names({key[0]: name for key, name in _of(named, "ad_group", "campaign").items()})
    labels = {key[1]: _clean(name) or key[1] for key, name in _of(named, "ad").items()}
    history = _history(cells, groups, labels, lever, window_days, read_on)
    options = tuple(sorted(set(labels.values())))
    return OwnPast(
        history, Space({ATTRIBUTE: options}), tuple(sorted(groups[g] for g in {key[0] for key in cells})), labels,
        read_on, currencies[0] if currencies else "", tuple(notes),
    )  # fmt: skip


def _speaking(deliveries: Sequence[Delivery]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the newest file about each day, and a sentence for every file of which nothing counts."""
    slices = [
        SliceRow(i, d.platform, d.account, d.scope, day, d.stamp, d.stamp, d.sha256, d.stamp.date(), 0, "")
        for i, d in enumerate(deliveries)
        for day in sorted(set(d.rows["day"].to_pylist()))
    ]
    newest = asof.newest(slices)
    wanted = {(s.delivery, s.day) for s in newest}
    notes = [
        f"nothing of {d.source} counts: newer files of {d.platform} {d.account} cover its days"
        for i, d in enumerate(deliveries)
        if not any(s.delivery == i for s in newest)
    ]
    rows = [
        row | {"account": d.account}
        for i, d in enumerate(deliveries)
        for row in d.rows.to_pylist()
        if (i, row["day"]) in wanted
    ]
    return rows, notes


def _ad(row: Mapping[str, Any]) -> str:
    return str(row["arm_id"] or row["ad_id"] or row["ad"] or "")


def _group(row: Mapping[str, Any]) -> str:
    """Key of an audience: the ad group's id where the file has one."""
    return str(row["ad_group_id"] or row["ad_group"] or row["campaign_id"] or row["campaign"] or "all")


Cell = tuple[str, str, str, date]
"""(audience, ad, placement, day)."""


def _cells(rows: Iterable[Mapping[str, Any]]) -> dict[Cell, dict[str, Any]]:
    """Counts summed over sizes, devices and whatever else a file splits by; null where no row says anything."""
    found: dict[Cell, dict[str, Any]] = {}
    for row in rows:
        placement = f"{row['platform']}:{row['account'] or ''}"
        counts = found.setdefault((_group(row), _ad(row), placement, row["day"]), dict.fromkeys(COUNTS))
        for name in COUNTS:
            if row[name] is not None:
                counts[name] = (counts[name] or 0) + row[name]
    return found


def _of(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[tuple[str, str], str]:
    """(audience, ad) -> the first of the columns that says something, as last reported."""
    return {
        (_group(row), _ad(row)): next((row[name] for name in names if row[name]), "")
        for row in sorted(rows, key=lambda row: row["day"])
    }


def _names(of: Mapping[str, str]) -> dict[str, str]:
    """Audience -> a name of its own; names that two share get the id behind them."""
    cleaned = {key: _clean(name) or key for key, name in of.items()}
    shared = {name for name in cleaned.values() if list(cleaned.values()).count(name) > 1}
    return {key: f"{name} ({key})" if name in shared else name for key, name in cleaned.items()}


def _clean(text: str) -> str:
    """A name from outside on one line: no control characters, not endless."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:NAME_CHARACTERS]


def _history(
    cells: Mapping[Cell, Mapping[str, Any]],
    groups: Mapping[str, str],
    labels: Mapping[str, str],
    lever: Lever,
    window_days: int,
    read_on: date,
) -> pa.Table:
    """`schemas.history`: each cell as known on the morning after its day, and once more when its conversions are all in."""
    total: dict[tuple[str, date], int] = {}
    for (group, _, _, day), counts in cells.items():
        total[group, day] = total.get((group, day), 0) + (counts["impressions"] or 0)
    rows = []
    for (group, ad, placement, day), counts in sorted(cells.items()):
        shown = total[group, day]
        row = {
            **{name: float(v) if name == "conversions" and v is not None else v for name, v in counts.items()},
            "arm_id": ad, "segment": groups[group], "placement": placement, "day": day, "lever": lever,
            "delivered_share": (counts["impressions"] or 0) / shown if shown else None,
            "attributes": {ATTRIBUTE: labels[ad]},
        }  # fmt: skip
        morning, settled = day + timedelta(days=1), day + timedelta(days=max(window_days, 1))
        late = settled > morning
        rows.append(row | (dict.fromkeys(LATE) if late else {}) | {"as_of": morning})
        if late and settled <= read_on:
            rows.append(row | {"as_of": settled})
    return pa.Table.from_pylist(rows, schemas.history([ATTRIBUTE]))
