"""Scatter of arm-days: both terms are found, and what is left after weighting is quasi-Poisson."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.elements.noise import Scatter, scatter


def counts(seed: int, phi: float, kappa: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Counts about expectations from 1 to 2,000, of variance phi mu + kappa mu^2."""
    rng = np.random.default_rng(seed)
    mu = np.exp(rng.uniform(0, np.log(2000), n))
    moved = mu * rng.gamma(1 / kappa, kappa, n) if kappa else mu
    if phi == 1:
        return rng.poisson(moved).astype(float), mu
    return rng.poisson(rng.gamma(moved / (phi - 1), phi - 1)).astype(float), mu


@pytest.mark.parametrize(("phi", "kappa"), [(1.0, 0.0), (1.0, 0.04), (2.0, 0.0), (1.9, 0.01)])
def test_both_terms_are_found(phi: float, kappa: float) -> None:
    found = scatter(*counts(1, phi, kappa), 0)
    assert found.phi == pytest.approx(phi, rel=0.1)
    assert found.kappa == pytest.approx(kappa, rel=0.15, abs=4e-4)


def test_a_loud_leader_does_not_drown_what_few_clicks_say() -> None:
    y, mu = counts(2, 1.0, 0.0064)
    found = scatter(y, mu, 0)
    assert found.phi < 1.1
    assert found.heard(np.array([10.0]))[0] > 0.9 and found.heard(np.array([2000.0]))[0] < 0.12


def test_weighted_cells_are_quasi_poisson() -> None:
    y, mu = counts(3, 1.9, 0.02)
    found = scatter(y, mu, 0)
    weight = found.heard(mu)
    for low, high in ((1, 10), (10, 100), (100, 2000)):
        at = (mu >= low) & (mu < high)
        ratio = (weight[at] ** 2 * (y[at] - mu[at]) ** 2).sum() / (weight[at] * mu[at]).sum()
        assert ratio == pytest.approx(found.phi, rel=0.12)


def test_without_data_scatter_is_the_doubt() -> None:
    assert scatter(np.zeros(0), np.zeros(0), 0) == Scatter(1.3, 0.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.floats(0.6, 1e5))
def test_any_history_gives_finite_scatter_of_at_least_poisson(seed: int, n: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    mu = rng.uniform(0, most, n)
    found = scatter(rng.poisson(mu * rng.choice([0.0, 1.0, 5.0], n)).astype(float), mu, n // 3)
    assert 1 <= found.phi <= 10 and 0 <= found.kappa <= 0.25
