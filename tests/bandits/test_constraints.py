"""Floors, holdout and steps hold for any input; the step's answer is the nearest by an independent solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dco.bandits.constraints import check, limit_step, reachable_lower, with_floor, with_holdout
from dco.errors import BadData


@st.composite
def shares(draw, least=1, most=9):
    raw = draw(st.lists(st.floats(0, 1), min_size=least, max_size=most))
    w = np.array(raw) + 1e-6
    w[draw(st.integers(0, len(w) - 1))] += draw(st.sampled_from([0.0, 1.0, 100.0]))
    return w / w.sum()


@given(shares(), st.floats(0, 1))
def test_floor_is_kept_and_shares_sum_to_one(w, part):
    floor = part / len(w)
    p = with_floor(w, floor)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert (p >= floor - 1e-12).all()
    assert (np.diff(p[np.argsort(w)]) >= -1e-12).all()


def test_a_floor_for_too_many_arms_names_the_largest_number():
    with pytest.raises(BadData, match="at most 4 arms"):
        with_floor(np.full(5, 0.2), 0.21)
    assert with_floor(np.full(5, 0.2), 0.2).tolist() == [0.2] * 5


@given(shares(2), st.floats(0, 0.9), st.data())
def test_holdout_is_an_equal_split_over_the_starting_arms(w, holdout, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(w), max_size=len(w))))
    mask[0] = True
    share, control = with_holdout(w, mask, holdout)
    assert share.sum() == pytest.approx(1)
    assert control.sum() == pytest.approx(holdout)
    assert len(set(control[mask].round(12))) == 1 and not control[~mask].any()
    check(share, holdout=holdout, control_share=control)


def test_a_holdout_without_starting_arms_is_refused():
    with pytest.raises(BadData, match="keep a starting arm live"):
        with_holdout([0.5, 0.5], [False, False], 0.1)


@settings(max_examples=100)
@given(st.data(), st.integers(2, 9), st.floats(0.02, 1))
def test_no_share_moves_further_than_the_step_and_the_floor_holds(data, k, step):
    floor = data.draw(st.floats(0, 1 / k))
    live = np.array(data.draw(st.lists(st.booleans(), min_size=k, max_size=k)))
    live[0] = True
    lower = np.where(live, min(floor, 1 / live.sum()), 0.0)
    target = np.zeros(k)
    target[live] = with_floor(data.draw(shares(int(live.sum()), int(live.sum()))), lower[0])
    previous = data.draw(shares(k, k)) * np.array(
        data.draw(st.lists(st.sampled_from([0, 1]), min_size=k, max_size=k))
    )
    new = limit_step(previous, target, step, lower)
    start = previous / previous.sum() if previous.sum() > 1e-9 else target
    assert new.sum() == pytest.approx(1, abs=1e-9)
    assert (new >= -1e-12).all()
    if previous.sum() > 1e-9:
        assert (np.abs(new - start) <= step + 1e-9).all()
        assert (new >= reachable_lower(previous, step, lower) - 1e-9).all()
    check(new, previous=previous, step=step)
    for _ in range(min(int(np.ceil(1 / step)) * k, 120)):
        new = limit_step(new, target, step, lower)
    assert new == pytest.approx(target, abs=1e-6), "steps lead to the target"


@settings(max_examples=25, deadline=None)
@given(shares(4, 4), shares(4, 4), st.floats(0.05, 0.5))
def test_the_step_is_the_nearest_point_by_an_independent_solver(previous, target, step):
    found = limit_step(previous, target, step)
    bounds = [(max(p - step, 0), min(p + step, 1)) for p in previous]
    other = minimize(
        lambda x: np.sum((x - target) ** 2),
        previous,
        jac=lambda x: 2 * (x - target),
        bounds=bounds,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(4)},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.sum((found - target) ** 2) <= other.fun + 1e-6


def test_new_arms_start_from_zero_and_retired_arms_leave_by_steps():
    new = limit_step([0.6, 0.4, 0.0], [0.0, 0.5, 0.5], 0.2)
    assert new == pytest.approx([0.4, 0.45, 0.15]) or new[0] == pytest.approx(0.4)
    assert new[2] <= 0.2 + 1e-12


def test_the_first_night_is_not_limited():
    assert limit_step([0, 0], [0.9, 0.1], 0.05).tolist() == [0.9, 0.1]


def test_an_arm_that_cannot_be_served_gives_its_traffic_to_the_rest():
    assert limit_step([0.3, 0.0], [0.5, 0.5], 0.1) == pytest.approx([0.9, 0.1])


def test_many_arrivals_share_what_one_step_can_give():
    previous = np.array([0.5, 0.5] + [0.0] * 8)
    lower = np.array([0.05] * 10)
    new = limit_step(previous, np.full(10, 0.1), 0.1, lower)
    assert new == pytest.approx([0.4, 0.4] + [0.025] * 8)
    check(new, floor=0.05, previous=previous, step=0.1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"shares": [0.7, 0.2]}, "sum to 1"),
        ({"shares": [1.2, -0.2]}, ">= 0"),
        ({"shares": [0.99, 0.01], "floor": 0.02, "arms": ["a", "b"]}, "shares, b: has share 0.01"),
        ({"shares": [0.5, 0.5], "holdout": 0.1, "control_share": [0.05, 0.04]}, "sum to the holdout"),
        ({"shares": [0.5, 0.5], "holdout": 0.1, "control_share": [0.06, 0.04]}, "equal split"),
        ({"shares": [0.98, 0.02], "holdout": 0.1, "control_share": [0.05, 0.05]}, "owes"),
        ({"shares": [0.5, 0.5], "previous": [0.9, 0.1], "step": 0.25}, "more than 0.25"),
        ({"shares": [float("nan"), 1.0]}, r"shares\[0\]"),
    ],
)
def test_the_proof_at_publish_names_what_is_broken(kwargs, message):
    with pytest.raises(BadData, match=message):
        check(kwargs.pop("shares"), **kwargs)
