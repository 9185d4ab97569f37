"""Nothing there, not known yet, and something to find are three different answers."""

import numpy as np
import pytest
from scipy import integrate, stats

from dco.elements.evidence import USUAL_SD, Sums, p_equal, p_usual


def sums(seed: int, sd: float, clicks: float, arms: int = 16, segments: int = 3, phi: float = 1.0) -> Sums:
    """Arms of some expected clicks each, true log rates of an sd."""
    rng = np.random.default_rng(seed)
    segment = np.repeat(np.arange(segments), arms)
    rate = np.exp(sd * rng.standard_normal(len(segment)) - sd**2 / 2)
    y = phi * rng.poisson(clicks * rate / phi)
    arm = np.arange(len(segment))
    return Sums.of(segment, arm, y.astype(float), np.full(len(segment), clicks), phi, segments)


def test_before_any_data_both_are_as_likely() -> None:
    none = np.zeros(0)
    empty = Sums.of(np.zeros(0, int), np.zeros(0, int), none, none, 1.3, 1)
    assert p_usual(empty) == 0.5 and p_equal(empty) == 1.0
    assert p_usual(sums(0, 0.2, 0.01)) == pytest.approx(0.5, abs=0.1)


def test_much_data_on_equal_arms_speaks_against_differences() -> None:
    assert all(p_usual(sums(seed, 0.0, 300.0)) < 0.01 for seed in range(20))


def test_usual_differences_are_seen_by_both() -> None:
    for seed in range(20):
        found = sums(seed, 0.2, 300.0)
        assert p_usual(found) > 0.99 and p_equal(found) < 1e-4


def test_few_data_on_unequal_arms_are_not_nothing() -> None:
    """Where the p-value cannot tell, the probability stays open on average instead of falling."""
    found = [sums(seed, 0.2, 15.0) for seed in range(40)]
    assert np.median([p_equal(f) for f in found]) > 0.005
    assert np.mean([p_usual(f) for f in found]) > 0.6


def test_p_equal_is_uniform_where_all_are_equal() -> None:
    p = [p_equal(sums(seed, 0.0, 200.0, phi=1.9)) for seed in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_p_usual_agrees_with_numerical_integration() -> None:
    one = Sums(np.array([12.0, 30.0, 18.0]), np.array([20.0, 20.0, 20.0]), np.zeros(3, int), 1.0)
    none = np.prod(stats.poisson.pmf(one.events, one.equal))

    def chance(sd: float) -> float:
        a = 1 / np.expm1(sd**2)

        def density(r: float, y: float, mu: float) -> float:
            return float(stats.poisson.pmf(y, mu * r) * stats.gamma.pdf(r, a, scale=1 / a))

        each = [integrate.quad(density, 0, 8, args=pair)[0] for pair in zip(one.events, one.equal)]
        return float(np.prod(each))

    odds = np.mean([chance(sd) for sd in USUAL_SD]) / none
    assert p_usual(one) == pytest.approx(odds / (1 + odds), rel=1e-5)
