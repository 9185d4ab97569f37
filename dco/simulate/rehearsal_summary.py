"""What the runs of a rehearsal say together: lift over nights with its range, when it is sure, what it cost.

The yardstick of every scenario is the equal split of the planned starting creatives on the same truth, so that the
difference of two lifts is the difference of what they earn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dco.simulate.rehearsal import NULL, Floats, Scenario, Traffic, Trial
from dco.stats.power import detectable_lift

SURE = 0.90
"""Share of the runs that must be ahead, to say that the campaign is."""
KNOWN = 0.80
"""Share of segments and runs whose leader must be right, to say that it is known."""
AHEAD = 1e-4
"""A lift below this is a draw: creatives that are all alike leave rounding errors."""
RANGE = (0.10, 0.90)
DAY_SD = 0.08
"""Log-sd of an ad's rate from day to day beyond counting, as in the simulated markets."""
ORDER_CV = 0.5
"""Relative sd of one order's value, as in the simulated markets."""


@dataclass(frozen=True)
class Summary:
    """Runs of one scenario on one market, or on several. Lifts are net of creatives' cost: 0.10 = +10 %.

    `mean`, `low`, `high` (80 % of the runs lie between) are cumulative per night. `ahead` is the share of runs that end
    ahead; `ahead_from` and `known_from` count nights from 1: from then on at least `SURE` of the runs are ahead to the
    end, and at least `KNOWN` of the leaders are right. None: not within the nights that were simulated.
    """

    runs: int
    mean: Floats
    low: Floats
    high: Floats
    ahead: float
    ahead_from: int | None
    known_from: int | None
    right: float
    made: float

    @property
    def lift(self) -> tuple[float, float, float]:
        """Mean, low, high at the end."""
        return float(self.mean[-1]), float(self.low[-1]), float(self.high[-1])


@dataclass(frozen=True)
class Change:
    """How much more lift than as planned, paired by truth: mean and standard error, in points (0.01 = one per cent)."""

    points: float
    error: float
    runs: int

    @property
    def clear(self) -> bool:
        """Whether it is more than chance between so few runs (two standard errors)."""
        return abs(self.points) > 2 * self.error and abs(self.points) > AHEAD


@dataclass(frozen=True)
class Yardstick:
    """What the equal split of the planned starting creatives earns, by (market, run), at the planned budget."""

    equal: dict[tuple[str, int], Floats]
    planned: Scenario

    @classmethod
    def of(cls, planned: Scenario, trials: Sequence[Trial]) -> Yardstick:
        return cls({(t.market, t.run): t.equal for t in trials}, planned)

    def lifts(self, trial: Trial, scenario: Scenario) -> Floats:
        """Cumulative net lift per night, float[night]."""
        own = scenario.start == self.planned.start
        equal = (
            trial.equal
            if own
            else self.equal[trial.market, trial.run] * scenario.budget / self.planned.budget
        )
        n = min(len(equal), len(trial.engine))
        base = np.cumsum(equal[:n])
        return np.asarray(np.cumsum(trial.engine[:n]) / np.where(base > 0, base, np.inf) - (base > 0))


def summarise(
    trials: Sequence[Trial], scenario: Scenario, yardstick: Yardstick, planned: Sequence[Trial] = ()
) -> Summary:
    """All given runs together, each with the same weight.

    Args:
        planned: runs of the campaign as planned, more of them than of this scenario. Then lifts are moved by how lucky the
            truths of this scenario's runs were for the plan (a control variate), so that both can be read side by side.
    """
    lifts = np.array([yardstick.lifts(t, scenario) for t in trials])
    moved = lifts + _luck(trials, planned, yardstick, lifts.shape[1])
    right = np.array([t.right for t in trials]).mean(axis=0)
    ahead = (lifts > AHEAD).mean(axis=0)
    low, high = np.quantile(moved, RANGE, axis=0)
    return Summary(
        len(trials), moved.mean(axis=0), low, high, float(ahead[-1]), _from(ahead >= SURE), _from(right >= KNOWN),
        float(right[-1]), float(np.mean([t.made.sum() for t in trials])),
    )  # fmt: skip


def _luck(trials: Sequence[Trial], planned: Sequence[Trial], yardstick: Yardstick, nights: int) -> Floats:
    """float[night]: the plan's mean lift over all its runs less that over the runs that `trials` share with it."""
    shared = {(t.market, t.run) for t in trials}
    everywhere = [yardstick.lifts(t, yardstick.planned) for t in planned]
    here = [x for t, x in zip(planned, everywhere, strict=True) if (t.market, t.run) in shared]
    if not here:
        return np.zeros(nights)
    luck = np.mean(everywhere, axis=0) - np.mean(here, axis=0)
    return np.asarray(np.concatenate([luck, np.full(max(nights - len(luck), 0), luck[-1])])[:nights])


def change(
    trials: Sequence[Trial], scenario: Scenario, planned: Sequence[Trial], yardstick: Yardstick
) -> Change | None:
    """The lift at the end less that of the planned campaign, on the truths that both were run on; None without any."""
    plan = {(t.market, t.run): yardstick.lifts(t, yardstick.planned)[-1] for t in planned}
    pairs = [
        yardstick.lifts(t, scenario)[-1] - plan[t.market, t.run] for t in trials if (t.market, t.run) in plan
    ]
    if not pairs:
        return None
    error = float(np.std(pairs, ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else float("inf")
    return Change(float(np.mean(pairs)), error, len(pairs))


def of_difference(trials: Sequence[Trial]) -> list[Trial]:
    """The runs on markets where there is something to find; all of them if there is no other."""
    return [t for t in trials if t.market != NULL] or list(trials)


def smallest_shown(traffic: Traffic, scenario: Scenario, kpi: str, holdout: float) -> Floats | None:
    """float[night]: the smallest gain over the holdout that the report would show after so many nights (90 % interval,
    80 % power), from counting and from days; None without a holdout; infinity where nothing is counted.
    """
    if holdout <= 0:
        return None
    daily = traffic.events(kpi) * scenario.budget
    spread = 1.0 if kpi in ("ctr", "cpa") else 1 + ORDER_CV**2
    sizes = np.array(traffic.impressions, float)
    # In the worst case the engine serves one creative per segment and the holdout all others.
    days = DAY_SD**2 * (1 + 1 / scenario.start) * np.square(sizes).sum() / max(sizes.sum(), 1) ** 2
    return np.array(
        [
            detectable_lift(
                n * daily * (1 - holdout), n * daily * holdout, spread=spread, extra=float(days / n)
            )
            for n in range(1, scenario.nights + 1)
        ]
    )


def proved_from(summary: Summary, least: Floats | None) -> int | None:
    """The first night from which on the mean lift is one that the holdout would show; None: not within the nights."""
    return None if least is None else _from(summary.mean >= least)


def _from(holds: np.ndarray) -> int | None:
    """The first night (from 1) from which on it holds to the end."""
    wrong = np.flatnonzero(~holds)
    first = int(wrong[-1]) + 1 if len(wrong) else 0
    return first + 1 if first < len(holds) else None
