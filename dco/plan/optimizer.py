"""One night's decision from what is known: `Optimizer(space, settings).plan(...) -> Plan`. Pure; seeded by `rng` only.

What each live arm earns comes from the element model (options, segments, the arm itself); shares come from the
probability of being best, looking ahead to what is left to earn, with floor, holdout and step; new ideas grow around
winners when they are worth their cost and when the data say that there is something to find; losers are retired.

The media cost of an impression is taken as the same for all arms of a segment: then the KPI 'cpa' is decided by
conversions per impression and 'roas' by revenue per impression.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from dco import schemas
from dco.elements.model import Z90, Fit, fit
from dco.elements.prior import Prior
from dco.errors import BadData
from dco.plan import earlier, explain, money
from dco.plan.ahead import nights_that_count, outlook
from dco.plan.ideas import SOMETHING_TO_FIND, Here, Ideas, no_history_ideas, segment_ideas
from dco.plan.looks import explained
from dco.plan.places import kept, worlds
from dco.plan.reading import ArmRow, Known, read
from dco.plan.recipe import DEFAULT, SPEEDS, Recipe
from dco.plan.result import Basis, Plan
from dco.plan.segment import YOUNGEST_DAYS, Split, split
from dco.plan.settings import as_settings
from dco.plan.weights import policy_weights
from dco.prompts.genome import as_space, balanced
from dco.records import PlanSettings, Space

APPROVAL_NIGHTS = 1
"""Nights a new idea waits for its picture and a person's yes, at the least."""

STAGES = {
    "ctr": ("clicks",),
    "cpa": ("clicks", "conversions"),
    "roas": ("clicks", "revenue"),
    "revenue_per_impression": ("clicks", "revenue"),
}


class Optimizer:
    """The engine's decision, as a pure function of what is known.

    Args:
        space: `records.Space`, or a mapping attribute -> options.
        settings: `records.PlanSettings`, or a mapping of its fields.
        prior: what named earlier campaigns taught (`plan.earlier.learn_from`); None: a start from nothing.
        recipe: what the default is made of; for ablations.

    Raises:
        BadData, UnknownName: a space or settings that cannot be used.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any],
        settings: PlanSettings | Mapping[str, Any] | None = None,
        prior: Prior | None = None,
        recipe: Recipe = DEFAULT,
    ) -> None:
        self.space = as_space(space)
        self.settings = as_settings(settings)
        self.prior = prior
        self.recipe = recipe

    def plan(
        self,
        history: pa.Table | None,
        live: Any,
        pending: Any,
        rejected: Any,
        day: date,
        rng: np.random.Generator,
    ) -> Plan:
        """Decide about the day after `day`, from all rows known on `day`.

        Args:
            history: Arrow table as in `schemas.history`; needs arm_id, segment, day, impressions, clicks and the arms'
                attributes (struct, map, or one column each); None or empty before the first report.
            live, pending, rejected: Arrow tables as in `schemas.arms`, or lists of mappings; None means none. What
                waits or was refused is never proposed again in its segment. In all of them a null option is one that is
                not known (a picture made elsewhere); history and live may have `features`, a list of numbers per creative.

        Raises:
            BadData: input that cannot be used, by table, arm, day and value.
        """
        settings = self.settings
        known = read(self.space, settings.segments, history, live, pending, rejected, day)
        stages, remarks = self._stages(known)
        how = self.recipe.fit(stages, learn_between=SPEEDS[settings.speed].learn_between)
        model = fit(known.history, known.alphabet, how, self.prior)
        why = [*known.remarks, *remarks, *earlier.carried(model, self.prior), *explained(model)]
        parts: list[money.Part] = []
        shares: list[dict[str, Any]] = []
        proposals: list[dict[str, Any]] = []
        retire: list[dict[str, Any]] = []
        for s, segment in enumerate(settings.segments):
            arms = [a for a in known.live if a.segment == segment]
            rows = np.array([known.row[(a.segment, a.arm_id)] for a in arms], dtype=np.int64)
            decided = self._split(model, known, s, arms, rows, why, rng)
            ideas = self._ideas(model, known, s, arms, rows, decided, rng)
            why += [f"{segment}: {text}." for text in (*(decided.why if decided else ()), *ideas.why)]
            proposals += explain.proposals(ideas.rows, model, known, s)
            if decided is not None:
                parts.append(money.Part(s, segment, arms, rows, decided))
        spent = money.tonight(settings, model, known, history, day, parts)
        for p in parts:
            given = self._share_rows(model, p.s, p.arms, p.rows, p.decided)
            shares += spent.explain(explain.shares(given, model, known, p.s, p.arms, p.decided, settings))
            retire += [
                {"segment": p.segment, "arm_id": p.arms[int(i)].arm_id, "why": p.decided.reasons[int(i)]}
                for i in np.flatnonzero(p.decided.retired)
            ]
        return Plan(
            pa.Table.from_pylist(shares, schemas.SHARES),
            pa.Table.from_pylist(proposals, schemas.proposals(list(self.space.attributes))),
            pa.Table.from_pylist(retire, schemas.RETIRE),
            (*why, *spent.why),
            diagnostics(model, known) | {"promises": spent.stated.to_dict()},
            Basis(model, known),
            spent.budgets,
        )

    def initial(self, n_per_segment: int, rng: np.random.Generator) -> pa.Table:
        """A first pool (schemas.proposals) from which main effects can be told apart, other ideas in every segment."""
        if n_per_segment < 1:
            raise BadData(f"initial: expected at least 1 creative per segment, got {n_per_segment!r}")
        rows: list[dict[str, Any]] = []
        pools: list[
            list[dict[str, str]]
        ] = []  # each complements those before it: options teach across segments
        for segment in self.settings.segments:
            pools.append(balanced(self.space, n_per_segment, rng, beside=pools))
            for genome in pools[-1]:
                rows.append(
                    {"segment": segment, "attributes": genome, "expected_gain": None, "parents": [],
                     "why": "first pool: options spread so that their effects can be told apart best"}
                )  # fmt: skip
        return pa.Table.from_pylist(rows, schemas.proposals(list(self.space.attributes)))

    def _stages(self, known: Known) -> tuple[tuple[str, ...], list[str]]:
        """What the KPI is made of; falls back to what the reports hold, and says so."""
        kpi = self.settings.kpi
        stages = STAGES[kpi]
        events = bool(len(known.history.clicks))
        if "revenue" in stages and not known.has_revenue:
            stages = ("clicks", "conversions") if known.has_conversions else ("clicks",)
            note = [f"No report states revenue, so {' and '.join(stages)} decide instead of {kpi}."]
            return stages, note if events else []
        if "conversions" in stages and not known.has_conversions:
            return ("clicks",), [f"No report states conversions, so clicks decide instead of {kpi}."] * events
        return stages, []

    def _split(
        self,
        model: Fit,
        known: Known,
        s: int,
        arms: list[ArmRow],
        rows: np.ndarray,
        why: list[str],
        rng: np.random.Generator,
    ) -> Split | None:
        segment = self.settings.segments[s]
        if not arms:
            why.append(f"{segment}: nothing is live, so there is nothing to share.")
            return None
        control = self._control(known, arms, why)
        if self.settings.holdout > 0 and not control.any():
            why.append(f"{segment}: no starting arm is live, so there is no holdout.")
        previous = np.array([known.previous.get((a.segment, a.arm_id), 0.0) for a in arms])
        mean, cov = model.moments(s, known.history.codes[rows], rows)
        weights = policy_weights(self.settings.policy, self.settings.kpi, known, model.completion, rows, rng)
        searching = self._searching(model)
        found = split(
            mean, cov, weights, control, known.days_served[rows], previous, self.settings,
            [a.arm_id for a in arms],
            kept=kept(worlds(mean, cov, rng)) if len(arms) > self.settings.max_live else None,
            ahead=None if searching else outlook(model, known, self.settings, s),
            explored=self._explored(),
        )  # fmt: skip
        if not (known.days_served[rows] > 0).any():
            found.why.insert(0, "no impressions yet, so the live arms share equally")
        else:
            found.why.insert(0, self._leader(arms, mean, found))
            if searching and weights is None:
                found.why.append(
                    "shares are the chances of being best, without looking ahead: whether creatives differ here is not "
                    "settled yet, and what is learnt still decides about new ideas"
                )
        resting = int(found.resting.sum())
        if resting:
            found.why.append(f"{resting} starting arms are clearly behind and serve the holdout only")
        return found

    def _control(self, known: Known, arms: list[ArmRow], why: list[str]) -> np.ndarray:
        """bool[arm]: the holdout's arms. As flagged; without any flag, live arms of the segment's first day.

        Unflagged, at most half of the places go to them (by arm id, which is a hash): otherwise a full first pool would
        hold every place for ever.
        """
        if any(a.control is not None for a in arms):
            return np.array([bool(a.control) for a in arms])
        if not len(known.history.clicks):
            return np.ones(len(arms), bool)
        first = sorted(a.arm_id for a in arms if (a.segment, a.arm_id) in known.first_day_arms)
        most = max(self.settings.max_live // 2, 1)
        if self.settings.holdout > 0 and len(first) > most:
            why.append(
                f"{arms[0].segment}: no arm is flagged as control, so {most} of the {len(first)} arms of the first day "
                "serve the holdout."
            )
        return np.array([a.arm_id in first[:most] for a in arms])

    def _explored(self) -> float:
        """Part of the shares that goes by P(best) whatever looking ahead says: what it teaches serves ideas to come.

        So it fades with the flight, and is nothing where no idea can come.
        """
        if self.settings.max_new == 0:
            return 0.0
        return self.recipe.explored * nights_that_count(self.settings) / self.settings.horizon_days

    def _searching(self, model: Fit) -> bool:
        """Whether the nights still serve the question if anything is to be found, and new ideas hang on the answer.

        Looking ahead counts what the live arms will earn, and not what they teach about ideas nobody made yet: where
        clicks are few it stops exploring, the evidence never comes, and creation stops with it (simulated `sparse` market:
        half as many ideas and a fifth less gain). An idea of tonight waits a night for approval and is judged after
        `YOUNGEST_DAYS`; with fewer nights left none pays any more.
        """
        if self.settings.max_new == 0 or model.p_equal <= SOMETHING_TO_FIND:
            return False
        return nights_that_count(self.settings) > APPROVAL_NIGHTS + YOUNGEST_DAYS

    def _leader(self, arms: list[ArmRow], mean: np.ndarray, found: Split) -> str:
        top = int(np.argmax(found.p_best))
        average = float(np.log((found.share * np.exp(mean)).sum()))
        return (
            f"{arms[top].arm_id} is best with probability {found.p_best[top]:.2f} of {len(arms)} live arms, "
            f"{np.expm1(mean[top] - average):+.0%} against the new mix, and gets {found.share[top]:.1%} of the impressions"
        )

    def _ideas(
        self, model: Fit, known: Known, s: int, arms: list[ArmRow], rows: np.ndarray,
        decided: Split | None, rng: np.random.Generator,
    ) -> Ideas:  # fmt: skip
        here = Here(self.space, self.settings, self.recipe, model, known, s, rows, decided)
        if not known.history.clicks.sum() or not known.history.impressions.sum():
            return no_history_ideas(here, arms, rng)
        return segment_ideas(here, rng)

    def _share_rows(
        self, model: Fit, s: int, arms: list[ArmRow], rows: np.ndarray, decided: Split
    ) -> list[dict[str, Any]]:
        mean, cov = model.moments(s, model.history.codes[rows], rows)
        sd = np.sqrt(np.diag(cov))
        known = bool(model.history.clicks.sum())
        return [
            {
                "segment": arm.segment, "arm_id": arm.arm_id, "share": float(decided.share[i]),
                "control_share": float(decided.control_share[i]), "p_best": float(decided.p_best[i]),
                "mean": float(np.exp(mean[i] + sd[i] ** 2 / 2)) if known else None,
                "low": float(np.exp(mean[i] - Z90 * sd[i])) if known else None,
                "high": float(np.exp(mean[i] + Z90 * sd[i])) if known else None,
            }
            for i, arm in enumerate(arms)
            if not decided.retired[i]
        ]  # fmt: skip


def diagnostics(model: Fit, known: Known) -> dict[str, Any]:
    """What the model learnt, as plain numbers and lists."""
    if not known.history.clicks.sum():
        return {"cells": len(known.history.clicks), "stages": [], "effects": []}
    return {
        "cells": len(known.history.clicks),
        "arms": len(known.history.segment),
        "p_all_equal": model.p_equal,
        "stages": [
            {
                "stage": name, "rate": float(np.exp(r.level)), "dispersion": r.dispersion,
                "wear": r.wear, "sd_option_shared": float(np.sqrt(r.variances.shared)),
                "sd_option_own": float(np.sqrt(r.variances.own)), "sd_arm": float(np.sqrt(r.variances.arm)),
            }
            for name, r in zip(model.stages, model.rates)
        ],
        "completion": [float(f) for f in model.completion[:31]],
        "effects": [e._asdict() for e in model.effects()],
    }  # fmt: skip
