"""python -m experiments.studies.headlines [--seeds N] [--tests N] [--plan N]: replays the tests, writes RESULTS.md, results.csv."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.studies.headlines import product, replay
from experiments.studies.headlines.data import Archive, draw_truth, load, source, truth

HERE = Path(__file__).parent
NIGHTS = 10
COLUMNS = ("share", "se_seeds", "se_tests")
SOUND, BROKEN_WEEKS = "outside the broken weeks", "broken weeks 201325-201401"
DIRECTION = "outside the broken weeks, learnt on half {learnt}, judged on half {judged}"
AGAINST = ("plain Thompson", "gamma Thompson", "top-two Thompson", "engine, no outlook", "engine, greedy")
PLAN = "the nightly plan itself, on some of the sound tests"
POLICIES = {
    "equal split": "`equal`, each arm the same share, for ever",
    "A/B then commit": "`ab_then_commit`, equal split for 5 nights, then the best observed rate takes all",
    "plain Thompson": "`beta_thompson`, Beta(1,1), nightly batches, shares P(best)",
    "gamma Thompson": "`gamma_thompson`, one click's worth of prior at the test's pooled rate, shares P(best)",
    "top-two Thompson": "`top_two_thompson`, Beta(1,1), half to the first of a draw and half to the second; it is made for "
    "declaring winners, not for earning",
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
        "gamma Thompson": replay.gamma_thompson,
        "top-two Thompson": replay.top_two_thompson,
        "engine, no outlook": replay.thompson_with_prior(family),
        "engine, greedy": replay.greedy_with_prior(family),
        "engine": replay.engine(family),
    }


class Scale(NamedTuple):
    """What is at stake, float[seed, test] expected clicks: the equal split's, and what the clairvoyant earns beyond it."""

    equal: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, tests: Archive, rates: np.ndarray) -> Scale:
        """From rates float[seed, test, arm]."""
        traffic = tests.impressions.sum(axis=1)
        equal = traffic * rates.sum(axis=2) / tests.live.sum(axis=1)
        return cls(equal, traffic * rates.max(axis=2) - equal)

    def take(self, which: np.ndarray) -> Scale:
        return Scale(self.equal[:, which], self.gap[:, which])


def halves(tests: Archive) -> np.ndarray:
    """int[test]: 0 or 1, drawn once; no test is in both."""
    return np.random.default_rng(2013).permutation(len(tests.week)) % 2


def earnings(tests: Archive, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Policy -> expected clicks float[seed, test] under truths float[seed, test, arm]. The prior judged on one half is learnt
    on the other half of the sound tests; the broken weeks teach nothing and are judged with the prior of the half they are
    not in."""
    half = halves(tests)
    arms = tests.live.sum(axis=1)
    earned = {name: np.zeros(rates.shape[:2]) for name in POLICIES}
    for side in (0, 1):
        learnt = rules(tests.take((half != side) & ~tests.broken))
        for width in np.unique(arms):  # tests of equal width replay together without padding
            judged = np.flatnonzero((half == side) & (arms == width))
            some = tests.take(judged).narrow(int(width))
            for name, rule in learnt.items():
                for seed, truth_ in enumerate(rates):
                    rng = np.random.default_rng((seed, side, int(width)))
                    earned[name][seed, judged] = replay.play(rule, some, truth_[judged, :width], NIGHTS, rng)
    return earned


def score(gain: np.ndarray, gap: np.ndarray) -> dict[str, float]:
    """Share of the oracle's gain, traffic-weighted: sum(gain) / sum(gap) of float[seed, test], with errors."""
    per_seed = gain.sum(axis=1) / gap.sum(axis=1)
    n = gap.shape[1]
    draw = np.random.default_rng(0).integers(0, n, (2000, n))
    boot = gain.mean(axis=0)[draw].sum(axis=1) / gap.mean(axis=0)[draw].sum(axis=1)
    errors = float(per_seed.std(ddof=1) / np.sqrt(len(per_seed))) if len(per_seed) > 1 else float("nan")
    return {"share": float(per_seed.mean()), "se_seeds": errors, "se_tests": float(boot.std(ddof=1))}


def table(earned: dict[str, np.ndarray], tests: Archive, scale: Scale) -> list[dict[str, object]]:
    half = halves(tests)
    parts = {SOUND: (~tests.broken, tuple(POLICIES), AGAINST)}
    for side in (0, 1):
        name = DIRECTION.format(learnt=2 - side, judged=1 + side)
        parts[name] = (~tests.broken & (half == side), ("plain Thompson", "engine"), AGAINST[:1])
    parts[BROKEN_WEEKS] = (tests.broken, tuple(POLICIES), AGAINST)
    rows: list[dict[str, object]] = []
    for part, (which, shown, against) in parts.items():
        if not which.any():
            continue
        at, head = scale.take(which), {"tests": part, "n_tests": int(which.sum())}
        for name in shown:
            rows.append(head | {"policy": name} | score(earned[name][:, which] - at.equal, at.gap))
        for other in against:
            # Paired by seed and test: both met the same truth.
            gain = (earned["engine"] - earned[other])[:, which]
            rows.append(head | {"policy": f"engine - {other}"} | score(gain, at.gap))
    return rows


def plan_table(tests: Archive, rates: np.ndarray, n: int) -> list[dict[str, object]]:
    """The product's nightly plan on `n` sound tests, drawn once, beside plain Thompson's shares under the same rules."""
    which = np.sort(np.random.default_rng(77).permutation(np.flatnonzero(~tests.broken))[:n])
    some, true = tests.take(which), rates[which]
    earned, at = product.earnings(some, true, NIGHTS), Scale.of(some, true[None])
    part = {"tests": PLAN, "n_tests": len(which)}
    rows: list[dict[str, object]] = [
        {**part, "policy": name, **score(values - at.equal, at.gap)} for name, values in earned.items()
    ]
    for name in ("plan", "plan without guardrails"):
        other = f"{name}, shares of plain Thompson"
        gain = score(earned[name] - earned[other], at.gap)
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
        f"their traffic are real (Upworthy Research Archive, CC BY 4.0). In each of the {seeds} replays every package's true rate is",
        f"drawn from its empirical-Bayes posterior (prior strength {strength:.0f} impressions), the same for all policies, and its clicks",
        f"from that rate; {NIGHTS} nights per test, decided once a night, without overdispersion or drift. The engine's prior is learnt",
        "on one half of the sound tests and judged on the other half, both ways; no test is in both.",
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
    strength = truth(tests)[1]
    rates = np.stack([draw_truth(tests, strength, seed) for seed in range(given.seeds)])
    if given.tests:
        which = np.sort(np.random.default_rng(1).permutation(len(tests.week))[: given.tests])
        tests, rates = tests.take(which), rates[:, which]
    rows = table(earnings(tests, rates), tests, Scale.of(tests, rates))
    if given.plan:
        rows += plan_table(tests, rates[0], given.plan)
    report = text(rows, given.seeds, strength)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "RESULTS.md").write_text(report, encoding="utf-8")
    with (given.out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: number(v, 8) if k in COLUMNS else v for k, v in r.items()} for r in rows)
    print(report)
    print(
        f"{time.process_time() - began:.0f} s of CPU; written to {given.out.name}/RESULTS.md and results.csv"
    )


if __name__ == "__main__":
    main()
