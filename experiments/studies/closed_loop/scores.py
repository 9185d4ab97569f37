"""What the runs say: shares of the oracle's gain, paired differences with t intervals, wins, and what nothing-to-find costs.

Every interval is one comparison's own 95 %; none is corrected for how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dco.errors import BadData
from experiments.studies.closed_loop.runner import Run

Floats = NDArray[np.float64]
Table = Mapping[tuple[str, str], Mapping[int, Run]]
"""(market, decider) -> seed -> run."""

LEVEL = 0.95
NOTHING = 1e-3
"""An oracle's gain below this part of the equal split's value is no gain: shares of it mean nothing."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its standard error (NaN for one seed) and t interval."""

    n: int
    mean: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Duel:
    """The engine less a peer in one market up to one day, paired by seed.

    `lift` is the difference of net gains in percent of the equal split's value, `over_refresh` in percent of random
    refresh's value (None where that did not run), `share` in shares of the oracle's gain (None where there is none);
    `won` counts the seeds in which the engine earned more.
    """

    market: str
    peer: str
    day: int
    lift: Mean
    over_refresh: Mean | None
    share: Mean | None
    won: int

    @property
    def verdict(self) -> str:
        if np.isnan(self.lift.low):
            return "one seed"
        return "ahead" if self.lift.low > 0 else "behind" if self.lift.high < 0 else "tie"


def by_key(runs: Iterable[Run]) -> dict[tuple[str, str], dict[int, Run]]:
    """Runs by market, decider and seed.

    Raises:
        BadData: deciders at one market and seed that did not meet the same equal split and oracle.
    """
    table: dict[tuple[str, str], dict[int, Run]] = {}
    references: dict[tuple[str, int], tuple[object, ...]] = {}
    for run in runs:
        same = (run.days, run.equal, run.oracle)
        if references.setdefault((run.market, run.seed), same) != same:
            raise BadData(
                f"runs, {run.market} seed {run.seed}: {run.decider!r} met another equal split or oracle than the others; "
                "they are not paired, run them again together"
            )
        table.setdefault((run.market, run.decider), {})[run.seed] = run
    return table


def mean_of(values: Sequence[float] | Floats) -> Mean:
    """Mean, standard error and t interval."""
    found = np.asarray(values, float)
    n, mean = len(found), float(found.mean())
    if n < 2:
        return Mean(n, mean, float("nan"), float("nan"), float("nan"))
    se = float(found.std(ddof=1) / np.sqrt(n))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * se
    return Mean(n, mean, se, mean - half, mean + half)


def at(run: Run, day: int, what: str = "value") -> float:
    """A run's sum up to a day that was kept."""
    return float(getattr(run, what)[run.days.index(day)])


def share(run: Run, day: int) -> float:
    """Share of the oracle's gain over the equal split; NaN where there is nothing to gain."""
    value, equal, oracle = (at(run, day, w) for w in ("value", "equal", "oracle"))
    return (value - equal) / (oracle - equal) if oracle - equal > NOTHING * abs(equal) else float("nan")


def shares(runs: Mapping[int, Run], day: int) -> Mean | None:
    values = [share(r, day) for r in runs.values()]
    return None if np.isnan(values).any() else mean_of(values)


def lift(runs: Mapping[int, Run], day: int) -> Mean:
    """Net gain over the equal split in percent."""
    return mean_of([100 * (at(r, day) / at(r, day, "equal") - 1) for r in runs.values()])


def made_late(runs: Mapping[int, Run], after: int = 30) -> Mean | None:
    """New creatives per segment-day after a day; None for runs that are not longer."""
    values = [
        (r.made[-1] - r.made[r.days.index(after)]) / ((r.nights - after) * r.segments)
        for r in runs.values()
        if after in r.days and r.nights > after
    ]
    return mean_of(values) if values else None


def duel(table: Table, market: str, engine: str, peer: str, day: int, refresh: str) -> Duel:
    """The engine against a peer on the seeds that both have."""
    ours, theirs = table[market, engine], table[market, peer]
    seeds = sorted(set(ours) & set(theirs))
    gap = {s: at(ours[s], day) - at(theirs[s], day) for s in seeds}
    lifts = [100 * gap[s] / at(ours[s], day, "equal") for s in seeds]
    random = table.get((market, refresh), {})
    over = [100 * gap[s] / at(random[s], day) for s in seeds if s in random]
    parts = [share(ours[s], day) - share(theirs[s], day) for s in seeds]
    return Duel(
        market, peer, day, mean_of(lifts), mean_of(over) if over else None,
        None if np.isnan(parts).any() else mean_of(parts), sum(g > 0 for g in gap.values()),
    )  # fmt: skip


def best_loop(table: Table, market: str, loops: Sequence[str], day: int) -> str | None:
    """The peer loop that earned most in a market on these very seeds (so its lead is a little flattered)."""
    known = [p for p in loops if (market, p) in table]
    return max(known, key=lambda p: lift(table[market, p], day).mean) if known else None
