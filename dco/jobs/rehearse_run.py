"""One run of a rehearsal, and many of them over processes. A process needs nothing but its task, and loads no store."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context

from dco.errors import DcoError
from dco.plan.optimizer import Optimizer
from dco.records import PlanSettings, Space
from dco.simulate.loop import Choice as Decided
from dco.simulate.loop import Night
from dco.simulate.rehearsal import Profile, Scenario, Traffic, Trial, build, generator, pool_rows, trial


@dataclass(frozen=True)
class Task:
    """One run of one scenario on one market; everything a process needs."""

    profile: Profile
    scenario: Scenario
    run: int
    seed: int
    space: Space
    settings: PlanSettings
    traffic: Traffic
    creation_cost: float
    creations_a_night: int | None
    approval_nights: int


def one(task: Task) -> Trial:
    """Play one task; depends on nothing but it."""
    name, seed = task.profile.name, task.seed
    market = build(task.profile, task.traffic, task.space, seed, task.run)
    ideas = Optimizer(task.space, task.settings).initial(
        task.scenario.start, generator(seed, name, task.run, 1)
    )
    by_segment: dict[str, list[dict[str, str]]] = {s: [] for s in task.traffic.segments}
    for row in ideas.to_pylist():
        by_segment[row["segment"]].append(row["attributes"])
    pool = pool_rows(by_segment)
    return trial(
        market, engine(task), pool, task.scenario, generator(seed, name, task.run, 2), name=name, run_number=task.run,
        kpi=task.settings.kpi, creation_cost=task.creation_cost, approval_nights=task.approval_nights,
    )  # fmt: skip


def engine(task: Task) -> Callable[[Night], Decided]:
    """The campaign's own decider: it knows when the flight ends and what a night's creation money pays for."""

    def decide(night: Night) -> Decided:
        settings = replace(task.settings, nights_left=max(task.scenario.flight - night.index - 1, 0))
        plan = Optimizer(task.space, settings).plan(
            night.history, night.live, night.pending, night.rejected, night.day, night.rng
        )
        proposals = plan.proposals.to_pylist()
        if task.creations_a_night is not None:
            proposals = sorted(proposals, key=lambda p: -float(p["expected_gain"] or 0))[
                : task.creations_a_night
            ]
        return Decided(plan.shares.to_pylist(), proposals, plan.retire.to_pylist())

    return decide


def each(tasks: Sequence[Task], workers: int) -> Iterator[Trial]:
    """Results in the order of the tasks."""
    if workers <= 1 or len(tasks) < 2:
        yield from map(one, tasks)
        return
    # Threads of a forked process may hold locks that nobody frees: workers start afresh.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet)
    try:
        yield from pool.map(one, tasks)
    except BrokenProcessPool:
        raise DcoError(
            "rehearse: a process died, perhaps for lack of memory; run again with --workers 1"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _quiet() -> None:
    """Ctrl-C is the parent's to answer: a worker ends with its task and prints nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
