"""How long a judgement takes, and how many are going on."""

import numpy as np
import pytest
from scipy.optimize import brentq

from dco.plan.trials import Trials, under_trial


def test_one_stage_takes_as_many_days_as_say_what_the_prior_says() -> None:
    """The variance halves when the data's information equals the prior's."""
    assert Trials(np.array([50.0])).days_to_judge(np.array([0.04])) == pytest.approx(0.5, rel=1e-6)


def test_two_stages_are_judged_together() -> None:
    """The root of the halving, by another method."""
    information, v = np.array([400.0, 10.0]), np.array([0.03, 0.05])

    def gap(days: float) -> float:
        return float((v / (1 + days * information * v)).sum() - v.sum() / 2)

    assert Trials(information).days_to_judge(v) == pytest.approx(brentq(gap, 1e-6, 1e3), rel=1e-6)


def test_without_traffic_a_judgement_takes_longer_than_any_flight() -> None:
    assert Trials(np.array([0.0])).days_to_judge(np.array([0.04])) > 9_999


def test_arms_count_by_what_is_left_to_find_out() -> None:
    now = np.array([0.04, 0.03, 0.02, 0.001, 0.05])
    p = np.array([0.3, 0.3, 0.3, 0.3, 0.3])
    assert under_trial(now, 0.04, p) == pytest.approx(1 + 0.5 + 0 + 0 + 1)
    assert under_trial(now, 0.04, np.where(np.arange(5) == 0, 0.001, p)) == pytest.approx(
        1.5
    )  # nobody serves it
