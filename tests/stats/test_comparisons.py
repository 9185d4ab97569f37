"""Each method's numbers against another route: statsmodels-like formulas by hand, scipy, brute force."""

import time

import numpy as np
import pytest
from scipy import stats

import dco
from dco.errors import BadData
from dco.stats.intervals import anytime_multiplier, beta_credible, gamma_credible, log_ratio, wilson
from dco.stats.two_way import fit, two_way

AB = {"arm": ["a", "b"], "n": [12_000, 9_000], "s": [240, 216]}


def test_log_ratio_is_katz_interval_by_hand():
    """Katz et al. (1978): the textbook interval of a risk ratio."""
    row = dco.compare(AB, baseline="a").row("b")
    ratio = (216 / 9000) / (240 / 12000)
    se = np.sqrt(1 / 216 - 1 / 9000 + 1 / 240 - 1 / 12000)
    assert row["lift"] == pytest.approx(ratio - 1)
    assert row["low"] == pytest.approx(ratio * np.exp(-1.959964 * se) - 1, abs=1e-6)
    assert row["high"] == pytest.approx(ratio * np.exp(1.959964 * se) - 1, abs=1e-6)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(np.log(ratio) / se))


def test_values_use_welch_on_their_own_variances():
    rng = np.random.default_rng(0)
    a, b = rng.gamma(2, 10, 4000), rng.gamma(2, 11, 3000)
    counts = {
        "arm": ["a", "b"],
        "n": [4000, 3000],
        "s": [a.sum(), b.sum()],
        "s2": [(a**2).sum(), (b**2).sum()],
    }
    row = dco.compare(counts, baseline="a").row("b")
    se = np.sqrt(a.var(ddof=1) / 4000 / a.mean() ** 2 + b.var(ddof=1) / 3000 / b.mean() ** 2)
    assert row["high"] - row["low"] == pytest.approx(
        2 * (b.mean() / a.mean()) * np.sinh(1.959964 * se), rel=1e-4
    )


def test_beta_binomial_matches_a_large_monte_carlo():
    rng, draws = np.random.default_rng(1), 400_000
    theta = np.stack([rng.beta(241, 11_761, draws), rng.beta(217, 8_785, draws)])
    row = dco.compare(AB, baseline="a", method="beta_binomial").row("b")
    assert row["p_beat"] == pytest.approx((theta[1] > theta[0]).mean(), abs=3e-3)
    assert row["p_best"] == pytest.approx((theta[1] > theta[0]).mean(), abs=3e-3)
    low, high = np.quantile(theta[1] / theta[0] - 1, [0.025, 0.975])
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=5e-3)
    loss = (theta.max(axis=0) - theta[1]).mean()
    assert row["expected_loss"] == pytest.approx(loss, rel=0.02)


def test_arms_of_very_unlike_size_keep_their_probability_exact():
    counts = {"arm": ["a", "b"], "n": [10_000_000, 40], "s": [200_000, 2]}
    row = dco.compare(counts, baseline="a", method="beta_binomial").row("b")
    assert row["p_beat"] == pytest.approx(
        stats.beta.sf(0.02, 3, 39), abs=2e-3
    )  # the baseline is all but known


def test_wilson_matches_scipy_and_knows_nothing_without_trials():
    low, high = wilson([7, 0, 30, 0], [50, 20, 30, 0])
    for k, (s, n) in enumerate([(7, 50), (0, 20), (30, 30)]):
        exact = stats.binomtest(s, n).proportion_ci(method="wilson")
        assert (low[k], high[k]) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert (low[3], high[3]) == (0, 1)


def test_credible_intervals_match_scipy():
    assert np.ravel(beta_credible(3, 40, 0.9)) == pytest.approx(stats.beta.ppf([0.05, 0.95], 3, 40))
    assert np.ravel(gamma_credible(3, 40, 0.9)) == pytest.approx(
        stats.gamma.ppf([0.05, 0.95], 3, scale=1 / 40)
    )


def test_a_lift_is_never_below_minus_one():
    _, low, high = log_ratio(0.001, 0.1, 9.0, 0.01, 1.96)
    assert -1 < low < high


def test_the_anytime_multiplier_holds_a_random_walk_at_every_look():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(4000, 30)), axis=1) / np.sqrt(np.arange(1, 31))
    bound = np.array([anytime_multiplier(t, 30) for t in range(1, 31)])
    assert (np.abs(walk) > bound).any(axis=1).mean() < 0.05
    assert (np.abs(walk) > 1.96).any(axis=1).mean() > 0.25, "a fixed interval does not"
    assert bound.argmin() > 20, "tightest near the planned end"


def test_the_two_way_fit_finds_base_and_factor():
    rng = np.random.default_rng(0)
    base, factor = np.exp(rng.normal(-3, 0.3, 20)), np.array([1, 0.8, 1.3])
    n = rng.uniform(1000, 9000, (20, 3)) * [1, 0.1, 3]
    r, f = fit(n, n * base[:, None] * factor)
    assert np.outer(r, f) == pytest.approx(base[:, None] * factor, rel=0.02)


@pytest.mark.parametrize("extra_sd", [0.0, 0.11, 0.3])
def test_the_extra_variance_is_found_again_whoever_has_the_traffic(extra_sd):
    rng, found = np.random.default_rng(0), []
    n = np.full((30, 3), 1.0) * [20_000, 1_500, 800]
    for _ in range(60):
        rate = 0.03 * np.exp(rng.normal(-(extra_sd**2) / 2, extra_sd, n.shape))
        found.append(two_way(n, rng.binomial(n.astype(int), rate)).extra)
    assert np.mean(found) == pytest.approx(extra_sd**2, abs=0.15 * extra_sd**2 + 2.5e-3)


def test_adaptive_lift_on_a_fixed_even_split_agrees_with_the_pooled_answer():
    rng = np.random.default_rng(4)
    n = np.full((20, 2), 5000)
    s = rng.binomial(n, [0.02, 0.024])
    log = {
        "arm": ["a", "b"] * 20,
        "batch": np.repeat(np.arange(20), 2),
        "n": n.ravel(),
        "s": s.ravel(),
        "propensity": [0.5] * 40,
    }
    pooled, weighted = (
        dco.compare(log, baseline="a", method=m).row("b") for m in ("log_ratio", "adaptive_lift")
    )
    assert weighted["lift"] == pytest.approx(pooled["lift"], abs=1e-3)
    assert (weighted["high"] - weighted["low"]) == pytest.approx(pooled["high"] - pooled["low"], rel=0.1)


def test_arms_that_enter_late_are_compared_where_both_were_live():
    log = {
        "arm": ["a", "b", "a", "b", "a", "b", "c", "a", "b", "c"],
        "batch": [0, 0, 1, 1, 2, 2, 2, 3, 3, 3],
        "n": [5000, 5000, 5000, 5000, 4000, 4000, 2000, 4000, 4000, 2000],
        "s": [100, 110, 90, 120, 80, 85, 60, 70, 90, 66],
        "propensity": [0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.2, 0.4, 0.4, 0.2],
    }
    result = dco.compare(log, baseline="a", method="adaptive_lift")
    assert result.row("c")["lift"] == pytest.approx(126 / 4000 / (150 / 8000) - 1, abs=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"propensity": [0.5, 0.4, 0.5, 0.5]},
            "batch 0: expected the arms' propensities to sum to 1, got 0.9",
        ),
        ({"propensity": [1.0, 0.0, 0.5, 0.5]}, "arm 'b', batch 0: 100 users but propensity 0"),
        ({"propensity": None}, "expected a column 'propensity'"),
        ({"batch": [0, 0, 0, 0]}, "has 1 batch"),
        ({"batch": [0, 0, 0, 0], "propensity": [0.5, 0.5, 0.4, 0.6]}, "has several in one batch"),
        ({"batch": None}, "has 1 batch"),
    ],
)
def test_logs_without_usable_propensities_are_refused(change, message):
    log = {
        "arm": ["a", "b"] * 2,
        "batch": [0, 0, 1, 1],
        "n": [100] * 4,
        "s": [5] * 4,
        "propensity": [0.5] * 4,
    }
    log = {k: v for k, v in (log | change).items() if v is not None}
    with pytest.raises(BadData, match=message):
        dco.compare(log, baseline="a", method="adaptive_lift")


def test_anytime_needs_the_planned_number_of_batches():
    log = {
        "arm": ["a", "b"] * 2,
        "batch": [0, 0, 1, 1],
        "n": [900] * 4,
        "s": [50] * 4,
        "propensity": [0.5] * 4,
    }
    with pytest.raises(BadData, match="planned"):
        dco.compare(log, baseline="a", method="adaptive_lift", anytime=True)
    fixed = dco.compare(log, baseline="a", method="adaptive_lift", overdispersion=False).row("b")
    always = dco.compare(log, baseline="a", method="adaptive_lift", anytime=True, planned=30).row("b")
    assert always["low"] < fixed["low"] and always["high"] > fixed["high"]


def test_a_thousand_comparisons_take_milliseconds():
    rng = np.random.default_rng(0)
    n = rng.integers(5_000, 50_000, 1000)
    counts = {
        "segment": [str(k // 200) for k in range(1000)],
        "arm": [str(k % 200) for k in range(1000)],
        "n": n,
        "s": rng.binomial(n, 0.02),
    }
    began = time.process_time()
    result = dco.compare(counts, baseline="0")
    assert time.process_time() - began < 0.25  # about 0.005 s; the bound only catches a change of order
    assert len(result.rows) == 1000
