"""Whether a segment makes something new tonight, how many, and what: evidence, the queue, trials, then worth against cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.elements.model import Fit
from dco.errors import UnknownName
from dco.plan.places import batch, kept, worlds
from dco.plan.reading import ArmRow, Known
from dco.plan.recipe import SPEEDS, Recipe
from dco.plan.segment import Split
from dco.plan.trials import Trials, under_trial, variances
from dco.prompts.approval import ApprovalModel
from dco.prompts.genome import balanced
from dco.prompts.propose import Around, Codes, candidates, parents_of
from dco.prompts.queue import pace, room
from dco.records import MICROS, Genome, PlanSettings, Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_POOL = 4
"""Arms a segment needs before anything can be learnt in it."""
SOMETHING_TO_FIND = 0.005
"""p-value of 'all creatives are equal' below which new ones are worth looking for. Small, because it is asked nightly."""
UNDECIDED = 0.25
"""P(creatives differ by a usual amount) from which the question is open, where that p-value is not reached."""
LEAST_GAIN = 0.001
"""Expected gain below which an idea is not worth anybody's time, even where making it costs nothing."""
RECENT_DAYS = 7


@dataclass
class Ideas:
    """Rows of `schemas.proposals`, and sentences (without segment and full stop)."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


class Here(NamedTuple):
    """One segment on one night: what decides about its ideas."""

    space: Space
    settings: PlanSettings
    recipe: Recipe
    model: Fit
    known: Known
    s: int
    rows: Ints  # fitted rows of its live arms
    decided: Split | None

    @property
    def segment(self) -> str:
        return self.settings.segments[self.s]

    @property
    def stay(self) -> Ints:
        """Fitted rows of the arms that stay live."""
        return self.rows if self.decided is None else self.rows[~self.decided.retired]

    @property
    def p_best(self) -> Floats:
        """float[arm that stays]."""
        return np.ones(len(self.rows)) if self.decided is None else self.decided.p_best[~self.decided.retired]

    @property
    def held(self) -> NDArray[np.bool_]:
        """bool[arm that stays]: starting arms, which keep their places for the holdout."""
        if self.decided is None:
            return np.zeros(len(self.rows), bool)
        return self.decided.control[~self.decided.retired]

    def of(self, arms: Sequence[ArmRow]) -> list[ArmRow]:
        """Those of this segment."""
        return [a for a in arms if a.segment == self.segment]


def no_history_ideas(here: Here, arms: list[ArmRow], rng: np.random.Generator) -> Ideas:
    """Before any click: fill the first pool so that main effects can be told apart, and no more."""
    settings, known = here.settings, here.known
    waiting, refused = here.of(known.pending), here.of(known.rejected)
    missing = min(FIRST_POOL, settings.max_live) - len(arms) - len(waiting)
    n = min(missing, settings.max_new)
    if n <= 0:
        return Ideas(why=["no clicks yet: nothing is proposed before the live arms have been seen"])
    taken = {Genome.of(a.options).key for a in (*arms, *waiting, *refused)}
    there = [a for a in (*known.live, *known.pending) if a.segment in settings.segments]
    pools = [[a.options for a in there if a.segment == other] for other in settings.segments]
    made = balanced(here.space, n, rng, taken, beside=[pool for pool in pools if pool])
    row: dict[str, Any] = {"segment": here.segment, "expected_gain": None, "parents": []}
    text = "first pool: options as unlike the others as possible, so that effects can be told apart"
    return Ideas(
        [row | {"attributes": g, "why": text} for g in made],
        [f"no clicks yet: {len(made)} ideas fill the first pool to {len(arms) + len(waiting) + len(made)}"],
    )


def segment_ideas(here: Here, rng: np.random.Generator) -> Ideas:
    """New ideas around the winners of one segment, or the sentence that says why there are none."""
    if here.settings.max_new == 0:
        return Ideas()
    n, stop = _wanted(here)
    if n <= 0:
        return Ideas(why=[stop])
    around = _around(here)
    if around is None:
        return Ideas(why=["nothing to grow from: no arm of this segment was ever served"])
    recipe, effort = here.recipe, SPEEDS[here.settings.speed]
    found = candidates(
        here.model, here.space, around, rng,
        draws=effort.draws, temperatures=recipe.temperatures, near_winners=recipe.near_winners,
    )  # fmt: skip
    if not found:
        return Ideas(why=["every allowed idea is live, waits, was refused or was tried already"])
    return _chosen(here, around, found, n, rng)


def _wanted(here: Here) -> tuple[int, str]:
    """How many ideas may be asked for tonight before their worth is looked at; and why none, if none."""
    settings, model = here.settings, here.model
    n = settings.max_new
    if model.p_equal > SOMETHING_TO_FIND:
        if model.p_usual < UNDECIDED:
            return 0, (
                "nothing found, nothing made: the creatives' differences are what chance gives (p = "
                f"{model.p_equal:.2g} that all are equal; below {SOMETHING_TO_FIND} would be needed)"
            )
        n = min(n, here.recipe.while_undecided)
        if n <= 0:
            return 0, "nothing made: whether creatives differ here is not settled yet"
    waiting = len(here.of(here.known.pending))
    most = max(settings.max_live // 2, 1)
    if waiting >= most:
        return 0, f"no new ideas: {waiting} wait for an answer already, of at most {most}"
    places = settings.max_live - int(here.held.sum())
    if waiting >= places:
        return 0, (
            f"no room for new ideas: {int(here.held.sum())} starting arms serve the holdout and {waiting} wait, of at most "
            f"{settings.max_live}"
        )
    n = min(n, most - waiting, places - waiting)
    seen = pace(*_first_days(here), len(here.of(here.known.rejected)))
    free = room(waiting, seen) if here.recipe.asks else None
    if free is not None and free <= 0:
        return 0, f"no new ideas: {waiting} wait, and about {seen.answers_per_day:.1f} a day are answered"
    return n if free is None else min(n, free), ""


def _first_days(here: Here) -> tuple[Ints, int]:
    """int[arm ever served in the segment] its first day, and the last day known."""
    h = here.known.history
    today = int(h.day.max(initial=0))
    first = np.full(len(h.segment), today + 1)
    np.minimum.at(first, h.arm, h.day)
    return first[(h.segment == here.s) & (first <= today)], today


def _chosen(here: Here, around: Around, found: dict[Codes, str], n: int, rng: np.random.Generator) -> Ideas:
    """The ideas that add most to what is live and waits, as far as each pays for its trial, its place and its making."""
    model, known, s = here.model, here.known, here.s
    waiting = [model.alphabet.encode([a.attributes])[0] for a in here.of(known.pending)]
    genomes = np.array(list(found), dtype=np.int64)
    codes = np.concatenate([known.history.codes[here.stay], *(w[None] for w in waiting), genomes])
    row = np.concatenate([here.stay, np.full(len(waiting) + len(genomes), -1)])
    there = len(here.stay) + len(waiting)
    mean, cov = model.moments(s, codes, row)
    new = variances(model, s, genomes, np.full(len(genomes), -1))
    trial = Trials.of(model, known, s)
    each = trial.days_to_judge(np.median(new, axis=1))
    if here.recipe.trial_days and model.p_equal <= SOMETHING_TO_FIND:
        going = under_trial(np.diag(cov)[: len(here.stay)], float(np.median(new.sum(axis=0))), here.p_best)
        free = int(np.floor(here.recipe.trial_days / each - going - len(waiting) + 1e-9))
        n = min(n, max(free, 1 if going + len(waiting) == 0 else 0))
        if n <= 0:
            return Ideas(
                why=[f"no new ideas: {going + len(waiting):.1f} arms are under trial or wait, and one takes {each:.1f} days "
                     f"of all this segment's traffic to judge (together at most {here.recipe.trial_days:g})"]
            )  # fmt: skip
    values = worlds(mean, cov, rng)
    unit = float(
        np.exp(mean.max() - around.average)
    )  # draws are about the best mean, gains about the live average
    leaves = np.concatenate([~here.held, np.zeros(len(waiting), bool)])
    missed = np.sort(kept(values[:, :there])[leaves]) * unit if there else np.zeros(0)
    chance = _approval(here, genomes)
    earlier = set(map(tuple, known.history.codes[known.history.segment == s].tolist()))
    worth = Worth(here.settings, _daily_value_micros(here.settings, known, s))
    ideas, best = Ideas(), None
    for j, (i, gain) in enumerate(batch(values[:, :there], values[:, there:], n, chance)):
        at, over = there + i, there + j + 1 - here.settings.max_live
        place = float(missed[min(over, len(missed)) - 1]) if over > 0 and len(missed) else 0.0
        shortfall = max(-np.expm1(mean[at] - around.average), 0.0)
        net = worth.net(gain * unit, place, trial.days_to_judge(new[:, i]) * shortfall)
        best = best or (gain * unit, net)
        if gain * unit < LEAST_GAIN or not worth.pays(net):
            continue
        key = tuple(genomes[i].tolist())
        again = "another take of an earlier idea, " if key in earlier else ""
        told = f"{again}{found[key]}; expected value rate {np.exp(mean[at]):.4g} (x/: {np.exp(np.sqrt(cov[at, at])):.2f})"
        if chance is not None and here.of(known.rejected):
            told += f"; a yes is {chance[i]:.0%} likely"
        ideas.rows.append(_row(here, key, gain * unit, told, parents_of(model, key, around.winners)))
    if best is not None:
        ideas.why.append(worth.sentence(len(ideas.rows), *best))
    return ideas


@dataclass(frozen=True)
class Worth:
    """What an idea earns over the horizon against what it costs; `daily` is the segment's value a day in micros, 0: unknown."""

    settings: PlanSettings
    daily: float

    def net(self, gain: float, place: float, trial_days: float) -> float:
        """Days of the segment's value that are left of a gain after the place it takes and what its trial forgoes."""
        return (gain - place) * self.settings.horizon_days - trial_days

    def pays(self, net: float) -> bool:
        cost = self.settings.creation_cost_micros
        return net > 0 and (not cost or not self.daily or net * self.daily > cost)

    def sentence(self, made: int, gain: float, net: float) -> str:
        cost, days = self.settings.creation_cost_micros, self.settings.horizon_days
        money = f" = {net * self.daily / MICROS:.2f} over {days} days, its trial paid" if self.daily else ""
        each = f", cost {cost / MICROS:.2f} each" if cost else ""
        verdict = f"{made} new idea" + "s" * (made > 1) if made else "nothing made"
        return f"{verdict}: the best is expected to add {gain:.1%} to the live average{money}{each}"


def _approval(here: Here, genomes: Ints) -> Floats | None:
    """float[idea]: the chance of a yes, learnt from all segments' answers; None where nothing was ever refused."""
    refused, model = here.known.rejected, here.model
    if not refused or not here.recipe.asks:
        return None
    segments = [here.settings.segments.index(a.segment) for a in refused if _codes(model, a) is not None]
    codes = [c for a in refused if (c := _codes(model, a)) is not None]
    if not codes:
        return None
    said = ApprovalModel.fit(
        model.alphabet, here.known.history.codes, np.array(codes),
        approved_segment=here.known.history.segment, rejected_segment=np.array(segments),
    )  # fmt: skip
    return said.probability(genomes, np.full(len(genomes), here.s))


def _codes(model: Fit, arm: ArmRow) -> Ints | None:
    """An arm's option codes; None where it has an option that nothing known has."""
    try:
        return np.asarray(model.alphabet.encode([arm.attributes])[0])
    except UnknownName:
        return None


def _row(here: Here, key: Codes, gain: float, told: str, parents: tuple[int, ...]) -> dict[str, Any]:
    names = [here.known.keys[p][1] for p in parents]
    shared = [int((here.known.history.codes[p] == np.array(key)).sum()) for p in parents]
    from_ = ", ".join(f"{p} ({k} of {len(key)} options)" for p, k in zip(names, shared)) or "none"
    return {
        "segment": here.segment,
        "attributes": here.model.alphabet.decode(np.array(key)),
        "expected_gain": gain,
        "parents": names,
        "why": f"{told}; parents {from_}",
    }


def _around(here: Here) -> Around | None:
    """Winners are the upper third (at least two) of all arms this segment ever served, by posterior mean."""
    history, model, s, rows = here.known.history, here.model, here.s, here.rows
    mine = np.flatnonzero((history.segment == s) & (here.known.days_served > 0))
    if not len(mine):
        return None
    mean = model.means(s, history.codes[mine], mine)
    order = mine[np.argsort(-mean, kind="stable")]
    winners = tuple(int(i) for i in order[: max(2, len(order) // 3)])
    average = float(mean.max())
    if len(rows):
        share = here.decided.share if here.decided else np.full(len(rows), 1 / len(rows))
        average = float(np.log((share * np.exp(model.means(s, history.codes[rows], rows))).sum()))
    others = here.of((*here.known.pending, *here.known.rejected))
    # What ran before and is gone may come again: another take of it is another picture, and not worn.
    taken = set(map(tuple, history.codes[rows].tolist()))
    taken |= {tuple(c.tolist()) for a in others if (c := _codes(model, a)) is not None}
    return Around(s, winners, average, frozenset(taken))


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
