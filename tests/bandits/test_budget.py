"""Money of a night: how much, and to which segment and placement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dco.bandits.budget import pace, shrunk, square_root_split, whole, within_limits
from dco.errors import BadData

SURE = 1e-8


def test_what_is_left_is_spread_evenly_over_the_nights_that_are_left() -> None:
    assert pace(3000, 0, 0, 30).money == pytest.approx(100)
    assert pace(3000, 0, 600, 24, planned_nights=30).money == pytest.approx(100)


def test_underspending_is_caught_up_with_and_never_beyond_the_daily_budget() -> None:
    late = pace(3000, 150, 0, 25, planned_nights=30)
    assert late.money == pytest.approx(120)
    assert "500.00 behind an even pace" in late.why
    later = pace(3000, 150, 0, 10, planned_nights=30)
    assert later.money == 150 and "1,500.00 would stay unspent" in later.why


def test_overspending_is_paid_back_and_a_spent_budget_gives_nothing() -> None:
    fast = pace(3000, 150, 1500, 20, planned_nights=30)
    assert fast.money == pytest.approx(75) and "500.00 ahead of an even pace" in fast.why
    assert pace(3000, 150, 3100, 5).money == 0
    assert pace(0, 150, 900, 5).money == 150


@settings(max_examples=60, deadline=None)
@given(
    total=st.floats(100, 1e5), daily=st.floats(1, 1e4), nights=st.integers(1, 40),
    done=st.lists(st.floats(0.3, 1.0), min_size=40, max_size=40),
)  # fmt: skip
def test_a_flight_never_spends_more_than_its_total_or_its_daily_budget(
    total: float, daily: float, nights: int, done: list[float]
) -> None:
    spent = 0.0
    for t in range(nights):
        money = pace(total, daily, spent, nights - t).money
        assert 0 <= money <= daily + 1e-9
        spent += money * done[t]
    assert spent <= total * (1 + 1e-9)


def test_a_flight_without_a_night_is_refused() -> None:
    with pytest.raises(BadData, match="1 night or more"):
        pace(100, 10, 0, 0)


def test_the_split_earns_most_under_a_square_root_response() -> None:
    """The oracle maximises sum a sqrt(money) numerically; a is what present money and present value per money say."""
    present, value = np.array([0.5, 0.3, 0.2]), np.array([1.0, 1.6, 0.7])
    a = value * present / np.sqrt(present)
    best = minimize(
        lambda m: -(a * np.sqrt(m)).sum(), present, bounds=[(1e-6, 1)] * 3,
        constraints={"type": "eq", "fun": lambda m: m.sum() - 1}, tol=1e-12,
    )  # fmt: skip
    assert square_root_split(present, np.log(value), np.full(3, SURE)) == pytest.approx(best.x, abs=1e-4)


def test_the_resting_point_is_the_best_split_of_any_common_power_law() -> None:
    """Value = a money^b: nights that follow the rule, by steps of a tenth, end where marginal values are equal."""
    for b in (0.2, 0.5, 0.7):
        a, part = np.array([1.0, 1.3, 0.8]), np.full(3, 1 / 3)
        for _ in range(400):
            value = a * part**b / part
            target = square_root_split(part, np.log(value), np.full(3, SURE))
            part = within_limits(target, part, 0.1, np.ones(3, bool), ())
        marginal = a * b * part ** (b - 1)
        assert marginal == pytest.approx(np.full(3, marginal[0]), rel=2e-3)


def test_with_few_events_the_present_split_stays() -> None:
    present = np.array([0.6, 0.3, 0.1])
    noisy = np.log([5.5, 2.5, 1.5]) - np.log(present)
    assert square_root_split(present, noisy, 1 / np.array([5.5, 2.5, 1.5])) == pytest.approx(present)


def test_values_are_shrunk_by_as_much_as_noise_explains() -> None:
    """Among 4,000 cells of true sd .3 and noise .4, the shrunk value is the regression of truth on what was seen."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.3, 4000)
    seen = truth + rng.normal(0, 0.4, 4000)
    value, between = shrunk(seen, np.full(4000, 0.16))
    assert between == pytest.approx(0.09, rel=0.15)
    slope = np.polyfit(value, truth, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), n=st.integers(1, 5), step=st.sampled_from([0.05, 0.25, 1.0]))
def test_no_budget_moves_by_more_than_the_step_and_limits_are_kept_where_they_can_be(
    data: Any, n: int, step: float
) -> None:
    def parts() -> np.ndarray:
        got = np.array(data.draw(st.lists(st.integers(1, 100), min_size=n, max_size=n)), float)
        return got / got.sum()

    present, target = parts(), parts()
    movable = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    low = data.draw(st.integers(0, 60)) / 100
    part = within_limits(target, present, step, movable, [((0,), low, 1.0)])
    assert part.sum() == pytest.approx(1)
    assert (np.abs(part - present) <= np.where(movable, step * present, 0) + 1e-9).all()
    others = movable[1:].any() and movable[0]
    reach = present[0] + (
        min(step * present[0], float((step * present * movable)[1:].sum())) if others else 0
    )
    assert part[0] >= min(low, reach) - 1e-6


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.floats(0.001, 1), min_size=1, max_size=20), total=st.integers(0, 10**10))
def test_whole_micros_sum_to_the_whole(parts: list[float], total: int) -> None:
    share = np.array(parts) / sum(parts)
    found = whole(share, total)
    assert sum(found) == total and (np.abs(np.array(found) - share * total) < 1 + 1e-6 * total).all()
