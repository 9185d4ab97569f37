"""Hierarchical beliefs against brute-force integration; look-ahead against what it must do at both ends."""

import numpy as np
import pytest
from scipy import stats

from dco.bandits.beliefs import Outlook, Prior
from dco.bandits.hierarchical import Family, base_rate, shares_of_many
from dco.bandits.look_ahead import look_ahead
from dco.bandits.policies.hierarchical_thompson import Policy
from dco.stats.best import p_best_beta, p_best_gamma
from dco.stats.best_rows import best_normal_rows, p_best_beta_rows, p_best_gamma_rows

RNG = np.random.default_rng


def test_the_base_rate_is_the_mode_of_the_integrated_likelihood():
    s, n, family = np.array([12.0, 30, 7]), np.array([900.0, 1500, 800]), Family(np.log(0.02), 0.5, 0.3)
    shape = 1 / np.expm1(0.3**2)
    eta = np.linspace(np.log(0.005), np.log(0.05), 20_001)
    log_p = stats.norm.logpdf(eta, family.base_log_mean, family.base_log_sd)
    for k in range(3):
        log_p += stats.nbinom.logpmf(s[k], shape, shape / (shape + np.exp(eta) * n[k]))
    found = base_rate(s, n, np.ones(3, bool), family)
    assert found.log_rate == pytest.approx(eta[log_p.argmax()], abs=1e-3)
    weight = np.exp(log_p - log_p.max())
    mean = (weight * eta).sum() / weight.sum()
    sd = np.sqrt((weight * (eta - mean) ** 2).sum() / weight.sum())
    assert found.log_sd == pytest.approx(sd, rel=0.1)


def test_arms_shrink_to_their_campaign_and_the_interval_holds_the_truth_as_often_as_it_says():
    rng, policy, inside, total = RNG(3), Policy(spread=0.3, base_log_mean=np.log(0.02), base_log_sd=0.5), 0, 0
    for _ in range(400):
        base = rng.normal(np.log(0.02), 0.5)
        truth = rng.gamma(1 / np.expm1(0.09), np.exp(base) * np.expm1(0.09), 5)
        n = rng.integers(0, 2_000, 5)
        _, low, high = policy.posterior(policy.update(policy.init(5), rng.poisson(truth * n), n))
        inside, total = inside + ((low < truth) & (truth < high)).sum(), total + 5
    assert inside / total == pytest.approx(0.90, abs=0.025)


def test_the_policy_and_the_vectorised_replay_are_one_rule():
    rng = RNG(0)
    s, n = rng.poisson(20, (30, 4)).astype(float), rng.uniform(800, 1200, (30, 4))
    family = Family(np.log(0.02), 0.4, 0.2)
    many = shares_of_many(s, n, np.ones((30, 4), bool), family, np.full(30, 2000.0), np.full(30, 9000.0))
    policy = Policy(*family)
    for k in range(30):
        one = policy.allocate(policy.update(policy.init(4), s[k], n[k]), RNG(), Outlook(2, 2000.0, 9000.0))
        assert many[k] == pytest.approx(one, abs=5e-3)


def test_counts_twice_as_noisy_teach_half_as_much():
    plain, noisy = Policy(), Policy(dispersion=2.0)
    state = plain.update(plain.init(2), [100, 140], [9000, 9000])
    half = plain.update(plain.init(2), [50, 70], [4500, 4500])
    assert noisy.allocate(state, RNG()) == pytest.approx(plain.allocate(half, RNG()))


def test_an_element_prior_leads_until_counts_say_otherwise():
    policy = Policy()
    state = policy.init(2, Prior([np.log(0.02), np.log(0.01)], [0.3, 0.3]))
    assert policy.allocate(state, RNG())[0] > 0.9
    against = policy.update(state, [100, 400], [20_000, 20_000])
    assert policy.allocate(against, RNG())[1] > 0.99


def test_the_last_night_is_greedy_and_a_long_future_explores():
    shape, rate = np.array([24.0, 30, 27]), np.array([1000.0, 1200, 1100])
    p = p_best_gamma(shape, rate)
    assert look_ahead(p, shape, rate, 1000.0, 0.0).tolist() == [0, 1, 0]
    explore = look_ahead(p, shape, rate, 1000.0, 1e6)
    assert explore.min() > 0.1


def test_rows_agree_with_the_accurate_quadrature():
    rng = RNG(1)
    a, b = rng.uniform(5, 60, (20, 5)), rng.uniform(1000, 3000, (20, 5))
    live = np.ones((20, 5), bool)
    live[:, 4] = rng.random(20) < 0.5
    beta, gamma = p_best_beta_rows(a, b, live), p_best_gamma_rows(a, b, live)
    for k in range(20):
        on = live[k]
        assert beta[k, on] == pytest.approx(p_best_beta(a[k, on], b[k, on]), abs=2e-3)
        assert gamma[k, on] == pytest.approx(p_best_gamma(a[k, on], b[k, on]), abs=2e-3)
        assert not gamma[k, ~on].any()
    _, most = best_normal_rows(np.zeros((1, 2)), np.ones((1, 2)), np.ones((1, 2), bool))
    assert most[0] == pytest.approx(1 / np.sqrt(np.pi), abs=1e-3)
