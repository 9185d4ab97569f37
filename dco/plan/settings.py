"""Plan settings from a record or a plain mapping, with every number checked by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from dco import registry
from dco.bandits.money import solve
from dco.bandits.night import Limit, Night
from dco.errors import BadData, UnknownName
from dco.plan.recipe import SPEEDS
from dco.records import LICENCE_OF, BudgetBound, PlanSettings

KPIS = ("ctr", "cpa", "roas", "revenue_per_impression")


def as_settings(settings: PlanSettings | Mapping[str, Any] | None) -> PlanSettings:
    """Checked settings.

    Raises:
        UnknownName: a key or KPI that does not exist. BadData: a number out of range.
    """
    if not isinstance(settings, PlanSettings):
        known = [f.name for f in fields(PlanSettings)]
        given = dict(settings or {})
        for key in given:
            if key not in known:
                raise UnknownName("plan setting", str(key), known)
        if "segments" in given:
            given["segments"] = tuple(map(str, given["segments"]))
        if "budget_bounds" in given:
            given["budget_bounds"] = tuple(
                b if isinstance(b, BudgetBound) else BudgetBound(**b) for b in given["budget_bounds"]
            )
        if "cells" in given:
            given["cells"] = tuple((str(s), str(p), lever) for s, p, lever in given["cells"])
        settings = PlanSettings(**given)
    if settings.kpi not in KPIS:
        raise UnknownName("KPI", str(settings.kpi), KPIS, where="settings")
    if settings.speed not in SPEEDS:
        raise UnknownName("speed", str(settings.speed), SPEEDS, where="settings")
    if settings.policy not in registry.names("policies"):
        raise UnknownName("policy", str(settings.policy), registry.names("policies"), where="settings")
    if not settings.segments or len(set(settings.segments)) < len(settings.segments):
        raise BadData(f"settings, segments: expected at least one name, each once, got {settings.segments!r}")
    for name, low, high in (("floor", 0.0, 0.5), ("holdout", 0.0, 0.9), ("step", 0.01, 1.0)):
        value = getattr(settings, name)
        if not isinstance(value, (int, float)) or not low <= value <= high:
            raise BadData(f"settings, {name}: expected a share between {low} and {high}, got {value!r}")
    for name, least in (
        ("max_live", 1), ("max_new", 0), ("creation_cost_micros", 0), ("horizon_days", 1),
        ("click_value_micros", 0), ("conversion_value_micros", 0),
    ):  # fmt: skip
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadData(f"settings, {name}: expected a whole number of at least {least}, got {value!r}")
    check_money(settings)
    left = settings.nights_left
    if left is not None and (not isinstance(left, int) or isinstance(left, bool) or left < 0):
        raise BadData(f"settings, nights_left: expected a whole number of at least 0, or none, got {left!r}")
    return settings


def check_money(settings: PlanSettings) -> None:
    """Refuses money settings that are no numbers, or that no night could keep.

    Raises:
        BadData: a number out of range, a segment or placement that is not known. Infeasible: bounds that cannot hold together.
    """
    for name in ("min_spend_micros", "cpa_max_micros", "daily_micros", "total_micros"):
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadData(f"settings, {name}: expected a whole number of micros of at least 0, got {value!r}")
    for name, high in (("roas_min", 1e6), ("ctr_min", 1.0), ("risk", 100.0)):
        value = getattr(settings, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= high:
            raise BadData(f"settings, {name}: expected a number from 0 to {high:g}, got {value!r}")
    for segment, placement, lever in settings.cells:
        if segment not in settings.segments or lever not in LICENCE_OF:
            raise BadData(
                f"settings, cells: expected (segment, placement, lever) with segments {', '.join(settings.segments)} and "
                f"levers {', '.join(LICENCE_OF)}, got {(segment, placement, lever)!r}"
            )
    if settings.budget_bounds:
        _check_bounds(settings)


def _check_bounds(settings: PlanSettings) -> None:
    money = float(settings.daily_micros or settings.total_micros)
    if not money:
        raise BadData(
            "settings, budget_bounds: bounds on money need a budget; set daily_micros or total_micros"
        )
    cells = [(s, p) for s, p, _ in settings.cells] or [
        (s, p)
        for s in settings.segments
        for p in ("", *dict.fromkeys(b.placement for b in settings.budget_bounds if b.placement))
    ]
    limits = []
    for b in settings.budget_bounds:
        if bool(b.segment) == bool(b.placement) or (b.segment and b.segment not in settings.segments):
            raise BadData(
                f"settings, budget_bounds: expected one known segment or one placement, got {b.segment!r}, {b.placement!r}"
            )
        inside = tuple(i for i, (s, p) in enumerate(cells) if b.covers(s, p))
        limits.append(Limit(b.name, inside, b.low(money) / 1e6, b.high(money) / 1e6))
    n = len(cells)
    share = np.ones(n)
    even = np.full(n, money / 1e6 / n)
    solve(
        Night(tuple(s for s, _ in cells), ("",) * n, np.arange(n), share, even, share, limits=tuple(limits)),
        strict=True,
    )
