"""Many rows at once against a brute-force integral of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from dco.bandits.many_splits import p_best_many


def brute_force(mean, sd):
    """Trapezoids on 20,001 even points."""
    x = np.linspace((mean - 6 * sd).max(), (mean + 6.5 * sd).max(), 20_001)
    f = special.ndtr((x - mean[:, None]) / sd[:, None])
    log_f = np.log(np.maximum(f, 1e-300))
    others = np.exp(log_f.sum(axis=0) - log_f)
    p = (np.diff(f, axis=1) * (others[:, 1:] + others[:, :-1]) / 2).sum(axis=1)
    return p / p.sum()


@given(seed=st.integers(0, 2**31), arms=st.integers(2, 12))
def test_rows_are_right_even_with_vague_arms_beside_sharp_ones(seed, arms):
    draw = np.random.default_rng(seed)
    sd = np.exp(draw.uniform(np.log(1e-3), np.log(0.3), arms))
    mean = draw.normal(0, 0.1, (3, arms))
    for row, one in zip(p_best_many(mean, sd), mean, strict=True):
        assert row == pytest.approx(brute_force(one, sd), abs=6e-3)


@given(seed=st.integers(0, 2**31), arms=st.integers(2, 12))
def test_rows_of_arms_known_alike_are_right_to_four_digits(seed, arms):
    draw = np.random.default_rng(seed)
    sd = draw.uniform(0.05, 0.15, arms)
    mean = draw.normal(0, 0.1, (3, arms))
    for row, one in zip(p_best_many(mean, sd), mean, strict=True):
        assert row == pytest.approx(brute_force(one, sd), abs=2e-4)


def test_two_sharp_arms_beside_a_vague_one_do_not_tie():
    mean, sd = np.array([0, -0.012, -0.02, 0.0]), np.array([0.004, 0.005, 0.004, 0.1])
    assert p_best_many(mean[None], sd)[0] == pytest.approx(brute_force(mean, sd), abs=1e-3)
