"""What traffic a campaign can expect: from its workspace's own reports, from what the user states, else assumed openly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from math import isfinite
from typing import Any

from dco.errors import BadInput
from dco.jobs.decide import placements_of, segments_of
from dco.jobs.desk import Desk
from dco.records import MICROS, Campaign
from dco.reports.rehearsal_facts import Basis
from dco.reports.words import money, number, percent
from dco.simulate.rehearsal import Traffic
from dco.store import ledger
from dco.store.arms import arms

WINDOW_DAYS = 28
"""Reports older than that before the newest day say little about next month's traffic."""
LEAST_CLICKS = 50
"""Clicks and conversions below which a rate is not taken from reports."""
LEAST_ORDERS = 20
STEADY = 10.0
"""Clicks at the campaign's own rate that each segment's level is shrunk by."""
DEFAULT_CPM, DEFAULT_CTR, DEFAULT_CVR, DEFAULT_ORDER = 4.0, 0.005, 0.02, 50.0
PRICED = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD")
"""Currencies in which the default CPM and order value are of the right size."""


@dataclass(frozen=True)
class Stated:
    """What the user says; None: not said. Rates are fractions, money is in the campaign's currency."""

    daily_impressions: int | None = None
    cpm: float | None = None
    ctr: float | None = None
    cvr: float | None = None
    order_value: float | None = None

    def checked(self) -> Stated:
        """Raises:
        BadInput: a number that cannot be, by its option's name.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            option = "--" + field.name.replace("_", "-")
            rate = field.name in ("ctr", "cvr")
            most = 0.5 if rate else 1e9
            if value is not None and not (isfinite(value) and 0 < value <= most):
                way = f"; write {value / 100:g} for {value:g} %" if rate and 0.5 < value <= 100 else ""
                raise BadInput(
                    f"{option}: expected a number above 0 and at most {most:g}, got {value:g}{way}"
                )
        return self


@dataclass(frozen=True)
class Seen:
    """What reports say about the last weeks, per segment where it can be told."""

    first: date
    last: date
    impressions: Mapping[str, float]
    """Per day."""
    clicks: Mapping[str, float]
    shown: Mapping[str, float]
    orders: float
    revenue: float
    spend: float | None
    """Per day, in the campaign's currency; None where reports do not say, or say it in another."""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Expected:
    """Traffic, what a day costs (currency units), the CPM, and where each figure comes from."""

    traffic: Traffic
    daily: float
    cpm: float
    basis: tuple[Basis, ...]


def seen(desk: Desk) -> Seen | None:
    """What the workspace's reports say of the campaign's own ad groups and ads; None without any impressions."""
    campaign = desk.campaign
    with desk.workspace.read() as conn:
        table = ledger.known(conn)
        lives = arms(conn, campaign.key)
    homes: dict[str, set[str]] = defaultdict(set)
    for row in lives:
        homes[row.creative.arm_id].add(row.creative.segment)
    groups, accounts = segments_of(campaign), placements_of(campaign)
    rows = []
    for row in table.to_pylist():
        segment = groups.get(row["ad_group_id"])
        home = homes.get(row["arm_id"], set())
        if segment is None and len(home) == 1:
            segment = next(iter(home))
        if segment is not None and (row["platform"], row["account"] or "") in accounts:
            rows.append((segment, row))
    return _summed(rows, campaign)


def _summed(rows: list[tuple[str, dict[str, Any]]], campaign: Campaign) -> Seen | None:
    served = [row["day"] for _, row in rows if row["impressions"] > 0]
    if not served:
        return None
    last = max(served)
    first = max(min(served), last - timedelta(days=WINDOW_DAYS - 1))
    days = (last - first).days + 1
    sums: dict[str, dict[str, float]] = {"impressions": defaultdict(float), "clicks": defaultdict(float)}
    orders = revenue = spend = 0.0
    priced = True
    for segment, row in rows:
        if not first <= row["day"] <= last:
            continue
        for name, found in sums.items():
            found[segment] += row[name]
        ours = row["currency"] in (None, campaign.currency)
        orders += float(row["conversions"] or 0)
        revenue += (row["revenue_micros"] or 0) / MICROS if ours else 0.0
        spend += (row["spend_micros"] or 0) / MICROS
        priced &= ours and row["spend_micros"] is not None
    shown = dict(sums["impressions"])
    return Seen(
        first, last, {s: n / days for s, n in shown.items()}, dict(sums["clicks"]), shown, orders, revenue,
        spend / days if priced and spend > 0 else None,
    )  # fmt: skip


def expected(campaign: Campaign, stated: Stated, reports: Seen | None) -> Expected:
    """What is stated goes before what was measured, and that before what is assumed.

    Raises:
        BadInput: a stated number that cannot be; nothing from which impressions could be told.
    """
    stated = stated.checked()
    basis: list[Basis] = []
    ctr, levels = _ctr(campaign, stated, reports, basis)
    cvr = _rate("conversions per click", stated.cvr, _cvr(reports), DEFAULT_CVR, "--cvr", basis)
    order_value = _order_value(campaign, stated, reports, basis)
    daily, impressions = _volume(campaign, stated, reports, basis)
    total = sum(impressions)
    traffic = Traffic(tuple(s.key for s in campaign.segments), impressions, ctr, cvr, order_value, levels)
    return Expected(traffic, daily, 1000 * daily / total if total else 0.0, tuple(basis))


def _ctr(
    campaign: Campaign, stated: Stated, reports: Seen | None, basis: list[Basis]
) -> tuple[float, tuple[float, ...]]:
    clicks = sum(reports.clicks.values()) if reports else 0.0
    measured = clicks / sum(reports.shown.values()) if reports and clicks >= LEAST_CLICKS else None
    ctr = _rate(
        "click-through rate",
        stated.ctr,
        measured,
        DEFAULT_CTR,
        "--ctr",
        basis,
        _when(reports, clicks, "clicks"),
    )
    if reports is None or measured is None or len(campaign.segments) < 2:
        return ctr, ()
    levels = tuple(
        (reports.clicks.get(s.key, 0.0) + STEADY) / (reports.shown.get(s.key, 0.0) * measured + STEADY)
        for s in campaign.segments
    )
    told = ", ".join(f"{s.key} {x:.2f}" for s, x in zip(campaign.segments, levels, strict=True))
    basis.append(
        Basis("click-through rate by segment", f"times {told}", "measured", _when(reports, clicks, "clicks"))
    )
    return ctr, levels


def _cvr(reports: Seen | None) -> float | None:
    clicks = sum(reports.clicks.values()) if reports else 0.0
    if reports is None or clicks <= 0 or reports.orders < LEAST_ORDERS:
        return None
    return min(reports.orders / clicks, 0.5)


def _order_value(campaign: Campaign, stated: Stated, reports: Seen | None, basis: list[Basis]) -> float:
    measured = (
        reports.revenue / reports.orders
        if reports and reports.orders >= LEAST_ORDERS and reports.revenue
        else None
    )
    value = stated.order_value or measured or DEFAULT_ORDER
    source = "stated" if stated.order_value else "measured" if measured else "assumed"
    needed = campaign.plan.kpi in ("roas", "revenue_per_impression")
    if needed and source == "assumed" and campaign.currency not in PRICED:
        raise BadInput(
            f"--order-value: there is no default in {campaign.currency}; state what an order is worth"
        )
    if needed:
        note = (
            "--order-value"
            if source == "stated"
            else "late orders may still be missing"
            if measured
            else "state yours with --order-value"
        )
        basis.append(Basis("value of an order", money(value * MICROS, campaign.currency), source, note))
    return float(value)


def _rate(
    name: str, stated: float | None, measured: float | None, default: float, option: str, basis: list[Basis],
    when: str = "late ones may still be missing",
) -> float:  # fmt: skip
    if stated is not None:
        basis.append(Basis(name, percent(stated), "stated", option))
        return stated
    if measured is not None and measured > 0:
        basis.append(Basis(name, percent(measured), "measured", when))
        return measured
    basis.append(Basis(name, percent(default), "assumed", f"state yours with {option}"))
    return default


def _when(reports: Seen | None, n: float, what: str) -> str:
    return f"{n:,.0f} {what}, {reports.first} to {reports.last}" if reports else ""


def _volume(
    campaign: Campaign, stated: Stated, reports: Seen | None, basis: list[Basis]
) -> tuple[float, tuple[int, ...]]:
    """Money a day in currency units, and impressions a day per segment."""
    planned, told = planned_daily(campaign)
    measured = sum(reports.impressions.values()) if reports else 0.0
    seen_cpm = 1000 * reports.spend / measured if reports and reports.spend and measured else None
    keys = [s.key for s in campaign.segments]
    if stated.daily_impressions is not None:
        total = float(stated.daily_impressions)
        source, note = "stated", "--daily-impressions, over all segments"
        daily = total * stated.cpm / 1000 if stated.cpm else planned
    elif measured and not stated.cpm and not (seen_cpm and planned):
        total, daily, source, note = (
            measured,
            planned,
            "measured",
            "the reports say nothing of money, so as they are",
        )
    elif planned > 0:
        cpm, origin, why = _cpm(campaign, stated, seen_cpm)
        basis.append(Basis("cost of 1,000 impressions", money(cpm * MICROS, campaign.currency), origin, why))
        total, daily = 1000 * planned / cpm, planned
        source, note = "derived", "money a day divided by the cost of 1,000 impressions"
    else:
        raise BadInput(
            "--daily-impressions: the campaign file states no budget, so state how many there are a day"
        )
    if daily == planned > 0:
        basis.append(Basis("money a day", money(planned * MICROS, campaign.currency), "campaign file", told))
    elif daily > 0:
        basis.append(
            Basis(
                "money a day", money(daily * MICROS, campaign.currency), "derived", "impressions times --cpm"
            )
        )
    basis.append(Basis("impressions a day", number(total), source, note))
    parts, how, split_note = _split(keys, reports)
    impressions = tuple(round(total * parts[k]) for k in keys)
    each = ", ".join(f"{k} {n:,}" for k, n in zip(keys, impressions, strict=True))
    basis.append(Basis("impressions by segment", each, how, split_note))
    return daily, impressions


def _cpm(campaign: Campaign, stated: Stated, measured: float | None) -> tuple[float, str, str]:
    if stated.cpm is not None:
        return stated.cpm, "stated", "--cpm"
    if measured:
        return measured, "measured", "spend divided by impressions in the reports"
    if campaign.currency not in PRICED:
        raise BadInput(
            f"--cpm: there is no default in {campaign.currency}; state what 1,000 impressions cost"
        )
    return DEFAULT_CPM, "assumed", "state yours with --cpm or --daily-impressions"


def _split(keys: list[str], reports: Seen | None) -> tuple[dict[str, float], str, str]:
    """Each segment's part of the impressions."""
    known = {k: reports.impressions[k] for k in keys if reports and reports.impressions.get(k, 0) > 0}
    if not known:
        return dict.fromkeys(keys, 1 / len(keys)), "assumed", "equal parts, no reports yet"
    missing = [k for k in keys if k not in known]
    mean = sum(known.values()) / len(known)
    parts = {k: known.get(k, mean) for k in keys}
    total = sum(parts.values())
    assert reports is not None
    note = f"as reported from {reports.first} to {reports.last}"
    if missing:
        note += f"; {', '.join(missing)} without reports, taken as the average of the others"
    return {k: n / total for k, n in parts.items()}, "measured", note


def planned_daily(campaign: Campaign) -> tuple[float, str]:
    """Money a day over the whole flight: the daily budget, unless the total does not last for it."""
    nights = (campaign.end - campaign.start).days + 1
    daily, total = campaign.daily_micros / MICROS, campaign.total_micros / MICROS
    if total and (not daily or total < daily * nights):
        told = f"budget.total {total:,.0f} over {nights} nights"
        lasts = f"; budget.daily {daily:,.0f} would spend it in {total / daily:.0f}" if daily else ""
        return total / nights, told + lasts
    return daily, "budget.daily"


def creation_in_kpi(campaign: Campaign, found: Expected) -> tuple[float, str]:
    """What one creative costs in the KPI's unit of value, and how it was converted."""
    plan = campaign.plan
    cost = plan.creation_cost_micros / MICROS
    if not cost:
        return 0.0, "the campaign file states no cost, so they count as free"
    if plan.kpi in ("roas", "revenue_per_impression"):
        return cost, "taken from the revenue"
    value = plan.click_value_micros if plan.kpi == "ctr" else plan.conversion_value_micros
    key = "kpi.click_value" if plan.kpi == "ctr" else "kpi.conversion_value"
    if value:
        return cost * MICROS / value, f"at {key} {value / MICROS:g}"
    rate = found.traffic.worth(plan.kpi) / max(found.daily, 1e-9)
    return cost * rate, f"as the media that the money would buy; {key} is not stated"
