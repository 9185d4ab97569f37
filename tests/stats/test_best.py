"""P(best) against closed forms, scipy's adaptive quadrature and large Monte Carlo runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.integrate import quad

from dco.errors import BadData
from dco.stats.best import (
    best_beta,
    best_gamma,
    best_normal,
    expected_loss_normal,
    p_best_beta,
    p_best_gamma,
    p_best_normal,
)

DRAWS = 100_000
MONTE_CARLO = 5 * 0.5 / np.sqrt(DRAWS)  # five standard errors of a share

positive = st.floats(0.05, 5000)


def beats_beta(a1, b1, a2, b2):
    """P(second beats first) for a whole number a2: the finite sum of Miller (2015)."""
    i = np.arange(int(a2))
    return np.exp(
        special.betaln(a1 + i, b1 + b2) - np.log(b2 + i) - special.betaln(1 + i, b2) - special.betaln(a1, b1)
    ).sum()


@given(positive, positive, st.integers(1, 400), positive)
@settings(deadline=None, max_examples=60)
def test_two_beta_arms_match_the_finite_sum(a1, b1, a2, b2):
    assert p_best_beta([a1, a2], [b1, b2])[1] == pytest.approx(beats_beta(a1, b1, a2, b2), abs=1e-3)


@given(positive, positive, positive, positive)
@settings(deadline=None, max_examples=60)
def test_two_gamma_arms_match_the_incomplete_beta_function(a1, r1, a2, r2):
    exact = special.betainc(a1, a2, r1 / (r1 + r2))  # X1 < X2 where X ~ Gamma(a)/r
    assert p_best_gamma([a1, a2], [r1, r2])[1] == pytest.approx(exact, abs=1e-3)


@given(st.floats(-5, 5), st.floats(0, 3), st.floats(-5, 5), st.floats(0.001, 3))
def test_two_normal_arms_match_the_normal_distribution(m1, s1, m2, s2):
    exact = stats.norm.cdf((m2 - m1) / np.hypot(s1, s2))
    assert p_best_normal([m1, m2], [s1, s2])[1] == pytest.approx(exact, abs=1e-3)
    gap, sd = m2 - m1, np.hypot(s1, s2)
    loss_of_first = sd * stats.norm.pdf(gap / sd) + gap * stats.norm.cdf(gap / sd)
    assert expected_loss_normal([m1, m2], [s1, s2])[0] == pytest.approx(loss_of_first, abs=2e-3 * sd + 1e-6)


def test_three_beta_arms_match_adaptive_quadrature():
    a, b = np.array([12.0, 15, 9]), np.array([800.0, 905, 450])
    exact = [
        quad(
            lambda x, k=k: (
                stats.beta.pdf(x, a[k], b[k])
                * np.prod([stats.beta.cdf(x, a[j], b[j]) for j in range(3) if j != k])
            ),
            0,
            0.08,
            epsabs=1e-9,
        )[0]
        for k in range(3)
    ]
    assert p_best_beta(a, b) == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "rate"),
    [
        ([1, 1000, 1050], [50, 1e5, 1e5]),  # a newcomer beside sharply known arms
        ([1, 2_000_000, 1000], [1, 1e8, 5e4]),  # sds a hundred-thousandfold apart
        ([0.01, 0.01, 3], [1, 1, 300]),
        ([0.1] * 50, [5] * 50),
    ],
)
def test_unlike_widths_match_monte_carlo(shape, rate):
    rng = np.random.default_rng(3)
    draws = np.stack([rng.gamma(a, 1 / r, DRAWS) for a, r in zip(shape, rate)])
    share = np.bincount(draws.argmax(axis=0), minlength=len(shape)) / DRAWS
    found = best_gamma(shape, rate)
    assert found.p == pytest.approx(share, abs=MONTE_CARLO)
    assert found.expected_max == pytest.approx(draws.max(axis=0).mean(), rel=0.02)


@pytest.mark.parametrize("seed", range(12))
def test_sharp_arms_beside_a_vague_one_match_a_grid_over_every_arm(seed):
    """The oracle puts 4,001 points over each arm, so that none can hide between two of them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    mean, sd = rng.standard_normal(n) * rng.choice([0.02, 0.1, 0.3]), np.exp(rng.uniform(np.log(0.003), 0, n))
    x = np.unique(mean[:, None] + sd[:, None] * np.linspace(-9, 9, 4001))
    f = special.ndtr((x - mean[:, None]) / sd[:, None])
    log_f = np.log(np.maximum(f, 1e-300))
    others = np.exp(log_f.sum(axis=0) - log_f)
    exact = ((others[:, 1:] + others[:, :-1]) / 2 * np.diff(f, axis=1)).sum(axis=1)
    np.testing.assert_allclose(p_best_normal(mean, sd), exact / exact.sum(), atol=2e-3)


def test_an_arm_that_hides_behind_a_coarse_grid_is_not_lost():
    shape, log_mean = np.array([62500, 40000, 62500, 100.0]), np.array([0, -0.012, -0.02, 0])
    draws = np.random.default_rng(1).gamma(shape, np.exp(log_mean) / shape, (400_000, 4)).argmax(axis=1)
    np.testing.assert_allclose(
        p_best_gamma(shape, shape / np.exp(log_mean)), np.bincount(draws, minlength=4) / len(draws), atol=3e-3
    )


def test_a_hundred_arms_match_monte_carlo():
    rng = np.random.default_rng(0)
    n = rng.integers(2_000, 50_000, 100)
    clicks = rng.binomial(n, rng.beta(120, 9_880, 100))
    draws = rng.beta(clicks + 1, n - clicks + 1, size=(DRAWS, 100))
    share = np.bincount(draws.argmax(axis=1), minlength=100) / DRAWS
    found = best_beta(clicks + 1, n - clicks + 1)
    assert found.p == pytest.approx(share, abs=MONTE_CARLO)
    assert found.expected_max == pytest.approx(draws.max(axis=1).mean(), rel=1e-3)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=12))
@settings(deadline=None, max_examples=80)
def test_shares_are_probabilities_and_follow_their_arms(arms):
    a, b = np.array(arms).T
    p = p_best_beta(a, b)
    assert p.sum() == pytest.approx(1, abs=1e-9) and (p >= 0).all()
    assert p_best_beta(a[::-1], b[::-1])[::-1] == pytest.approx(p, abs=1e-3)


def test_ties_share_equally_and_a_single_arm_has_all():
    assert p_best_beta([3] * 7, [100] * 7) == pytest.approx(np.full(7, 1 / 7))
    assert p_best_normal([5], [2]).tolist() == [1.0]
    assert p_best_normal([5], [0]).tolist() == [1.0]


def test_arms_known_exactly_are_handled():
    assert p_best_normal([0, 0, 1, 1], [0, 0, 0, 0]).tolist() == [0, 0, 0.5, 0.5]
    assert p_best_normal([0, 0.1], [0, 1]) == pytest.approx(
        [stats.norm.cdf(-0.1), stats.norm.cdf(0.1)], abs=1e-4
    )
    assert p_best_normal([9, 0], [0, 1]).tolist() == [1, 0]
    best = best_normal([0.0, 0.0], [0.0, 1.0])
    assert best.expected_max == pytest.approx(stats.norm.pdf(0), abs=1e-3)  # E max(0, Z)


def test_the_same_question_has_the_same_answer():
    assert (p_best_beta([5, 6, 7], [90, 90, 90]) == p_best_beta([5, 6, 7], [90, 90, 90])).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_impossible_posteriors_are_refused_by_place(bad):
    with pytest.raises(BadData, match=r"beta\[1\]: expected a positive number"):
        p_best_beta([1, 1], [1, bad])


def test_ten_thousand_arms_match_monte_carlo():
    rng = np.random.default_rng(1)
    n = rng.integers(2_000, 50_000, 10_000)
    clicks = rng.binomial(n, 0.012)
    p = p_best_beta(clicks + 1, n - clicks + 1)
    top = np.argsort(-p)[:400]  # the others' chances sum to less than one draw can see
    assert p[top].sum() > 0.999
    draws = rng.beta(clicks[top] + 1, n[top] - clicks[top] + 1, (4_000, 400)).argmax(axis=1)
    np.testing.assert_allclose(p[top], np.bincount(draws, minlength=400) / 4_000, atol=0.03)
