"""What every bandit policy promises, run over every policy file found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import registry
from dco.bandits.beliefs import Outlook, Prior
from dco.errors import BadData

POLICIES = registry.names("policies")


def rng():
    return np.random.default_rng(7)


counts = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20_000)), min_size=1, max_size=8).map(
    lambda rows: (
        np.array([min(s, n) for s, n in rows], float),
        np.array([n for _, n in rows], float),
    )
)


def test_the_policies_promised_are_there():
    assert {"equal", "ab_then_commit", "beta_thompson", "gamma_thompson", "hierarchical_thompson"} <= set(
        POLICIES
    )


@pytest.mark.parametrize("name", POLICIES)
@given(
    data=counts, outlook=st.sampled_from([None, Outlook(), Outlook(3, 500.0, 2000.0), Outlook(9, 500.0, 0.0)])
)
@settings(max_examples=25, deadline=None)
def test_shares_are_shares_whatever_the_counts(name, data, outlook):
    policy = registry.load("policies", name)()
    state = policy.update(policy.init(len(data[0])), *data)
    shares = policy.allocate(state, rng(), outlook)
    assert shares.shape == data[0].shape
    assert (shares >= 0).all() and shares.sum() == pytest.approx(1, abs=1e-9)
    mean, low, high = policy.posterior(state)
    assert np.isfinite([mean, low, high]).all()
    assert (low >= 0).all() and (low <= high).all()
    assert (low <= mean * (1 + 1e-9)).all() or data[0].min() < 1, (
        "the mean of a skewed belief may lie outside"
    )


@pytest.mark.parametrize("name", POLICIES)
def test_looking_changes_nothing(name):
    policy = registry.load("policies", name)()
    state = policy.update(policy.init(3), [5, 9, 7], [400, 500, 450])
    first = policy.allocate(state, rng())
    assert (policy.allocate(state, rng()) == first).all()
    assert policy == registry.load("policies", name)()


@pytest.mark.parametrize("name", POLICIES)
def test_two_nights_equal_one_batch(name):
    policy = registry.load("policies", name)()
    two = policy.update(policy.update(policy.init(3), [1, 2, 3], [90, 80, 70]), [4, 4, 4], [300, 200, 100])
    one = policy.update(policy.init(3), [5, 6, 7], [390, 280, 170])
    assert policy.allocate(two, rng()) == pytest.approx(policy.allocate(one, rng()))


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_known_is_an_equal_split(name):
    policy = registry.load("policies", name)()
    assert policy.allocate(policy.init(4), rng()) == pytest.approx(np.full(4, 0.25))
    assert policy.allocate(policy.init(4), rng(), Outlook(0, 100.0, 900.0)) == pytest.approx(np.full(4, 0.25))


@pytest.mark.parametrize("name", POLICIES)
def test_one_arm_has_everything(name):
    policy = registry.load("policies", name)()
    assert policy.allocate(policy.update(policy.init(1), [3], [200]), rng()).tolist() == [1.0]


@pytest.mark.parametrize("name", POLICIES)
def test_arms_in_another_order_get_the_same_shares(name):
    policy = registry.load("policies", name)()
    s, n, order = np.array([30, 9, 17, 22.0]), np.array([900, 700, 800, 600.0]), [2, 0, 3, 1]
    there = policy.allocate(policy.update(policy.init(4), s, n), rng())
    back = policy.allocate(policy.update(policy.init(4), s[order], n[order]), rng())
    assert back == pytest.approx(there[order], abs=1e-6)


@pytest.mark.parametrize("name", [n for n in POLICIES if n != "equal"])
def test_an_arm_far_ahead_gets_nearly_all(name):
    policy = registry.load("policies", name)()
    state = policy.update(policy.init(3), [2000, 4000, 2000], [100_000] * 3)
    assert policy.allocate(state, rng())[1] > 0.99


@pytest.mark.parametrize("name", POLICIES)
def test_a_prior_is_taken_and_an_impossible_one_refused(name):
    policy = registry.load("policies", name)()
    state = policy.init(2, Prior([np.log(0.02), np.log(0.01)], [0.1, 0.1]))
    mean, _, _ = policy.posterior(state)
    assert mean == pytest.approx(np.exp(np.log([0.02, 0.01]) + 0.005), rel=0.02)
    with pytest.raises(BadData, match="log_sd"):
        policy.init(2, Prior(0.0, -1.0))


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("s, n", [([-1, 2], [5, 5]), ([1, 2], [5, float("nan")]), ([1], [5])])
def test_impossible_counts_are_refused_by_place(name, s, n):
    policy = registry.load("policies", name)()
    with pytest.raises(BadData, match=r"successes|exposure"):
        policy.update(policy.init(2), s, n)
