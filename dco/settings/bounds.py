"""Least and most money per segment and placement: `budget.segments` and `budget.placements` of a campaign file."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

from dco.records import MICROS, BudgetBound, Placement, Segment
from dco.settings.node import Node


def budget_bounds(
    budget: Node, segments: Iterable[Segment], placements: Iterable[Placement]
) -> tuple[BudgetBound, ...]:
    """The bounds of a campaign; those that no split of the daily budget can keep are refused by line and key."""
    daily = budget.money("daily")
    groups = (("segments", [s.key for s in segments]), ("placements", [p.key for p in placements]))
    return tuple(b for group, keys in groups for b in _group(budget, group, keys, daily))


def _group(budget: Node, group: str, keys: list[str], daily: int) -> list[BudgetBound]:
    node = budget.mapping(group, "key -> {min_share, max_share, min, max}", None).only(*keys)
    found = [_bound(node.mapping(key), group, key) for key in node.plain()]
    for bound in found:
        if bound.low(daily) > bound.high(daily):
            low, high = (f"{v / MICROS:,.2f}" for v in (bound.low(daily), bound.high(daily)))
            key = bound.segment or bound.placement
            raise node.fail(
                key, f"at least {low} and at most {high} of a daily {daily / MICROS:,.2f} cannot both hold"
            )
    least = fsum(b.low(daily) for b in found)
    if least > daily * (1 + 1e-9):
        raise budget.fail(
            group,
            f"the least amounts sum to {least / MICROS:,.2f}, more than budget.daily = {daily / MICROS:,.2f}; lower one of them",
        )
    most = fsum(b.high(daily) for b in found)
    if len(found) == len(keys) and most < daily * (1 - 1e-9):
        raise budget.fail(
            group,
            f"the largest amounts sum to {most / MICROS:,.2f}, less than budget.daily = {daily / MICROS:,.2f}; raise one of them",
        )
    return found


def _bound(node: Node, group: str, key: str) -> BudgetBound:
    node.only("min_share", "max_share", "min", "max")
    most = node.money("max") if "max" in node.plain() else None
    return BudgetBound(
        segment=key if group == "segments" else "",
        placement=key if group == "placements" else "",
        min_share=node.fraction("min_share", 0, 1, 0.0),
        max_share=node.fraction("max_share", 0, 1, 1.0),
        min_micros=node.money("min", 0),
        max_micros=most,
    )
