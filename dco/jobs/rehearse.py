"""`dco rehearse`: the campaign on simulated markets before launch, and what budget, creatives and nights would change.

The engine is the campaign's own, with its guardrails, at the speed meant for studies. Every task is seeded by what it is,
so the answer is the same whatever the number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dco.errors import BadInput
from dco.jobs.deliver import write_whole
from dco.jobs.desk import DATABASE_URL, open_desk
from dco.jobs.rehearse_options import Choice, chosen
from dco.jobs.rehearse_run import Task, each
from dco.jobs.traffic import Expected, Seen, Stated, creation_in_kpi, expected, seen
from dco.records import MICROS, Campaign, PlanSettings, Space
from dco.reports.rehearsal import render
from dco.reports.rehearsal_facts import Basis, Outlook, Row
from dco.settings import load_campaign
from dco.simulate.rehearsal import CAUTIOUS, NULL, Profile, Scenario, Trial
from dco.simulate.rehearsal_summary import (
    Summary,
    Yardstick,
    change,
    of_difference,
    smallest_shown,
    summarise,
)

PAGE = "rehearsal.html"


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
    for done, (task, result) in enumerate(zip(tasks, each(tasks, choice.workers), strict=True), 1):
        trials.setdefault(task.scenario, []).append(result)
        if progress:
            progress(done, len(tasks))
    return _outlook(campaign, plan.profiles, trials, found, choice.seed, approval, cost_note, plan.left_out)


def write_page(path: str | Path, outlook: Outlook) -> Path:
    """The page, in the campaign's outbox.

    Raises:
        StoreError: it cannot be written.
    """
    return write_whole(Path(load_campaign(path).root) / "outbox" / PAGE, render(outlook).encode())


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
        "what may vary",
        f"{_ideas(campaign.space):,} ideas in {len(plan.segments)} segments",
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
