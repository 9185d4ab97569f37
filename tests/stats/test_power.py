"""Power before the fact: what counts will show, by simulation and by its own inverse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadData
from dco.stats.power import detectable_lift, events_to_tell

EVENTS = st.floats(5.0, 1e6)


@pytest.mark.parametrize(
    ("engine", "control", "level", "power"), [(9000, 1000, 0.90, 0.80), (900, 300, 0.95, 0.6)]
)
def test_counts_at_the_detectable_lift_are_found_as_often_as_said(
    engine: float, control: float, level: float, power: float
) -> None:
    lift = detectable_lift(engine, control, level=level, power=power)
    rng = np.random.default_rng(5)
    a, b = rng.poisson(engine * (1 + lift), 40_000), rng.poisson(control, 40_000)
    z = {0.90: 1.6449, 0.95: 1.96}[level]
    low = np.log(a / engine) - np.log(b / control) - z * np.sqrt(1 / a + 1 / b)
    assert (low > 0).mean() == pytest.approx(power, abs=0.04), (
        "the plan takes the variance without the lift: a bit strict"
    )


@given(EVENTS, EVENTS, st.floats(0, 0.1))
def test_more_events_show_less_and_days_set_a_bound(engine: float, control: float, extra: float) -> None:
    lift = detectable_lift(engine, control, extra=extra)
    assert 0 < detectable_lift(2 * engine, 2 * control, extra=extra) < lift
    assert detectable_lift(1e15, 1e15, extra=extra) == pytest.approx(
        math.expm1(2.486475 * math.sqrt(extra)), rel=1e-5, abs=1e-6
    )


@given(st.floats(0.01, 3.0))
def test_the_events_that_tell_a_lift_detect_just_that_lift(lift: float) -> None:
    n = events_to_tell(lift)
    assert detectable_lift(n, n) == pytest.approx(lift)


def test_without_events_nothing_shows_and_nonsense_is_refused() -> None:
    assert detectable_lift(0, 10) == math.inf
    assert detectable_lift(1e-9, 1e-9) == math.inf
    for wrong in (
        lambda: events_to_tell(0),
        lambda: detectable_lift(1, 1, power=0.2),
        lambda: detectable_lift(1, 1, spread=0),
    ):
        with pytest.raises(BadData):
            wrong()
