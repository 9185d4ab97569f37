"""The headline study: runs small, tells the truth about its data, and its committed table is its own output."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dco.bandits.beliefs import Outlook
from dco.bandits.hierarchical import Family
from experiments.studies.headlines import __main__ as study
from experiments.studies.headlines import product, replay
from experiments.studies.headlines.data import Archive, draw_truth, load, truth

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "experiments" / "studies" / "headlines"
REAL = Path(os.environ.get("DCO_REAL_DATA", "")) / "upworthy_dev" / "packages.parquet"
real = pytest.mark.skipif(
    not (os.environ.get("DCO_REAL_DATA") and REAL.exists()), reason="DCO_REAL_DATA has no upworthy_dev"
)


def made_up(tests=300, seed=0):
    """Simulated tests with the archive's shape: base rates .015, arms .2 apart on the log scale."""
    rng = np.random.default_rng(seed)
    live = np.arange(6) < rng.integers(2, 7, tests)[:, None]
    n = np.where(live, rng.integers(2000, 4000, (tests, 6)), 0).astype(float)
    rate = np.exp(rng.normal(np.log(0.015), 0.4, tests))[:, None] * np.exp(rng.normal(0, 0.2, (tests, 6)))
    return Archive(
        n, rng.binomial(n.astype(int), rate).astype(float), live, np.full(tests, 201401)
    ), np.where(live, rate, 0)


def test_shrinking_brings_rates_nearer_to_the_truth_than_counting_does():
    tests, rates = made_up()
    found, strength = truth(tests)
    raw = tests.clicks / np.maximum(tests.impressions, 1)
    assert 600 < strength < 4000
    assert np.square(found - rates)[tests.live].mean() < 0.85 * np.square(raw - rates)[tests.live].mean()


def test_drawn_truths_have_the_spread_of_the_true_rates_and_the_mean_that_is_known():
    tests, rates = made_up()
    mean, strength = truth(tests)
    drawn = np.stack([draw_truth(tests, strength, seed) for seed in range(40)])
    live = tests.live
    np.testing.assert_array_equal(drawn[0], draw_truth(tests, strength, 0))
    assert (drawn[:, ~live] == 0).all() and (drawn[:, live] > 0).all()
    assert np.abs(drawn.mean(axis=0) - mean)[live].max() < 0.004

    def spread(r):
        """Root mean square over tests of the arms' relative standard deviation within a test."""
        return np.sqrt(np.mean([np.var(row[on]) / np.mean(row[on]) ** 2 for row, on in zip(r, live)]))

    assert spread(mean) < 0.9 * spread(rates)
    assert spread(drawn[0]) == pytest.approx(spread(rates), rel=0.15)


def test_the_two_halves_share_no_test_and_hold_all_of_them():
    tests, _ = made_up()
    half = study.halves(tests)
    assert set(half.tolist()) == {0, 1} and abs((half == 0).sum() - (half == 1).sum()) <= 1


def test_each_half_is_judged_with_what_the_other_half_taught(monkeypatch):
    tests, rates = made_up(40)
    tests = tests._replace(week=np.where(np.arange(40) < 30, 201410, 201330))  # the last ten: broken weeks
    half, seen = study.halves(tests), []
    real_rules = study.rules
    monkeypatch.setattr(study, "rules", lambda past: seen.append(past) or real_rules(past))
    study.earnings(tests, rates[None])
    for side, past in enumerate(seen):
        np.testing.assert_array_equal(past.clicks, tests.take((half != side) & ~tests.broken).clicks)


def test_the_engine_earns_more_than_plain_thompson_on_tests_it_never_saw():
    past, _ = made_up(seed=1)
    tests, rates = made_up(seed=2)
    rules = {
        "equal": replay.equal,
        "plain": replay.plain_thompson,
        "engine": replay.engine(replay.learn(past)),
    }
    earned = {k: replay.play(rule, tests, rates, 10, np.random.default_rng(0)) for k, rule in rules.items()}
    best = (tests.impressions.sum(axis=1) * rates.max(axis=1) - earned["equal"]).sum()
    share = {k: (v - earned["equal"]).sum() / best for k, v in earned.items()}
    assert share["engine"] > share["plain"] + 0.05


def test_the_replayed_policies_are_the_product_s_policies():
    from dco import registry

    rng = np.random.default_rng(0)
    n = rng.uniform(300, 900, (5, 4))
    s = np.floor(n * 0.02 * rng.uniform(0.7, 1.3, (5, 4)))
    n[0], s[0] = (
        n[0] * 20,
        np.floor(n[0] * 20 * np.array([0.03, 0.02, 0.015, 0.01])),
    )  # settled: the second is all that matters
    now = replay.Night(s, n, np.ones((5, 4), bool), 6, 10, np.full(5, 900.0), np.full(5, 2700.0))
    family = Family(np.log(0.015), 0.4, 0.2)
    outlook = Outlook(6, 900.0, 2700.0)
    for name, rule, options in [
        ("beta_thompson", replay.plain_thompson, {}),
        ("ab_then_commit", replay.ab_then_commit, {"nights": 5}),
        ("equal", replay.equal, {}),
        ("gamma_thompson", replay.gamma_thompson, {}),
        ("top_two_thompson", replay.top_two_thompson, {}),
        ("hierarchical_thompson", replay.engine(family), family._asdict()),
    ]:
        policy = registry.load("policies", name)(**options)
        for k, shares in enumerate(rule(now)):
            one = policy.allocate(policy.update(policy.init(4), s[k], n[k]), rng, outlook)
            assert shares == pytest.approx(one, abs=5e-3), name


def test_the_committed_table_says_what_the_committed_page_says():
    page = (STUDY / "RESULTS.md").read_text(encoding="utf-8")
    rows = list(csv.DictReader((STUDY / "results.csv").read_text(encoding="utf-8").splitlines()))
    for row in rows:
        assert f"| {row['policy']} | {float(row['share']):.3f} |" in page
    plans = {r["policy"]: float(r["share"]) for r in rows if "plan itself" in r["tests"]}
    for name in ("plan", "plan without guardrails"):
        assert plans[name] > plans[f"{name}, shares of plain Thompson"], (
            "the product does what the study claims"
        )
    ahead = {r["tests"]: r for r in rows if r["policy"] == "engine - plain Thompson"}
    sound = ahead.pop(study.SOUND)
    assert float(sound["share"]) - 2 * float(sound["se_tests"]) > 0.08
    both = [r for part, r in ahead.items() if "learnt on half" in part]
    assert len(both) == 2 and all(float(r["share"]) > 0.08 for r in both)
    assert sum(int(r["n_tests"]) for r in both) == int(sound["n_tests"])


def test_the_nightly_plan_earns_on_made_up_tests_what_no_equal_split_does():
    tests, rates = made_up(8, seed=3)
    earned = product.earnings(tests, rates, 6)
    equal = (tests.impressions.sum(axis=1) * rates.sum(axis=1) / tests.live.sum(axis=1)).sum()
    best = (tests.impressions.sum(axis=1) * rates.max(axis=1)).sum()
    assert set(earned) == set(product.PLANS)
    assert all(equal < values.sum() < best for values in earned.values())


@real
@pytest.mark.realdata
def test_the_archive_is_what_its_page_says():
    tests = load(REAL)
    assert tests.live.sum() == 11_417 and len(tests.week) == 2_471
    assert tests.impressions.sum() == 40_710_800 and tests.clicks.sum() == 619_330
    assert tests.broken.mean() == pytest.approx(0.22, abs=0.01)


@real
@pytest.mark.realdata
def test_the_command_runs_small(tmp_path):
    command = [
        sys.executable,
        "-m",
        "experiments.studies.headlines",
        "--seeds",
        "1",
        "--tests",
        "120",
        "--plan",
        "2",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a replay by simulation" in done.stdout.lower()
    assert (tmp_path / "RESULTS.md").exists() and (tmp_path / "results.csv").exists()
