"""Plan settings from a record or a plain mapping, with every number checked by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dco import registry
from dco.elements.model import FitSettings
from dco.errors import BadData, UnknownName
from dco.prompts.propose import DRAWS
from dco.records import PlanSettings
from dco.stats.best import GRID

KPIS = ("ctr", "cpa", "roas", "revenue_per_impression")


@dataclass(frozen=True)
class Effort:
    """What a speed spends; `exact` is what every figure of the engine was measured with unless it says otherwise."""

    learn_between: bool = True
    draws: int = DRAWS
    best_cells: int = GRID

    def fit(self, stages: tuple[str, ...]) -> FitSettings:
        return FitSettings(stages=stages, learn_between=self.learn_between)


SPEEDS = {"exact": Effort(), "fast": Effort(learn_between=False, draws=DRAWS // 2, best_cells=GRID // 2)}


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
    left = settings.nights_left
    if left is not None and (not isinstance(left, int) or isinstance(left, bool) or left < 0):
        raise BadData(f"settings, nights_left: expected a whole number of at least 0, or none, got {left!r}")
    return settings
