"""How fast nights are decided: P(best), a whole plan, a log's counts, assignments; beside plain ways and the peers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from dco import registry
from dco.bandits.assign import assign
from dco.errors import BadInput
from dco.jobs.bench import Options, Row
from dco.jobs.benchmarks import best_arm, peers
from dco.jobs.benchmarks.season import DAY, SPACE, names, season
from dco.jobs.benchmarks.turns import cpu_seconds
from dco.plan.optimizer import Optimizer
from dco.stats.best import p_best_beta
from dco.stats.logged import ArmCounts, count_log

GOALS_MS = {10: 0.7, 100: 5.0, 1_000: 40.0, 10_000: 200.0}
ACCURACY, CHEAPER = 1e-3, 500.0
PANELS = 16
DRAWN = 2_000_000
"""Beta draws by which plain Monte Carlo is timed."""
NIGHTS = {"exact": 0.3, "fast": 0.1}
"""CPU seconds of a plan."""
LOG_ROWS, CLICK_RATE, LOG_FACTOR = 10_000_000, 0.012, 1.5
VISITORS, A_SECOND = 100_000, 20e6
PEER_ROWS, PEER_DECISIONS = 100_000, 10_000


def bench(options: Options) -> list[Row]:
    """All rows. Times are of the processor, medians, ways in turns, so that a neighbour's work does not count.

    `quick` leaves out 10,000 arms. A plan's matrices are small: threads of the linear algebra wait for one another, and
    cost many times what they do where other work runs beside. So OMP_NUM_THREADS=1 belongs to the figures; the plan's
    row is of the environment as it is, and says which that was.

    Raises:
        BadInput: a device other than the CPU was asked for; nothing here runs on one.
    """
    if options.device != "cpu":
        raise BadInput(
            f"bench optimizer, device: expected cpu (deciding uses no GPU), got {options.device!r}"
        )
    rows = []
    for arms, goal in GOALS_MS.items():
        if not (options.quick and arms > 1_000):
            options.say(f"P(best) of {arms:,} arms")
            rows.append(best(arms, goal, options.repeats, problems=3 if arms <= 1_000 else 1))
    options.say("a night's plan")
    rows += nights(6, 50, 60, 12, 8, options.repeats)
    options.say(f"counts of {LOG_ROWS:,} rows")
    for arms, share in ((10, CLICK_RATE), (1_000, CLICK_RATE), (10, 0.5)):
        rows += log(LOG_ROWS, arms, share, options.repeats)
    options.say("assignments")
    rows.append(assignments(10, VISITORS, options.repeats))
    for name in peers.PEERS:
        options.say(f"beside {name}")
        for arms in (10, 100):
            rows += beside(name, arms, PEER_ROWS, PEER_DECISIONS, options.repeats)
    return rows


def best(arms: int, goal_ms: float, repeats: int, problems: int = 3, drawn: int = DRAWN) -> Row:
    """P(best) beside plain Monte Carlo of 1e-3: two of its standard errors, of the least certain arm."""
    asked = [best_arm.posteriors(arms, seed) for seed in range(problems)]
    draws = max(drawn // arms, 1)
    rng = np.random.default_rng(1)
    ours, plain = cpu_seconds(
        [
            lambda: [p_best_beta(*one) for one in asked],
            lambda: best_arm.monte_carlo(*asked[0], draws, rng),
        ],
        repeats,
    )
    ours /= problems
    found = [p_best_beta(*one) for one in asked]
    needed = float(np.mean([best_arm.draws_for(p, ACCURACY) for p in found]))
    plain *= needed / draws
    truth = [best_arm.oversampled(*one, PANELS) for one in asked]
    error = max(float(np.abs(p - true).max()) for p, (true, _) in zip(found, truth))
    off = max(abs(total - 1) for _, total in truth)
    met = ours * 1e3 <= goal_ms
    note = (
        f"goal {goal_ms:g} ms: {'met' if met else 'NOT met'}; error {error:.1e} against an oversampled quadrature of the "
        f"density (whose sum is off 1 by {off:.0e}); Monte Carlo to 2 se = {ACCURACY:g}: {needed:,.0f} draws, scaled from "
        f"{draws:,} timed ones by its 1/sqrt(n) law"
    )
    ok = plain / ours >= CHEAPER and error <= ACCURACY
    return Row(
        f"P(best), {arms:,} arms",
        ours * 1e3,
        "CPU-ms",
        plain * 1e3,
        plain / ours,
        f">= {CHEAPER:g}x",
        ok,
        note,
    )


def nights(segments: int, arms: int, days: int, life: int, ages: int, repeats: int) -> list[Row]:
    """A plan at both speeds from one history; `compared` and ratio of the fast one are the exact one's."""
    history, live = season(segments, arms, days, life, ages)

    def plan(speed: str) -> Any:
        settings = {"segments": names(segments), "kpi": "cpa", "max_live": 14, "speed": speed}
        return Optimizer(SPACE, settings).plan(history, live, [], [], DAY, np.random.default_rng(0))

    exact, fast = cpu_seconds([partial(plan, speed) for speed in NIGHTS], repeats)
    note = f"{history.num_rows:,} rows: {days} days, each restated up to {ages} times; {len(plan('exact').proposals)} ideas; {_threads()}"
    what = f"plan, {segments} segments, {segments * arms} creatives of history"
    return [
        Row(f"{what}, exact", exact, "CPU-s", target=f"<= {NIGHTS['exact']:g}", ok=exact <= NIGHTS["exact"], note=note),
        Row(
            f"{what}, fast", fast, "CPU-s", exact, exact / fast, f"<= {NIGHTS['fast']:g}", fast <= NIGHTS["fast"],
            "compared with the exact one",
        ),
    ]  # fmt: skip


def _threads() -> str:
    """How many threads the linear algebra was told to use."""
    told = {
        name: os.environ[name] for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS") if os.environ.get(name)
    }
    if told:
        return ", ".join(f"{name}={value}" for name, value in told.items())
    return "OMP_NUM_THREADS not set: set it to 1, as threads cost a plan more than they do"


def log(n: int, arms: int, share: float, repeats: int) -> list[Row]:
    """Impressions and clicks per arm of `n` logged rows, `share` of them clicks, beside one bincount that adds the clicks
    and one that reads no clicks at all. That last reading of the target is held to on logs of ads, where clicks are rare.
    """
    rng = np.random.default_rng(0)
    arm = rng.integers(0, arms, n)
    click = rng.random(n) < share
    ours, adds, counts = cpu_seconds(
        [
            lambda: count_log(arm, click, arms),
            lambda: np.bincount(arm, click, arms),
            lambda: np.bincount(arm, minlength=arms),
        ],
        repeats,
    )
    what = f"{n:,} rows to counts of {arms:,} arms, {share:.1%} clicks"
    target, wanted = f"<= {LOG_FACTOR:g}x of it", share <= CLICK_RATE
    return [
        Row(f"{what}, beside bincount of clicks", ours, "CPU-s", adds, adds / ours, target, ours <= LOG_FACTOR * adds,
            "ours gives impressions and clicks, that one clicks alone"),
        Row(f"{what}, beside bincount of rows", ours, "CPU-s", counts, counts / ours, target if wanted else "",
            ours <= LOG_FACTOR * counts if wanted else None,
            f"that one reads no clicks; ours takes {ours / counts:.2f}x of it"),
    ]  # fmt: skip


def assignments(arms: int, visitors: int, repeats: int) -> Row:
    """Weights once and then `visitors` draws, the weights' time included, beside numpy's own draw by the same weights."""
    asked = best_arm.posteriors(arms, 0)
    rng = np.random.default_rng(1)
    ours, plain, alone = cpu_seconds(
        [
            lambda: assign(p_best_beta(*asked), visitors, rng),
            lambda: rng.choice(arms, visitors, p=p_best_beta(*asked)),
            partial(assign, p_best_beta(*asked), visitors, rng),
        ],
        repeats,
    )
    return Row(
        f"weights once, then {visitors:,} assignments, {arms} arms", visitors / ours / 1e6, "M/s", visitors / plain / 1e6,
        plain / ours, f">= {A_SECOND / 1e6:g} M/s", visitors / ours >= A_SECOND,
        f"compared with Generator.choice; draws alone {visitors / alone / 1e6:.0f} M/s",
    )  # fmt: skip


def beside(name: str, arms: int, n: int, decisions: int, repeats: int) -> list[Row]:
    """Learning a log of `n` rows, and decisions, beside a peer; without it, ours and how to get it."""
    rng = np.random.default_rng(arms)
    arm = rng.integers(0, arms, n)
    click = rng.random(n) < CLICK_RATE * np.exp(rng.normal(0, best_arm.SD, arms))[arm]
    policy = registry.load("policies", "beta_thompson", where="bench optimizer")()

    def learn() -> Any:
        counts: ArmCounts = count_log(arm, click, arms)
        return policy.update(policy.init(arms), counts.successes, counts.n)

    known = learn()
    ways: list[Callable[[], Any]] = [learn, lambda: assign(policy.allocate(known, rng), VISITORS, rng)]
    there = peers.installed(name)
    peer = peers.PEERS[name](arm, click.astype(np.int64), arms, decisions) if there else None
    taken = cpu_seconds([*ways, peer.update, peer.decide] if peer else ways, repeats)
    note = f"{name} {version(name.lower())}" if peer else f"{name} is not installed: {peers.HOW_TO_GET}"
    learnt, decided = taken[0] * 1e3, VISITORS / taken[1]
    theirs = (taken[2] * 1e3, peer.decisions / taken[3]) if peer else None
    return [
        Row(
            f"update on {n:,} rows, {arms} arms, beside {name}", learnt, "CPU-ms", theirs and theirs[0],
            theirs and theirs[0] / learnt, note=note,
        ),
        Row(
            f"decisions, {arms} arms, beside {name}", decided, "1/s", theirs and theirs[1],
            theirs and decided / theirs[1], note=note,
        ),
    ]  # fmt: skip
