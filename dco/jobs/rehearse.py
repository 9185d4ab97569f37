"""`dco rehearse`: the campaign on simulated markets before launch, and what budget, creatives and nights would change.

The engine is the campaign's own, with its guardrails, at the speed meant for studies. Every task is seeded by what it is,
so the answer is the same whatever the number of processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from dco.errors import BadInput, DcoError
from dco.jobs.desk import DATABASE_URL, open_desk
from dco.jobs.rehearse_options import Choice, chosen
from dco.jobs.traffic import Expected, Seen, Stated, creation_in_kpi, expected, seen
from dco.plan.optimizer import Optimizer
from dco.records import MICROS, Campaign, PlanSettings, Space
from dco.reports.rehearsal_facts import Basis, Outlook, Row
from dco.settings import load_campaign
from dco.simulate.loop import Choice as Decided
from dco.simulate.loop import Night
from dco.simulate.rehearsal import (
    CAUTIOUS,
    NULL,
    Profile,
    Scenario,
    Traffic,
    Trial,
    build,
    generator,
    pool_rows,
    trial,
)  # fmt: skip
from dco.simulate.rehearsal_summary import (
    Summary,
    Yardstick,
    change,
    of_difference,
    smallest_shown,
    summarise,
)

PAGE = "rehearsal.html"


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


def rehearse(
    path: str | Path,
    choice: Choice,
    stated: Stated | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Outlook:
    """Simulate the campaign and its neighbours. Writes nothing.

    Raises:
        BadCampaign, BadInput, UnknownName: the campaign file or an option. DcoError: a process died.
    """
    campaign = load_campaign(path)
    plan = chosen(campaign, choice)
    found = expected(campaign, stated or Stated(), _reports(campaign, path))
    if not sum(found.traffic.impressions):
        raise BadInput("--daily-impressions: fewer than one a segment; there is nothing to simulate")
    cost, cost_note = creation_in_kpi(campaign, found)
    approval = plan.approval_nights
    tasks = [
        Task(
            profile, scenario, run, choice.seed, campaign.space, _settings(campaign, scenario),
            found.traffic.times(scenario.budget), cost, _most_a_night(campaign), approval,
        )
        for profile, scenario, run in plan.runs()
    ]  # fmt: skip
    trials: dict[Scenario, list[Trial]] = {}
    for done, (task, result) in enumerate(zip(tasks, _each(tasks, choice.workers), strict=True), 1):
        trials.setdefault(task.scenario, []).append(result)
        if progress:
            progress(done, len(tasks))
    return _outlook(campaign, plan.profiles, trials, found, choice.seed, approval, cost_note, plan.left_out)


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


def _settings(campaign: Campaign, scenario: Scenario) -> PlanSettings:
    return replace(campaign.plan, max_new=scenario.new, speed="fast")


def _most_a_night(campaign: Campaign) -> int | None:
    """Creatives that a night's creation money pays for; None: as many as are good."""
    cost, money = campaign.plan.creation_cost_micros, campaign.creation_micros_per_night
    return money // cost if cost and money else None


def _reports(campaign: Campaign, path: str | Path) -> Seen | None:
    """What the workspace's reports say; a workspace that is not there yet is not made."""
    if not (os.environ.get(DATABASE_URL) or (Path(campaign.root) / "store" / "dco.db").exists()):
        return None
    with open_desk(path) as desk:
        return seen(desk)


def _each(tasks: Sequence[Task], workers: int) -> Iterator[Trial]:
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


def _outlook(
    campaign: Campaign,
    profiles: Sequence[Profile],
    trials: dict[Scenario, list[Trial]],
    found: Expected,
    seed: int,
    approval: int,
    cost_note: str,
    left_out: tuple[str, ...],
) -> Outlook:
    planned = next(iter(trials))
    yardstick = Yardstick.of(planned, trials[planned])
    kpi = campaign.plan.kpi
    markets = {
        p.name: (p.words, summarise([t for t in trials[planned] if t.market == p.name], planned, yardstick))
        for p in profiles
    }
    cautious = _cautious({name: s for name, (_, s) in markets.items()})
    cost = campaign.plan.creation_cost_micros / MICROS
    rows = []
    for scenario, runs in trials.items():
        plan = () if scenario is planned else trials[planned]
        together = summarise(of_difference(runs), scenario, yardstick, of_difference(plan))
        slow = [[t for t in some if t.market == cautious] for some in (runs, plan)]
        made = scenario.start * len(campaign.segments) + together.made
        rows.append(
            Row(
                scenario, label(scenario, planned), together, summarise(slow[0], scenario, yardstick, slow[1]),
                change(of_difference(runs), scenario, plan, yardstick) if plan else None,
                made, made * cost, found.daily * scenario.budget * scenario.nights,
                smallest_shown(found.traffic, scenario, kpi, campaign.plan.holdout),
            )
        )  # fmt: skip
    return Outlook(
        campaign=campaign.key, brand=campaign.brand.name, brief=campaign.brief, currency=campaign.currency, kpi=kpi,
        seed=seed, holdout=campaign.plan.holdout, flight=planned.flight, daily=found.daily,
        events=found.traffic.events(kpi), segments=len(campaign.segments), approval_nights=approval,
        creation_note=cost_note, basis=(*found.basis, *_guardrails(campaign, planned, approval, cost_note)),
        markets=markets, cautious=cautious, rows=tuple(rows), left_out=left_out,
    )  # fmt: skip


def _cautious(markets: dict[str, Summary]) -> str:
    """The market that is planned with: the unkind one, or else where least is won."""
    if CAUTIOUS in markets:
        return CAUTIOUS
    differing = [m for m in markets if m != NULL] or list(markets)
    return min(differing, key=lambda m: markets[m].lift[0])


def _guardrails(campaign: Campaign, planned: Scenario, approval: int, cost_note: str) -> Iterator[Basis]:
    plan = campaign.plan
    file = "campaign file"
    yield Basis(
        "segments, ideas",
        f"{len(plan.segments)}, {_ideas(campaign.space):,}",
        file,
        "before forbidden combinations",
    )
    yield Basis("starting creatives", f"{planned.start} per segment", file)
    yield Basis("new creatives", f"at most {planned.new} per segment and night, {plan.max_live} live", file)
    yield Basis(
        "guardrails",
        f"floor {plan.floor:.0%}, holdout {plan.holdout:.0%}, daily step {plan.step:.0%}".replace("%", " %"),
        file,
    )
    yield Basis(
        "flight", f"{planned.flight} nights", file if planned.flight == _flight(campaign) else "stated"
    )
    by = "a standing rule approves" if campaign.approval else "a person approves"
    yield Basis(
        "approval",
        f"{approval} night{'s' * (approval > 1)} from idea to first impression",
        "assumed",
        f"{by}; state yours with --approval-nights",
    )
    yield Basis(
        "cost of a creative",
        f"{plan.creation_cost_micros / MICROS:,.2f} {campaign.currency}",
        file,
        cost_note,
    )


def _ideas(space: Space) -> int:
    count = 1
    for options in space.attributes.values():
        count *= len(options)
    return count


def _flight(campaign: Campaign) -> int:
    return (campaign.end - campaign.start).days + 1


def label(scenario: Scenario, planned: Scenario) -> str:
    """What differs from the plan, in words."""
    told = {
        "start": f"{scenario.start} starting creatives",
        "new": f"up to {scenario.new} new a night" if scenario.new else "no new creatives",
        "budget": {0.5: "half the budget", 2.0: "twice the budget"}.get(
            scenario.budget, f"{scenario.budget:g} times the budget"
        ),
        "nights": f"{scenario.nights} nights",
    }
    return ", ".join(told[name] for name in scenario.differs(planned)) or "as planned"


__all__ = ["PAGE", "Task", "engine", "label", "one", "rehearse"]
