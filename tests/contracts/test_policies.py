"""What every bandit policy promises, run over every policy file found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import registry
from dco.bandits.beliefs import Features, Outlook, Prior, add_arms, drop_arms, warm_start
from dco.bandits.rebuild import rebuild
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
    assert set(POLICIES) >= {
        "equal", "ab_then_commit", "beta_thompson", "gamma_thompson", "hierarchical_thompson",
        "discounted_thompson", "top_two_thompson", "lin_thompson", "logistic_thompson", "contextual_thompson",
    }  # fmt: skip


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


@pytest.mark.parametrize("name", [n for n in POLICIES if n not in ("equal", "top_two_thompson")])
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


POOLING = {"lin_thompson", "logistic_thompson", "contextual_thompson"}
"""They learn about one arm from others of like features."""

options = st.integers(0, 2**31).map(
    lambda seed: np.random.default_rng(seed).integers(0, 2, (8, 5)).astype(float)
)


@pytest.mark.parametrize("name", POLICIES)
@given(data=counts, table=options, segments=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_shares_sum_to_one_in_every_segment_whatever_the_features(name, data, table, segments):
    policy = registry.load("policies", name)()
    arms = len(data[0])
    segment = np.arange(arms) % segments
    state = policy.init(arms, None, Features(table[:arms], segment))
    shares = policy.allocate(policy.update(state, *data), rng())
    assert np.isfinite(shares).all() and (shares >= 0).all()
    assert np.bincount(segment, shares) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", POLICIES)
def test_arms_with_features_in_another_order_get_the_same_shares(name):
    policy = registry.load("policies", name)()
    s, n, order = np.array([30, 9, 17, 22.0]), np.array([900, 700, 800, 600.0]), [2, 0, 3, 1]
    x = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0.0]])

    def shares(k):
        state = policy.update(policy.init(4, None, Features(x[k])), s[k], n[k])
        return policy.allocate(state, rng())

    assert shares(order) == pytest.approx(shares(np.arange(4))[order], abs=1e-6)


@pytest.mark.parametrize("name", POLICIES)
@given(data=counts, more=st.integers(1, 200), pick=st.integers(0, 7))
@settings(max_examples=15, deadline=None)
def test_more_successes_never_cost_an_arm_its_share(name, data, more, pick):
    if name == "top_two_thompson":
        return  # a leader's share tends to one half, from either side: see test_top_two
    policy = registry.load("policies", name)()
    (s, n), k = data, pick % len(data[0])
    better = s.copy()
    better[k] = min(s[k] + more, n[k])
    before, after = (policy.allocate(policy.update(policy.init(len(n)), v, n), rng())[k] for v in (s, better))
    assert after >= before - 2e-3


@pytest.mark.parametrize("name", [n for n in POLICIES if n != "gamma_thompson"])
def test_more_clicks_than_impressions_are_refused_by_arm_and_number(name):
    policy = registry.load("policies", name)()
    with pytest.raises(BadData, match=r"successes\[1\]: expected at most the exposure 5.0, got 6.0"):
        policy.update(policy.init(2), [1, 6], [5, 5])
    with pytest.raises(BadData, match=r"day 3, successes\[0\]"):
        rebuild(policy, 1, [0], [3], [6], [5])


def test_only_the_policy_for_rates_of_money_takes_more_successes_than_exposure():
    policy = registry.load("policies", "gamma_thompson")()
    state = policy.update(policy.init(2), [8.5, 3.0], [2, 2])
    assert policy.allocate(state, rng())[0] > 0.8


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize(
    "s, n",
    [
        ([0, 0, 0], [0, 0, 0]),
        ([0, 0, 0], [10**9, 10**9, 0]),
        ([10**9, 10**9, 10**9], [10**9, 10**9, 10**9]),
        ([0, 10**8, 3], [10**9, 10**9, 3]),
        ([0, 0, 1], [1, 10**7, 1]),
    ],
)
def test_no_data_however_unkind_give_anything_but_numbers(name, s, n):
    policy = registry.load("policies", name)()
    for features in (None, Features([[1, 0], [1, 0], [0, 1]])):
        state = policy.update(policy.init(3, None, features), s, n)
        shares = policy.allocate(state, rng())
        assert np.isfinite(shares).all() and shares.sum() == pytest.approx(1, abs=1e-9)
        assert np.isfinite(policy.posterior(state)).all()


@pytest.mark.parametrize("name", POLICIES)
def test_a_dropped_arm_has_no_share_and_others_share_as_if_it_were_not_there(name):
    policy = registry.load("policies", name)()
    s, n = np.array([30, 9, 17, 22.0]), np.array([900, 700, 800, 600.0])
    state = drop_arms(policy.update(policy.init(4), s, n), [3])
    shares = policy.allocate(state, rng())
    assert shares[3] == 0 and shares.sum() == pytest.approx(1)
    without = policy.allocate(policy.update(policy.init(3), s[:3], n[:3]), rng())
    # Arms that share a base rate go on learning it from a dropped arm's counts.
    tolerance = 0.1 if name in {"hierarchical_thompson", "gamma_thompson"} | POOLING else 1e-12
    assert shares[:3] == pytest.approx(without, abs=tolerance)
    late = policy.update(state, [0, 0, 0, 2], [0, 0, 0, 50])
    assert policy.allocate(late, rng())[3] == 0
    with pytest.raises(BadData, match="at least one arm to stay"):
        drop_arms(state, [0, 1, 2])


@pytest.mark.parametrize("name", POLICIES)
def test_an_arm_may_come_later(name):
    policy = registry.load("policies", name)()
    old = policy.update(policy.init(2), [30, 9], [900, 700])
    grown = policy.update(add_arms(old, 1), [0, 0, 17], [0, 0, 800])
    at_once = policy.update(policy.init(3), [30, 9, 17], [900, 700, 800])
    assert policy.allocate(grown, rng()) == pytest.approx(policy.allocate(at_once, rng()))


@pytest.mark.parametrize("name", POLICIES)
def test_rows_in_any_order_rebuild_the_same_night(name):
    policy = registry.load("policies", name)()
    arm, day = np.array([0, 1, 0, 1, 0]), np.array([5, 5, 6, 6, 6.0])
    s, n, other = np.array([3, 1, 4, 2, 1.0]), np.array([90, 80, 95, 85, 5.0]), [4, 2, 0, 3, 1]
    one = rebuild(policy, 2, arm, day, s, n, today=9)
    two = rebuild(policy, 2, arm[other], day[other], s[other], n[other], today=9)
    assert policy.allocate(one, rng()) == pytest.approx(policy.allocate(two, rng()), abs=1e-12)
    if name != "discounted_thompson":
        flat = policy.update(policy.init(2), [8, 3], [190, 165])
        assert policy.allocate(one, rng()) == pytest.approx(policy.allocate(flat, rng()), abs=1e-12)
    with pytest.raises(BadData, match="day: expected numbers of at most 4"):
        rebuild(policy, 2, arm, day, s, n, today=4)


@pytest.mark.parametrize("name", POLICIES)
def test_another_campaign_warms_the_start(name):
    policy = registry.load("policies", name)()
    first = policy.update(policy.init(3), [400, 600, 500], [20_000] * 3)
    prior = warm_start(policy, first, 2)
    mean, _, _ = policy.posterior(policy.init(2, prior))
    assert np.isfinite(mean).all() and mean[0] == pytest.approx(mean[1])
    wider = warm_start(policy, first, 2, between=0.3)
    assert (np.asarray(wider.log_sd) > np.asarray(prior.log_sd)).all()


@pytest.mark.parametrize("name", POLICIES)
def test_features_that_fit_no_arm_are_refused(name):
    policy = registry.load("policies", name)()
    for features, place in [
        (Features([[1.0]]), "options"),
        (Features([[1.0], [np.nan]]), "options"),
        (Features([[1.0], [0.0]], [0, -1]), "segment"),
        (Features([[1.0], [0.0]], [0, 3], [[1.0], [0.0]]), "context"),
    ]:
        with pytest.raises(BadData, match=f"features, {place}"):
            policy.init(2, None, features)


@pytest.mark.parametrize("name", sorted(set(POLICIES) - POOLING))
def test_features_are_kept_unread_by_who_has_no_use_for_them(name):
    policy = registry.load("policies", name)()
    plain = policy.update(policy.init(3), [5, 9, 7], [400, 500, 450])
    given = policy.update(policy.init(3, None, Features(np.eye(3))), [5, 9, 7], [400, 500, 450])
    assert (policy.allocate(plain, rng()) == policy.allocate(given, rng())).all()
