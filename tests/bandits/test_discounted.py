"""What forgets, and what never does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.bandits.beliefs import Prior
from dco.bandits.policies.beta_thompson import Policy as Plain
from dco.bandits.policies.discounted_thompson import Policy
from dco.bandits.rebuild import rebuild
from dco.errors import BadData

nights = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(40, 500)), min_size=1, max_size=6
)


@given(rows=nights, order=st.randoms(use_true_random=False))
def test_a_count_weighs_half_for_every_half_life_in_whatever_order_days_are_told(rows, order):
    policy = Policy(half_life=10.0)
    today = max(day for day, _, _ in rows)
    expected_s = sum(s * 2 ** (-(today - day) / 10) for day, s, _ in rows)
    expected_n = sum(n * 2 ** (-(today - day) / 10) for day, _, n in rows)
    order.shuffle(rows)
    state = policy.init(1)
    for day, s, n in rows:
        state = policy.update(state, [s], [n], day=day)
    assert state.successes[0] == pytest.approx(expected_s)
    assert state.exposure[0] == pytest.approx(expected_n)


def test_two_tellings_of_one_day_equal_one_batch_and_of_two_days_do_not():
    policy = Policy(half_life=10.0)
    same = policy.update(policy.update(policy.init(2), [4, 1], [90, 80], day=3), [3, 2], [70, 60], day=3)
    assert same.successes.tolist() == [7, 3] and same.exposure.tolist() == [160, 140]
    later = policy.update(policy.update(policy.init(2), [4, 1], [90, 80], day=3), [3, 2], [70, 60], day=13)
    assert later.successes.tolist() == [5, 2.5] and later.exposure.tolist() == [115, 100]


def test_the_prior_never_fades():
    policy = Policy(half_life=5.0)
    prior = Prior(np.log([0.02, 0.01]), np.array([0.3, 0.3]))
    untold = policy.posterior(policy.init(2, prior))
    told = policy.update(policy.init(2, prior), [300, 10], [5000, 4000], day=0)
    aged = policy.update(told, [0, 0], [0, 0], day=400)
    assert np.array(policy.posterior(aged)) == pytest.approx(np.array(untold), rel=1e-6)


def test_without_forgetting_it_is_plain_thompson():
    policy, plain = Policy(half_life=np.inf), Plain()
    state = policy.update(
        policy.update(policy.init(2), [9, 4], [300, 300], day=1), [2, 8], [200, 200], day=80
    )
    flat = plain.update(plain.init(2), [11, 12], [500, 500])
    assert policy.allocate(state, None) == pytest.approx(plain.allocate(flat, None))


def test_a_turn_of_fortune_is_followed():
    """Arm 0 was better for 60 days and has been worse for 30."""
    days = np.arange(90.0)
    arm, day = np.tile([0, 1], 90), np.repeat(days, 2)
    n = np.full(180, 1000.0)
    s = np.where((arm == 0) == (day < 60), 13.0, 8.0)
    forgets = rebuild(Policy(half_life=10.0), 2, arm, day, s, n)
    keeps = rebuild(Plain(), 2, arm, day, s, n)
    assert Policy(half_life=10.0).allocate(forgets, None)[1] > 0.9
    assert Plain().allocate(keeps, None)[1] < 0.1


def test_an_impossible_half_life_or_day_is_refused():
    with pytest.raises(BadData, match="half_life"):
        Policy(half_life=0.0).update(Policy().init(1), [0], [1], day=1)
    with pytest.raises(BadData, match="day"):
        Policy().update(Policy().init(1), [0], [1], day=float("nan"))
