"""What places are worth: against numerical integration, and one after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dco.plan.places import batch, kept, worlds


def test_worlds_have_the_posterior_s_moments() -> None:
    mean, cov = np.array([0.0, -0.2, -0.1]), np.array([[0.04, 0.02, 0], [0.02, 0.05, 0], [0, 0, 0.01]])
    found = np.log(worlds(mean, cov, np.random.default_rng(0), 20_000))
    assert found.mean(axis=0) == pytest.approx(mean, abs=1e-12)  # antithetic
    assert np.cov(found.T) == pytest.approx(cov, abs=2e-3)


def test_the_gain_of_one_idea_is_its_expected_improvement() -> None:
    """Black and Scholes' formula for the better of two correlated lognormals (Margrabe 1978)."""
    mean, cov = np.array([0.0, -0.15]), np.array([[0.01, 0.004], [0.004, 0.04]])
    values = worlds(mean, cov, np.random.default_rng(1), 200_000)
    ((_, gain),) = batch(values[:, :1], values[:, 1:], 1)
    sd = np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    forward = mean + np.diag(cov) / 2
    d = (forward[1] - forward[0]) / sd + sd / 2
    exact = np.exp(forward[1]) * stats.norm.cdf(d) - np.exp(forward[0]) * stats.norm.cdf(d - sd)
    assert gain == pytest.approx(exact, rel=0.02)


def test_an_idea_like_one_chosen_adds_little() -> None:
    mean = np.array([0.0, -0.1, -0.1, -0.12])
    cov = np.diag([0.0001, 0.04, 0.04, 0.04])
    cov[1, 2] = cov[2, 1] = 0.0399  # twins
    values = worlds(mean, cov, np.random.default_rng(2))
    chosen = batch(values[:, :1], values[:, 1:], 3)
    assert chosen[1][0] == 2  # not the twin
    assert chosen[2][1] < 0.1 * chosen[0][1]


def test_the_unlikely_to_be_approved_come_later() -> None:
    values = worlds(np.array([0.0, -0.1, -0.12]), np.diag([0.0001, 0.04, 0.04]), np.random.default_rng(3))
    first = [batch(values[:, :1], values[:, 1:], 1, chance)[0][0] for chance in (None, np.array([0.2, 0.9]))]
    assert first == [0, 1]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 8), st.integers(1, 6))
def test_gains_fall_and_add_up_to_the_best_of_all(seed: int, k: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((k + m, k + m)) * 0.1
    values = worlds(rng.standard_normal(k + m) * 0.2, root @ root.T, rng, 64)
    chosen = batch(values[:, :k], values[:, k:], m)
    gains = [g for _, g in chosen]
    assert gains == sorted(gains, reverse=True)
    whole = values.max(axis=1).mean() - values[:, :k].max(axis=1).mean()
    assert sum(gains) == pytest.approx(whole, abs=1e-12)
    for i, lost in enumerate(kept(values)):
        others = np.delete(values, i, axis=1)
        assert lost == pytest.approx((values.max(axis=1) - others.max(axis=1)).mean(), abs=1e-12)
