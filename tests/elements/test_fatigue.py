"""Wear of single creatives: calibrated against markets drawn from the prior, silent without evidence, apart from 'bad idea'."""

from __future__ import annotations

import numpy as np
import pytest

from dco.elements.alphabet import Alphabet
from dco.elements.fatigue import OWN, TOO_MUCH, USUAL, Fatigue, Wear, fatigue, wear_posterior
from dco.elements.model import Fit, History, fit

SPACE = {f"attribute {i}": tuple(f"option {i}{k}" for k in range(4)) for i in range(4)}


def world(
    seed: int, mean: float, spread: float, *, staggered: bool = True, traffic: int = 4_000
) -> tuple[Fit, np.ndarray, np.ndarray]:
    """A fit of 30 days with weekdays, a slow walk and scatter; the true wear and the age of every arm."""
    rng, days, arms = np.random.default_rng(seed), 30, 12
    alphabet = Alphabet.of(["one", "two", "three"], SPACE)
    segment, codes = np.repeat(np.arange(3), arms), rng.integers(0, 4, (3 * arms, 4))
    born = np.concatenate([np.zeros(4, int), rng.integers(1, days - 4, arms - 4)]) * staggered
    born = np.tile(np.sort(born), 3)
    wear = mean * (rng.gamma(1 / spread**2, spread**2, len(segment)) if spread else np.ones(len(segment)))
    weather = np.tile(rng.standard_normal((3, 7)) * 0.1, 5)[:, :days]
    weather = weather + np.cumsum(rng.standard_normal((3, days)) * 0.01, axis=1)
    rows, when = np.meshgrid(np.arange(len(segment)), np.arange(days), indexing="ij")
    arm, day = rows[when >= born[rows]], when[when >= born[rows]]
    own = np.log(0.012) + rng.standard_normal(len(segment)) * 0.2
    log_rate = own[arm] + weather[segment[arm], day] - wear[arm] * np.log1p((day - born[arm]) / 7)
    shown = rng.poisson(traffic, len(arm)).astype(float)
    clicks = rng.binomial(shown.astype(int), np.exp(log_rate + 0.08 * rng.standard_normal(len(arm)))).astype(
        float
    )
    none, unsaid = np.zeros(len(arm), dtype=np.int64), np.full(len(arm), np.nan)
    history = History(
        segment, codes, arm, day, none, shown, clicks, unsaid, unsaid, days - 1 - day, none, none, unsaid
    )
    return fit(history, alphabet), wear, days - born


def judged(model: Fit, wear: Wear) -> list[Fatigue]:
    arms = np.arange(len(model.history.segment))
    zero = np.zeros(len(arms))
    return fatigue(model, wear, arms, zero + 0.1, zero + 0.05, zero, zero + 1.0)


def test_80_percent_intervals_of_losses_and_dates_hold_the_truth_and_tired_is_hardly_ever_wrong() -> None:
    rng = np.random.default_rng(5)
    losses, dates, wrong, tired = [], [], 0, 0
    for seed in range(50):
        model, wear, age = world(
            seed, min(abs(rng.standard_cauchy()) * USUAL, 0.6), (0.58, 0.29, 0.0)[seed % 3]
        )
        truth = -np.expm1(-wear * np.log1p(age / 7))
        until = 7 * np.expm1(-np.log1p(-TOO_MUCH) / np.maximum(wear, 1e-9)) - age
        for one in judged(model, wear_posterior(model)):
            losses.append(one.loss_low <= truth[one.arm] <= one.loss_high)
            dates.append(one.days_low <= max(until[one.arm], 0.0) <= one.days_high)
            tired += one.verdict.startswith("tired")
            wrong += one.verdict.startswith("tired") and truth[one.arm] < 0.05
    assert 0.72 <= np.mean(losses) <= 0.92
    assert 0.72 <= np.mean(dates) <= 0.95
    assert tired > 50 and wrong / tired <= 0.05


def test_creatives_that_all_began_on_one_day_are_never_called_tired() -> None:
    """Their common decline may be the season's: the mean wear is believed no greater than it was beforehand."""
    model, _, _ = world(1, 0.3, 0.0, staggered=False)
    blank, _, _ = world(1, 0.3, 0.0, traffic=0)
    told, prior = wear_posterior(model), wear_posterior(blank)
    assert (np.cumsum(told.mean) > np.cumsum(prior.mean) - 0.01).all()
    assert {one.verdict for one in judged(model, told)} == {"cannot be told yet"}


def test_worn_creatives_of_a_worn_market_are_found_and_their_mean_with_them() -> None:
    model, _, age = world(2, 0.35, 0.0, traffic=40_000)
    found = wear_posterior(model)
    old = [one for one in judged(model, found) if age[one.arm] >= 20]
    assert sum(one.verdict == "tired" for one in old) > len(old) / 2
    assert found.weight[old[0].arm] @ OWN == pytest.approx(0.35, abs=0.12)
    assert all(one.days == 0.0 for one in old if one.loss > TOO_MUCH)


def test_never_good_is_not_tired() -> None:
    model, _, _ = world(3, 0.0, 0.0)
    arms = np.arange(3)
    zero = np.zeros(3)
    bad = fatigue(model, wear_posterior(model), arms, zero, zero, np.array([-0.3, 0.0, 0.3]), zero + 0.1)
    assert bad[0].verdict == "never good"
    assert "never good" not in [one.verdict for one in bad][1:]


def test_what_is_below_its_alternative_today_falls_at_once_and_a_great_lead_lasts_longer() -> None:
    model, _, _ = world(4, 0.3, 0.3, traffic=40_000)
    arms, zero = np.zeros(3, int), np.zeros(3)
    behind, near, far = fatigue(
        model, wear_posterior(model), arms, np.array([-0.5, 0.05, 0.4]), zero + 0.01, zero, zero + 1
    )
    assert behind.falls_days == 0.0 and behind.falls == pytest.approx(1.0)
    assert near.falls_days < far.falls_days
    assert near.falls_low <= near.falls_days <= near.falls_high
