"""What an order is worth under heavy tails: the stage against dense algebra, against revenue per click, and its intervals."""

from __future__ import annotations

import numpy as np
import pytest

from dco.elements.alphabet import Alphabet
from dco.elements.model import FitSettings, History, fit
from dco.elements.orders import fit_order_value, order_noise

SPACE = {f"attribute {i}": tuple("abcde") for i in range(4)}


def order_values(rng: np.random.Generator, n: int) -> np.ndarray:
    """Mean 1, a lognormal body of sigma 1 and a Pareto tail of index 2.1 one time in ten."""
    body = 0.8 * rng.lognormal(-0.5, 1.0, n)
    tail = 2.8 * (1 + rng.pareto(2.1, n)) * 1.1 / 2.1
    return np.where(rng.random(n) < 0.1, tail, body)


def sums(rng: np.random.Generator, orders: np.ndarray) -> np.ndarray:
    cell = np.repeat(np.arange(len(orders)), orders.astype(int))
    return np.bincount(cell, order_values(rng, len(cell)), len(orders))


def made(
    seed: int, *, value_sd: float = 0.15, arms: int = 40, days: int = 25
) -> tuple[Alphabet, History, np.ndarray]:
    """A history of one segment and the true log value per click of every arm (CTR alike in all, CVR by option)."""
    rng = np.random.default_rng(seed)
    alphabet = Alphabet.of(("all",), SPACE)
    codes = rng.integers(0, 5, (arms, 4))
    x = alphabet.design(codes)
    x[:, 0] = 0
    buy = x @ rng.standard_normal(alphabet.width) * 0.06
    value = x @ rng.standard_normal(alphabet.width) * value_sd / 2
    arm = np.repeat(np.arange(arms), days)
    n = np.full(len(arm), 3_000.0)
    clicks = rng.binomial(3_000, 0.015, len(arm)).astype(float)
    orders = rng.binomial(clicks.astype(int), 0.06 * np.exp(buy[arm])).astype(float)
    revenue = sums(rng, orders) * 60 * np.exp(value[arm])
    zero = np.zeros(len(arm), np.int64)
    age = np.full(len(arm), 30)
    history = History(
        np.zeros(arms, int), codes, arm, np.tile(np.arange(days), arms), zero, n, clicks, orders, revenue, age,
        np.arange(len(arm)), age, orders,
    )  # fmt: skip
    return alphabet, history, buy + value


def test_the_value_of_arms_is_estimated_better_than_from_revenue_per_click() -> None:
    errors: dict[bool, list[float]] = {False: [], True: []}
    for seed in range(8):
        alphabet, history, truth = made(seed)
        for split, kept in errors.items():
            found = fit(history, alphabet, FitSettings(stages=("clicks", "revenue"), order_value=split))
            kept.append(float(np.std(found.arm_posterior(np.arange(len(truth)))[0] - truth)))
    assert np.mean(errors[True]) < 0.96 * np.mean(errors[False])


def test_intervals_of_order_values_cover_as_they_say() -> None:
    """Differences of new genomes' order values: 90 % intervals over 8 markets."""
    inside = []
    for seed in range(8):
        alphabet, history, truth = made(seed, arms=30)
        found = fit(history, alphabet, FitSettings(stages=("clicks", "revenue"), order_value=True))
        mean, cov = found.moments(0, history.codes, np.arange(len(truth)))
        gap = mean - mean[0] - truth + truth[0]
        sd = np.sqrt(np.diag(cov) + cov[0, 0] - 2 * cov[0])
        inside.append(np.abs(gap[1:]) < 1.645 * sd[1:])
    assert 0.83 <= np.mean(inside) <= 0.98


def test_noise_by_number_of_orders_is_that_of_simulated_sums() -> None:
    rng = np.random.default_rng(0)
    orders = rng.choice([1.0, 2.0, 6.0, 30.0], 8_000)
    bias, variance, single = order_noise(orders, np.log(sums(rng, orders) / orders))
    for k in (1, 2, 6, 30):
        truth = np.log(sums(rng, np.full(4_000, float(k))) / k)
        here = orders == k
        assert bias[here].mean() - truth.mean() == pytest.approx(0, abs=0.04)
        assert variance[here].mean() == pytest.approx(truth.var(), rel=0.2)
    assert single == pytest.approx(np.log(order_values(rng, 4_000)).var(), rel=0.2)


def test_the_stage_is_a_normal_regression_of_the_logarithms() -> None:
    """One cell per arm, unlike numbers of orders: weights and means by the dense formula."""
    rng = np.random.default_rng(3)
    alphabet = Alphabet.of(("s", "t"), {"scene": ("x", "y", "z")})
    segment, codes = np.repeat([0, 1], 15), rng.integers(0, 3, (30, 1))
    orders = rng.integers(1, 40, 30).astype(float)
    revenue = sums(rng, orders)
    found = fit_order_value(
        alphabet,
        segment,
        codes,
        np.arange(30),
        orders,
        revenue,
        np.ones(30),
        n_groups=1,
        spread=1.3,
        learn=False,
    )
    bias, variance, _ = order_noise(orders, np.log(revenue / orders))
    r = np.clip(np.log(revenue / orders) - bias, -3.5 * np.sqrt(variance), 3.5 * np.sqrt(variance))
    x, v = alphabet.design(codes), found.variances
    k = (x * v.common(4)) @ x.T + (segment[:, None] == segment) * ((x * v.deviation(4)) @ x.T)
    mean = (k + v.arm * np.eye(30)) @ np.linalg.solve(k + np.diag(v.arm + variance), r)
    ours = [found.means(s, codes[segment == s], np.flatnonzero(segment == s)) for s in (0, 1)]
    np.testing.assert_allclose(np.concatenate(ours), mean, atol=1e-9)
    assert (orders * np.exp(mean + found.level)).sum() == pytest.approx(orders.sum())


def test_equal_order_values_are_not_told_apart_and_unequal_ones_are() -> None:
    p = []
    for seed in range(6):
        alphabet, history, _ = made(seed, value_sd=0.0, arms=12)
        p.append(
            fit(history, alphabet, FitSettings(stages=("clicks", "revenue"), order_value=True))
            .rates[2]
            .p_equal
        )
    assert sum(v < 0.05 for v in p) <= 2
    alphabet, history, _ = made(0, value_sd=1.5, arms=12)
    assert (
        fit(history, alphabet, FitSettings(stages=("clicks", "revenue"), order_value=True)).rates[2].p_equal
        < 1e-4
    )


def test_without_conversions_or_orders_revenue_stays_one_stage() -> None:
    alphabet, history, _ = made(0, arms=6, days=2)
    settings = FitSettings(stages=("clicks", "revenue"), order_value=True)
    silent = History(**{**history.__dict__, "conversions": np.full(len(history.arm), np.nan)})
    assert fit(silent, alphabet, settings).stages == ("clicks", "revenue")
    assert fit(history, alphabet, settings).stages == ("clicks", "conversions", "order value")
    nothing = History(**{**history.__dict__, "revenue": np.zeros(len(history.arm))})
    found = fit(nothing, alphabet, settings)
    assert np.isfinite(found.arm_posterior(np.arange(6))[0]).all()
