"""python -m experiments.studies.headlines [--seeds N] [--tests N] [--plan N]: replays the tests, writes RESULTS.md, results.csv."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from experiments.studies.headlines import product, replay
from experiments.studies.headlines.data import Archive, load, source, truth

HERE = Path(__file__).parent
NIGHTS = 10
COLUMNS = ("share", "se_seeds", "se_tests")
PLAN = "the nightly plan itself, on some of the sound tests"
POLICIES = {
    "equal split": "each arm the same share, for ever",
    "A/B then commit": "equal split for 5 nights, then the best observed rate takes all",
    "plain Thompson": "Beta(1,1), nightly batches, shares P(best)",
    "engine, no outlook": "learnt hierarchical prior, shares P(best)",
    "engine, greedy": "learnt hierarchical prior, all to the greatest posterior mean",
    "engine": "`hierarchical_thompson`: learnt prior and the look-ahead of the nightly plan over the nights left",
}


def rules(past: Archive) -> dict[str, replay.Rule]:
    family = replay.learn(past)
    return {
        "equal split": replay.equal,
        "A/B then commit": replay.ab_then_commit,
        "plain Thompson": replay.plain_thompson,
        "engine, no outlook": replay.thompson_with_prior(family),
        "engine, greedy": replay.greedy_with_prior(family),
        "engine": replay.engine(family),
    }


def earnings(tests: Archive, rates: np.ndarray, seeds: int) -> dict[str, np.ndarray]:
    """Policy -> expected clicks float[seed, test]. The prior judged on one half is learnt on the other half of the
    sound tests; the broken weeks teach nothing and are judged with the prior of the half they are not in."""
    half = np.random.default_rng(2013).permutation(len(tests.week)) % 2
    arms = tests.live.sum(axis=1)
    earned = {name: np.zeros((seeds, len(half))) for name in POLICIES}
    for side in (0, 1):
        learnt = rules(tests.take((half != side) & ~tests.broken))
        for width in np.unique(arms):  # tests of equal width replay together without padding
            judged = np.flatnonzero((half == side) & (arms == width))
            some, true = tests.take(judged).narrow(int(width)), rates[judged, :width]
            for name, rule in learnt.items():
                for seed in range(seeds):
                    rng = np.random.default_rng((seed, side, int(width)))
                    earned[name][seed, judged] = replay.play(rule, some, true, NIGHTS, rng)
    return earned


def score(earned: np.ndarray, tests: Archive, rates: np.ndarray) -> dict[str, float]:
    """Share of the oracle's gain, traffic-weighted: sum(V - V_equal) / sum(V_oracle - V_equal), with errors."""
    traffic = tests.impressions.sum(axis=1)
    equal = traffic * rates.sum(axis=1) / tests.live.sum(axis=1)
    gap = traffic * rates.max(axis=1) - equal
    gain = earned - equal
    per_seed = gain.sum(axis=1) / gap.sum()
    draw = np.random.default_rng(0).integers(0, len(gap), (2000, len(gap)))
    boot = gain.mean(axis=0)[draw].sum(axis=1) / gap[draw].sum(axis=1)
    return {
        "share": float(per_seed.mean()),
        "se_seeds": float(per_seed.std(ddof=1) / np.sqrt(len(per_seed)))
        if len(per_seed) > 1
        else float("nan"),
        "se_tests": float(boot.std(ddof=1)),
    }


def table(earned: dict[str, np.ndarray], tests: Archive, rates: np.ndarray) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for part, which in (
        ("outside the broken weeks", ~tests.broken),
        ("broken weeks 201325-201401", tests.broken),
    ):
        if not which.any():
            continue
        some, true = tests.take(which), rates[which]
        for name, values in earned.items():
            rows.append(
                {
                    "tests": part,
                    "n_tests": int(which.sum()),
                    "policy": name,
                    **score(values[:, which], some, true),
                }
            )
        for other in ("plain Thompson", "engine, no outlook", "engine, greedy"):
            # Differences are paired: the errors of both are shared, so V_equal is replaced by the other policy.
            gap = (
                score(earned["engine"][:, which], some, true)["share"]
                - score(earned[other][:, which], some, true)["share"]
            )
            rows.append(
                {
                    "tests": part,
                    "n_tests": int(which.sum()),
                    "policy": f"engine - {other}",
                    **paired(earned, other, which, tests, rates),
                    "share": gap,
                }
            )
    return rows


def paired(
    earned: dict[str, np.ndarray], other: str, which: np.ndarray, tests: Archive, rates: np.ndarray
) -> dict[str, float]:
    some, true = tests.take(which), rates[which]
    equal = some.impressions.sum(axis=1) * true.sum(axis=1) / some.live.sum(axis=1)
    return score(equal + earned["engine"][:, which] - earned[other][:, which], some, true)


def plan_table(tests: Archive, rates: np.ndarray, n: int) -> list[dict[str, object]]:
    """The product's nightly plan on `n` sound tests, drawn once, beside plain Thompson's shares under the same rules."""
    which = np.sort(np.random.default_rng(77).permutation(np.flatnonzero(~tests.broken))[:n])
    some, true = tests.take(which), rates[which]
    earned = product.earnings(some, true, NIGHTS)
    part = {"tests": PLAN, "n_tests": len(which)}
    rows: list[dict[str, object]] = [
        {**part, "policy": name, **score(values, some, true)} for name, values in earned.items()
    ]
    equal = some.impressions.sum(axis=1) * true.sum(axis=1) / some.live.sum(axis=1)
    for name in ("plan", "plan without guardrails"):
        other = f"{name}, shares of plain Thompson"
        gain = score(equal + earned[name] - earned[other], some, true)
        rows.append({**part, "policy": f"{name} - {other}", **gain})
    return rows


def number(value: object, digits: int) -> str:
    """A number as printed; nothing where it could not be computed (an error over seeds from one seed)."""
    return f"{value:.{digits}f}" if not (isinstance(value, float) and np.isnan(value)) else ""


def text(rows: list[dict[str, object]], seeds: int, strength: float) -> str:
    lines = [
        "# Real headline tests, replayed by simulation",
        "",
        f"Written by `python -m experiments.studies.headlines --seeds {seeds}`. A replay by simulation: the tests, their arms and",
        "their traffic are real (Upworthy Research Archive, CC BY 4.0); the clicks are drawn from each package's",
        f"empirical-Bayes rate (prior strength {strength:.0f} impressions), {NIGHTS} nights per test, without overdispersion or drift.",
        "The engine's prior is learnt on one half of the sound tests and judged on the other half, both ways.",
        "",
        "Share of the oracle's gain over equal split, (V - V_equal) / (V_oracle - V_equal), traffic-weighted over tests.",
    ]
    for part in dict.fromkeys(r["tests"] for r in rows):
        some = [r for r in rows if r["tests"] == part]
        lines += [
            "",
            f"## {part} ({some[0]['n_tests']} tests)",
            "",
            "| policy | share | se over seeds | se over tests |",
            "|---|---|---|---|",
        ]
        lines += [f"| {r['policy']} | {' | '.join(number(r[c], 3) for c in COLUMNS)} |" for r in some]
        if part == PLAN:
            lines += [
                "",
                "One replay of each test through `Optimizer.plan`, with the product's own prior (nothing learnt from other",
                'tests) and its default guardrails (floor, holdout, step), or without them; "shares of plain Thompson" is the',
                "same plan with the policy `beta_thompson`. The errors over tests hold the clicks' chance too.",
            ]
    lines += ["", "Policies: " + "; ".join(f"**{k}**: {v}" for k, v in POLICIES.items()) + ".", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.studies.headlines", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="replays per policy (default 10)")
    parser.add_argument("--tests", type=int, default=0, help="only so many tests, drawn once (default: all)")
    parser.add_argument(
        "--plan", type=int, default=120, help="tests for the nightly plan itself (default 120)"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="folder for RESULTS.md and results.csv")
    given = parser.parse_args()
    began = time.process_time()
    tests = load(source())
    rates, strength = truth(tests)
    if given.tests:
        which = np.sort(np.random.default_rng(1).permutation(len(rates))[: given.tests])
        tests, rates = tests.take(which), rates[which]
    rows = table(earnings(tests, rates, given.seeds), tests, rates)
    if given.plan:
        rows += plan_table(tests, rates, given.plan)
    report = text(rows, given.seeds, strength)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "RESULTS.md").write_text(report, encoding="utf-8")
    with (given.out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: number(v, 5) if k in COLUMNS else v for k, v in r.items()} for r in rows)
    print(report)
    print(
        f"{time.process_time() - began:.0f} s of CPU; written to {given.out.name}/RESULTS.md and results.csv"
    )


if __name__ == "__main__":
    main()
