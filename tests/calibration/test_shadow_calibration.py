"""Shadow mode on simulated rotation: the interval holds what the engine's split would truly have earned."""

from __future__ import annotations

import numpy as np
import pytest

from dco.plan.shadow import arms_of, replay
from dco.plan.shadow_value import worth
from dco.records import PlanSettings
from dco.simulate.loop import FIRST_DAY
from tests.plan.shadow_market import SPACE, past, true_gain

SETTINGS = PlanSettings(segments=("all",), speed="fast", max_new=0)


@pytest.mark.parametrize(
    ("replays", "market"),
    [(200, {}), (60, {"creative_sd": 0.0, "buy_sd": 0.0})],
    ids=["creatives differ", "creatives are equal"],
)
def test_the_interval_holds_the_true_gain_of_the_shadow(replays: int, market: dict[str, float]) -> None:
    inside, error = [], []
    for seed in range(replays):
        of = past(10_000 + seed, nights=5, **market)
        nights = replay(
            of.history, arms_of(of.history), SPACE, SETTINGS, lambda d: np.random.default_rng(d.toordinal())
        )
        found = worth(of.history, nights, SETTINGS, window_days=14, read_on=FIRST_DAY)
        value = found.valued[0].value
        assert value is not None
        truth = true_gain(of, nights, found.arm_days)
        inside.append(value.low <= truth <= value.high)
        error.append(value.gain - truth)
    assert np.mean(inside) >= 0.92
    assert abs(np.mean(error)) < 4 * np.std(error) / np.sqrt(replays), "unbiased"
