"""Who is compared: name -> decider for one market. The engine and its variants, and the tuned peers.

Peers were tuned by `python -m experiments.studies.closed_loop.tune` on the development seeds; the engine's settings here
are the product's except for what no peer has (holdout, floor, daily step) and the room all of them need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from dco.plan.optimizer import Optimizer
from dco.plan.recipe import DEFAULT, Recipe
from dco.records import MICROS, PlanSettings
from dco.simulate import baselines
from dco.simulate.loop import MAX_NEW, Decision, MarketLike, Night
from experiments.studies.closed_loop.peers.genetic import genetic, random_refresh
from experiments.studies.closed_loop.peers.glm import glm
from experiments.studies.closed_loop.peers.lints import lints

Decide = Callable[[Night], Decision]
Made = Mapping[int, list[int]]
"""night -> new creatives per segment, as the engine made them."""

ENGINE, REFRESH = "engine", "random refresh"
FREE: Mapping[str, Any] = {
    "floor": 0.0, "holdout": 0.0, "step": 1.0, "max_live": 24, "max_new": MAX_NEW, "speed": "fast",
}  # fmt: skip
"""The engine without guardrails, because no peer has any, and at the speed that is meant for studies."""

GUARDRAILS = ("floor", "holdout", "step")

TUNED: Mapping[str, Mapping[str, Any]] = {
    "genetic": {"make": 2, "pool": 16, "prior_clicks": 12.0, "mutation": 0.05, "tournament": 3},
    "LinTS": {"make": 2, "pool": 16, "prior_sd": 0.07, "scale": 1.0},
    "EB GLM": {"make": 2, "pool": 16, "scale": 1.0},
    REFRESH: {"pool": 16, "prior_clicks": 12.0},
}
"""What `tune` found; forgetting (half-life 30 days), repeating ideas, larger and smaller pools and one or four new creatives
a segment-night gained nothing or lost. Random refresh has the genetic loop's prior and pool."""

PEERS = ("genetic", "LinTS", "EB GLM", REFRESH, "A/B then commit", "Beta-TS, fixed pool", "equal split")
LOOPS = PEERS[:3]
"""The strongest known closed loops."""

VARIANTS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "product guardrails": ({f.name: f.default for f in fields(PlanSettings) if f.name in GUARDRAILS}, {}),
    "no re-generation": ({"max_new": 0}, {}),
    "clicks only": ({"kpi": "ctr"}, {}),
    "Beta-TS shares": ({"policy": "beta_thompson"}, {}),
    "temperature 0": ({}, {"temperatures": (0.0,)}),
    "temperature 1": ({}, {"temperatures": (1.0,)}),
    "draws only": ({}, {"near_winners": False}),
    "P(best) alone": ({}, {"explored": 1.0}),
    "look-ahead alone": ({}, {"explored": 0.0}),
    "trials without limit": ({}, {"trial_days": 0.0}),
    "nothing while undecided": ({}, {"while_undecided": 0}),
    "no pooling": ({}, {"pooled": False}),
    "no delay correction": ({}, {"delay": False}),
    "no wear": ({}, {"wear": False}),
    "pairs of options": ({}, {"pairs": True}),
    "half-life of 40 days": ({}, {"half_life_days": 40.0}),
    "approval not learnt": ({}, {"asks": False}),
}
"""Ablations: changes of `PlanSettings` and of `plan.recipe.Recipe`."""


def decider(name: str, market: MarketLike, made: Made | None = None) -> Decide:
    """A fresh decider for one run; `made` is the engine's schedule, which random refresh repeats.

    Raises:
        KeyError: no decider of this name.
    """
    space, segments = market.space, tuple(market.segments)
    if name == ENGINE:
        return engine(market)
    if name.startswith(f"{ENGINE}: "):
        settings, ingredients = VARIANTS[name.removeprefix(f"{ENGINE}: ")]
        return engine(market, replace(DEFAULT, **ingredients), **settings)
    if name == REFRESH:
        schedule = made or {}
        return random_refresh(
            space, segments, make=lambda night, s: schedule.get(night, [0] * len(segments))[s], **TUNED[REFRESH]
        )  # fmt: skip
    loops: dict[str, Callable[[], Decide]] = {
        "genetic": lambda: genetic(space, segments, **TUNED["genetic"]),
        "LinTS": lambda: lints(space, segments, **TUNED["LinTS"]),
        "EB GLM": lambda: glm(space, segments, **TUNED["EB GLM"]),
        "A/B then commit": lambda: baselines.ab_then_commit(14),
        "Beta-TS, fixed pool": lambda: baselines.thompson_beta,
        "equal split": lambda: baselines.equal,
    }
    return loops[name]()


def engine(market: MarketLike, recipe: Recipe = DEFAULT, **changes: Any) -> Decide:
    """`Optimizer.plan`, told what its user would tell it: the KPI, and what a creative costs in the KPI's money."""
    kpi = str(changes.get("kpi", market.kpi))
    cost = market.creation_cost(kpi)  # type: ignore[attr-defined]
    settings = {
        "segments": tuple(market.segments), "kpi": kpi, "creation_cost_micros": round(cost * MICROS),
        "click_value_micros": MICROS, "conversion_value_micros": MICROS, **FREE, **changes,
    }  # fmt: skip
    optimizer = Optimizer(market.space, settings, recipe=recipe)
    holdout = bool(settings["holdout"])

    def decide(night: Night) -> Decision:
        live = [{**arm, "control": bool(arm["control"]) and holdout} for arm in night.live]
        return optimizer.plan(night.history, live, night.pending, night.rejected, night.day, night.rng)

    return decide
