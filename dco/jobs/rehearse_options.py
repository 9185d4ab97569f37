"""What a rehearsal shall simulate: markets, scenarios, nights and runs, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dco.errors import BadInput, UnknownName
from dco.records import Campaign
from dco.simulate.rehearsal import MOST_NIGHTS, NULL, PROFILES, Profile, Scenario, profile

DEFAULT_NIGHTS, QUICK_NIGHTS = 42, 21
DEFAULT_RUNS, QUICK_RUNS = 8, 4
MOST_RUNS = 1000
MOST_START, MOST_NEW, MOST_BUDGET = 64, 50, 100.0
STARTS, NEWS = (3, 6, 12), (0, 1, 2, 4)
UNLIKE = 1.5
"""Starting creatives are worth a scenario of their own from this ratio to the planned number on."""
WEEK = 7
"""Nights below which a shorter flight is no scenario of its own."""
PERSON_NIGHTS, RULE_NIGHTS = 2, 1
"""Nights from an idea to its first impression: a person's yes on the next day, or a standing rule's at once."""
KEYS = ("start", "new", "budget", "nights")


@dataclass(frozen=True)
class Choice:
    """What the user asked for; None or empty: the default."""

    markets: Sequence[str] = ()
    scenarios: Sequence[str] = ()
    """Such as 'start=8' or 'new=0,budget=2'; 'none' for the plan alone."""
    runs: int | None = None
    nights: int | None = None
    seed: int = 1
    quick: bool = False
    workers: int = 1
    approval_nights: int | None = None


@dataclass(frozen=True)
class Programme:
    """What will be simulated; the first scenario is the campaign as planned."""

    profiles: tuple[Profile, ...]
    scenarios: tuple[Scenario, ...]
    planned_runs: int
    neighbour_runs: int
    approval_nights: int
    left_out: tuple[str, ...]

    def runs(self) -> Iterator[tuple[Profile, Scenario, int]]:
        """Every (market, scenario, run). Neighbours are run less often: paired with the plan, they differ by less."""
        differing = tuple(p for p in self.profiles if p.name != NULL) or self.profiles
        for scenario in self.scenarios:
            planned = scenario is self.scenarios[0]
            for one in self.profiles if planned else differing:
                for run in range(self.planned_runs if planned else self.neighbour_runs):
                    yield one, scenario, run


def chosen(campaign: Campaign, choice: Choice) -> Programme:
    """Raises:
    BadInput: a number out of range, a scenario that cannot be read. UnknownName: no such market or scenario key.
    """
    for name, value, least, most in (
        ("--runs", choice.runs, 1, MOST_RUNS),
        ("--nights", choice.nights, 1, MOST_NIGHTS),
        ("--seed", choice.seed, 0, 2**63),
        ("--workers", choice.workers, 1, 64),
        ("--approval-nights", choice.approval_nights, 1, 30),
    ):
        if value is not None and not least <= value <= most:
            raise BadInput(f"{name}: expected a whole number from {least} to {most}, got {value}")
    flight = (campaign.end - campaign.start).days + 1
    nights = choice.nights or min(flight, QUICK_NIGHTS if choice.quick else DEFAULT_NIGHTS, MOST_NIGHTS)
    planned = Scenario(campaign.starting_arms, campaign.plan.max_new, 1.0, nights, max(flight, nights))
    left_out: list[str] = []
    if nights < flight:
        left_out.append(
            f"nights {nights + 1} to {flight} of the flight; --nights {min(flight, MOST_NIGHTS)} simulates them too"
        )
    if list(choice.scenarios) == ["none"]:
        found = []
    elif choice.scenarios:
        found = [_read(text, planned, campaign) for text in choice.scenarios]
    else:
        found = list(_neighbours(planned, campaign, choice.quick, left_out))
    runs = choice.runs or (QUICK_RUNS if choice.quick else DEFAULT_RUNS)
    names = tuple(dict.fromkeys(choice.markets)) or tuple(PROFILES)
    rule = RULE_NIGHTS if campaign.approval else PERSON_NIGHTS
    return Programme(
        tuple(map(profile, names)), tuple(dict.fromkeys([planned, *found])), runs, -(-runs // 3),
        choice.approval_nights or rule, tuple(left_out),
    )  # fmt: skip


def _neighbours(
    planned: Scenario, campaign: Campaign, quick: bool, left_out: list[str]
) -> Iterator[Scenario]:
    for n in () if quick else STARTS:
        ratio = n / planned.start
        if 1 / UNLIKE < ratio < UNLIKE:
            continue
        if n >= campaign.plan.max_live:
            most = campaign.plan.max_live
            left_out.append(
                f"{n} starting creatives: guardrails.max_live is {most}, which leaves no room for new ones"
            )
            continue
        yield replace(planned, start=n)
    for n in (0,) if quick else NEWS:
        if n != planned.new:
            yield replace(planned, new=n)
    yield replace(planned, budget=0.5)
    yield replace(planned, budget=2.0)
    shorter, double = min(planned.flight // 2, 2 * planned.nights // 3), 2 * planned.flight
    if not quick and shorter >= WEEK:
        yield replace(planned, nights=shorter, flight=shorter)
    if not quick and planned.nights == planned.flight and double <= 2 * DEFAULT_NIGHTS:
        yield replace(planned, nights=double, flight=double)


def _read(text: str, planned: Scenario, campaign: Campaign) -> Scenario:
    """'start=8,new=0' -> the plan with these changes."""
    where = f"--scenario {text}"
    changes: dict[str, float] = {}
    for part in text.split(","):
        key, sign, value = (x.strip() for x in part.partition("="))
        if key not in KEYS:
            raise UnknownName("scenario key", key, KEYS, where=where)
        if not sign:
            raise BadInput(f"{where}: expected KEY=NUMBER such as start=8, got '{part}'")
        if key in changes:
            raise BadInput(f"{where}: '{key}' is there twice")
        changes[key] = _number(where, key, value, _limits(campaign)[key])
    if "nights" in changes:
        changes["flight"] = changes["nights"]
    return replace(planned, **changes)  # type: ignore[arg-type]


def _limits(campaign: Campaign) -> Mapping[str, tuple[float, float]]:
    return {
        "start": (2, min(MOST_START, campaign.plan.max_live)), "new": (0, MOST_NEW),
        "budget": (0.01, MOST_BUDGET), "nights": (1, MOST_NIGHTS),
    }  # fmt: skip


def _number(where: str, key: str, text: str, limits: tuple[float, float]) -> float:
    low, high = limits
    whole = key != "budget"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        kind = "a whole number" if whole else "a multiple of the planned budget"
        why = " (guardrails.max_live)" if key == "start" and high < MOST_START else ""
        raise BadInput(f"{where}: expected {kind} from {low:g} to {high:g}{why}, got '{text}'")
    return value
