"""Whether a segment makes something new tonight, and what: evidence first, then worth against cost, then room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.elements.model import Fit
from dco.errors import UnknownName
from dco.plan.reading import ArmRow, Known
from dco.plan.segment import Split
from dco.plan.settings import SPEEDS
from dco.prompts.genome import balanced
from dco.prompts.propose import Around, Idea, propose
from dco.records import MICROS, Genome, PlanSettings, Space

Ints = NDArray[np.int64]

FIRST_POOL = 4
"""Arms a segment needs before anything can be learnt in it."""
SOMETHING_TO_FIND = 0.005
"""p-value of 'all creatives are equal' below which new ones are worth looking for. Small, because it is asked nightly."""
LEAST_GAIN = 0.01
"""Expected gain below which an idea is not worth a person's approval, even where making it costs nothing."""
RECENT_DAYS = 7


@dataclass
class Ideas:
    """Rows of `schemas.proposals`, and sentences (without segment and full stop)."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


def no_history_ideas(
    space: Space, settings: PlanSettings, known: Known, s: int, arms: list[ArmRow], rng: np.random.Generator
) -> Ideas:
    """Before any click: fill the first pool so that main effects can be told apart, and no more."""
    segment = settings.segments[s]
    waiting = [a for a in known.pending if a.segment == segment]
    missing = min(FIRST_POOL, settings.max_live) - len(arms) - len(waiting)
    n = min(missing, settings.max_new)
    if n <= 0:
        return Ideas(why=["no clicks yet: nothing is proposed before the live arms have been seen"])
    refused = [a for a in known.rejected if a.segment == segment]
    taken = {Genome.of(a.options).key for a in (*arms, *waiting, *refused)}
    there = [a for a in (*known.live, *known.pending) if a.segment in settings.segments]
    pools = [[a.options for a in there if a.segment == other] for other in settings.segments]
    made = balanced(space, n, rng, taken, beside=[pool for pool in pools if pool])
    row: dict[str, Any] = {"segment": segment, "expected_gain": None, "parents": []}
    text = "first pool: options as unlike the others as possible, so that effects can be told apart"
    return Ideas(
        [row | {"attributes": g, "why": text} for g in made],
        [f"no clicks yet: {len(made)} ideas fill the first pool to {len(arms) + len(waiting) + len(made)}"],
    )


def segment_ideas(
    space: Space,
    settings: PlanSettings,
    model: Fit,
    known: Known,
    s: int,
    arms: list[ArmRow],
    rows: Ints,
    decided: Split | None,
    rng: np.random.Generator,
) -> Ideas:
    """New ideas around the winners of one segment, or the sentence that says why there are none."""
    segment = settings.segments[s]
    waiting = sum(a.segment == segment for a in known.pending)
    active = int((~decided.retired).sum()) if decided else 0
    n = min(settings.max_new, settings.max_live - active - waiting)
    if settings.max_new == 0:
        return Ideas()
    if n <= 0:
        held = int(decided.resting.sum()) if decided else 0
        by_holdout = f" ({held} of them only for the holdout)" if held else ""
        return Ideas(
            why=[
                f"no room for new ideas: {active} live{by_holdout} and {waiting} waiting of at most {settings.max_live}"
            ]
        )
    if model.p_equal > SOMETHING_TO_FIND:
        return Ideas(
            why=[
                f"nothing found, nothing made: the creatives' differences are what chance gives (p = {model.p_equal:.2g} "
                f"that all are equal; below {SOMETHING_TO_FIND} would be needed)"
            ]
        )
    around = _around(settings, model, known, s, rows, decided)
    if around is None:
        return Ideas(why=["nothing to grow from: no arm of this segment was ever served"])
    ideas = propose(model, space, around, n, rng, draws=SPEEDS[settings.speed].draws)
    if not ideas:
        return Ideas(why=["every allowed idea is live, waits, was refused or was tried already"])
    return _worth(ideas, settings, model, known, s, around)


def _worth(
    ideas: list[Idea], settings: PlanSettings, model: Fit, known: Known, s: int, around: Around
) -> Ideas:
    """Keeps the ideas whose expected gain pays for them; says which rule stopped the others."""
    segment = settings.segments[s]
    daily = _daily_value_micros(settings, known, s)
    cost = settings.creation_cost_micros
    kept = Ideas()
    for idea in ideas:
        earns = idea.gain * daily * settings.horizon_days
        if idea.gain < LEAST_GAIN:
            continue
        if cost and daily and earns <= cost:
            continue
        kept.rows.append(_row(idea, segment, model, known))
    best = ideas[0]
    earns = best.gain * daily * settings.horizon_days / MICROS
    money = f" = {earns:.2f} over {settings.horizon_days} days" if daily else ""
    cost_text = f", cost {cost / MICROS:.2f} each" if cost else ""
    made = f"{len(kept.rows)} new idea" + "s" * (len(kept.rows) > 1)
    verdict = made if kept.rows else "nothing made"
    kept.why.append(
        f"{verdict}: the best is expected to add {best.gain:.1%} to the live average{money}{cost_text}"
    )
    return kept


def _row(idea: Idea, segment: str, model: Fit, known: Known) -> dict[str, Any]:
    parents = [known.keys[p][1] for p in idea.parents]
    shared = [int((known.history.codes[p] == np.array(idea.codes)).sum()) for p in idea.parents]
    from_ = ", ".join(f"{p} ({k} of {len(idea.codes)} options)" for p, k in zip(parents, shared)) or "none"
    return {
        "segment": segment,
        "attributes": model.alphabet.decode(np.array(idea.codes)),
        "expected_gain": idea.gain,
        "parents": parents,
        "why": f"drawn at temperature {idea.temperature:g}; expected value rate {np.exp(idea.mean):.4g} "
        f"(x/: {np.exp(idea.sd):.2f}); parents {from_}",
    }


def _around(
    settings: PlanSettings, model: Fit, known: Known, s: int, rows: Ints, decided: Split | None
) -> Around | None:
    """Winners are the upper third (at least two) of all arms this segment ever served, by posterior mean."""
    segment = settings.segments[s]
    history = known.history
    mine = np.flatnonzero((history.segment == s) & (known.days_served > 0))
    if not len(mine):
        return None
    mean = model.means(s, history.codes[mine], mine)
    order = mine[np.argsort(-mean, kind="stable")]
    winners = tuple(int(i) for i in order[: max(2, len(order) // 3)])
    if len(rows):
        live_mean = model.means(s, history.codes[rows], rows)
        best = int(rows[int(np.argmax(live_mean))])
        share = decided.share if decided else np.full(len(rows), 1 / len(rows))
        average = float(np.log((share * np.exp(live_mean)).sum()))
    else:
        best, average = winners[0], float(mean.max())
    others = [a for a in (*known.pending, *known.rejected) if a.segment == segment]
    taken = set(map(tuple, history.codes[history.segment == s].tolist()))
    for arm in others:
        try:
            taken.add(tuple(model.alphabet.encode([arm.attributes])[0].tolist()))
        except UnknownName:
            continue
    return Around(s, winners, best, average, frozenset(taken))


def _daily_value_micros(settings: PlanSettings, known: Known, s: int) -> float:
    """What the segment earned a day of late, in micros, by the KPI's value; 0 where no value was hinted."""
    h = known.history
    if not len(h.day):
        return 0.0
    recent = (h.segment[h.arm] == s) & (h.day > h.day.max() - RECENT_DAYS)
    days = max(len(np.unique(h.day[recent])), 1)
    if settings.kpi == "ctr":
        return float(h.clicks[recent].sum()) * settings.click_value_micros / days
    if settings.kpi == "cpa" or not known.has_revenue:
        return float(np.nansum(h.conversions[recent])) * settings.conversion_value_micros / days
    return float(np.nansum(h.revenue[recent])) * MICROS / days
