"""Grades of forecasts against hand-made cases, scipy's exact intervals, and forecasters whose quality is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from dco.errors import BadData
from dco.stats.grading import LEAST, bias, brier, coverage, reliability


def test_the_brier_score_is_the_mean_squared_error_and_its_reference_the_observed_frequency() -> None:
    found = brier([0.9, 0.2, 0.6, 0.1], [1, 0, 0, 1], ["a", "b", "c", "d"])
    assert found.score == pytest.approx((0.01 + 0.04 + 0.36 + 0.81) / 4)
    assert found.reference == pytest.approx(0.25)
    assert found.skill == pytest.approx(1 - found.score / 0.25)


def test_a_forecaster_who_knows_is_told_from_one_who_does_not() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=600)
    y = (rng.uniform(size=600) < p).astype(float)
    subject = [f"arm {i % 60}" for i in range(600)]
    assert brier(p, y, subject).low > 0
    assert brier(np.clip(1 - p, 0, 1), y, subject).high < 0
    honest = reliability(p, y)
    assert sum(r.low <= r.said <= r.high for r in honest) >= 4
    assert any(not r.low <= r.said <= r.high for r in reliability(p**3, y))


def test_repeating_a_forecast_makes_nobody_surer() -> None:
    """Ten copies of each subject's forecast leave the interval where it was."""
    rng = np.random.default_rng(1)
    said, came = rng.normal(size=30), rng.normal(0.3, 1.0, size=30)
    names = [f"arm {i}" for i in range(30)]
    once, often = bias(said, came, names), bias(np.tile(said, 10), np.tile(came, 10), names * 10)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert once.bias == pytest.approx(float((came - said).mean()))


def test_coverage_has_the_exact_binomial_interval_and_is_silent_on_few() -> None:
    found = coverage([0.0] * 50, [1.0] * 50, [0.5] * 41 + [2.0] * 9, 0.8)
    exact = binomtest(41, 50).proportion_ci(0.9, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.verdict == "as promised"
    assert coverage([0.0] * 50, [1.0] * 50, [0.5] * 25 + [2.0] * 25, 0.8).verdict == "too narrow"
    assert coverage([0.0] * 90, [1.0] * 90, [0.5] * 90, 0.8).verdict == "too wide"
    few = LEAST - 1
    assert coverage([0.0] * few, [1.0] * few, [2.0] * few, 0.8).verdict == "too few to tell"


def test_nothing_and_nonsense_are_refused() -> None:
    for said, came in (([], []), ([0.5], [1, 0]), ([float("nan")], [1])):
        with pytest.raises(BadData, match="grading"):
            brier(said, came, ["a"] * len(came))
