"""Learnt priors find again what simulated campaigns were drawn from."""

import numpy as np
import pytest
from scipy import stats

from dco.bandits.empirical_bayes import dispersion, fit_beta, fit_family
from dco.errors import BadData


def test_the_beta_prior_is_found_again():
    rng = np.random.default_rng(0)
    rate = rng.beta(20, 980, 3000)
    n = rng.integers(200, 5000, 3000)
    prior = fit_beta(rng.binomial(n, rate), n)
    assert prior.mean == pytest.approx(0.02, rel=0.02)
    assert prior.strength == pytest.approx(1000, rel=0.1)


def test_the_beta_prior_maximises_the_beta_binomial_likelihood():
    rng = np.random.default_rng(1)
    n = rng.integers(50, 900, 60)
    s = rng.binomial(n, rng.beta(4, 90, 60))
    prior = fit_beta(s, n)

    def likelihood(mean, strength):
        return stats.betabinom.logpmf(s, n, mean * strength, (1 - mean) * strength).sum()

    best = likelihood(*prior)
    for mean, strength in [(0.97, 1), (1.03, 1), (1, 0.9), (1, 1.1)]:
        assert likelihood(prior.mean * mean, prior.strength * strength) < best


@pytest.mark.parametrize("spread", [0.1, 0.2, 0.5])
def test_spread_and_base_are_found_again_without_the_plug_in_bias(spread):
    rng = np.random.default_rng(2)
    base = rng.normal(np.log(0.015), 0.45, 1500)
    v = np.expm1(spread**2)
    rate = rng.gamma(1 / v, v, (1500, 4)) * np.exp(base)[:, None]
    n = rng.uniform(2500, 3500, (1500, 4))
    family = fit_family(rng.poisson(rate * n), n)
    assert family.spread == pytest.approx(spread, abs=0.013)  # three standard errors at the smallest
    assert family.base_log_mean == pytest.approx(np.log(0.015), abs=0.06)
    assert family.base_log_sd == pytest.approx(0.45, abs=0.04)


def test_dispersion_is_found_again_and_never_below_one():
    rng = np.random.default_rng(3)
    n = np.full((5, 60), 4000.0)
    assert dispersion(rng.poisson(0.02 * n), n) == pytest.approx(1.0, abs=0.15)
    noisy = rng.poisson(0.02 * n * rng.gamma(40, 1 / 40, n.shape))  # var/mean = 1 + 80/40
    assert dispersion(noisy, n) == pytest.approx(3.0, rel=0.25)
    assert dispersion([[1, 2]], [[100, 100]]) == 1.0


def test_too_little_to_learn_from_is_refused():
    with pytest.raises(BadData, match="at least two arms"):
        fit_beta([1], [10])
    with pytest.raises(BadData, match="at least two campaigns"):
        fit_family([[1, 2]], [[10, 20]])
    with pytest.raises(BadData, match="at most"):
        fit_beta([5, 11], [10, 10])
