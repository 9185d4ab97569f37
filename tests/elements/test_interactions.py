"""Pairs of options: nothing is claimed where nothing is, and what is strong is found with the right sign."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dco.elements import interactions as room
from dco.elements.alphabet import Alphabet
from dco.elements.interactions import interactions
from dco.elements.model import Fit, History, fit

SPACE = {f"attribute {i}": tuple(f"option {i}{k}" for k in range(4)) for i in range(5)}


def world(seed: int, planted: float = 0.0, *, arms: int = 24, days: int = 5) -> tuple[Fit, np.ndarray]:
    """A fit of a market with main effects, segments' own tastes and luck; pairs of the first two attributes have sd `planted`."""
    rng = np.random.default_rng(seed)
    alphabet = Alphabet.of([f"segment {s}" for s in range(3)], SPACE)
    shared, own = rng.standard_normal(alphabet.width) * 0.12, rng.standard_normal((3, alphabet.width)) * 0.06
    segment = np.repeat(np.arange(3), arms)
    codes = rng.integers(0, 4, (3 * arms, 5))
    pairs = rng.standard_normal((4, 4))
    pairs -= pairs.mean(axis=0)
    pairs -= pairs.mean(axis=1, keepdims=True)
    truth = np.log(0.012) + np.einsum("ij,ij->i", alphabet.design(codes), shared + own[segment])
    truth += rng.standard_normal(len(segment)) * 0.1 + planted * pairs[codes[:, 0], codes[:, 1]]
    arm, day = np.tile(np.arange(len(truth)), days), np.repeat(np.arange(days), len(truth))
    shown = rng.poisson(6_000, len(arm)).astype(float)
    clicks = rng.binomial(shown.astype(int), np.exp(truth[arm])).astype(float)
    none, unsaid = np.zeros(len(arm), dtype=np.int64), np.full(len(arm), np.nan)
    history = History(
        segment, codes, arm, day, none, shown, clicks, unsaid, unsaid, days - 1 - day, none, none, unsaid
    )
    return fit(history, alphabet), planted * pairs


def test_where_nothing_interacts_nothing_is_reported_in_at_least_95_of_100_markets() -> None:
    claims = [bool(interactions(world(seed)[0]).believed) for seed in range(200)]
    assert sum(claims) <= 10


def test_strong_pairs_are_found_with_their_signs_and_no_other_attributes_are_blamed() -> None:
    found, right, named = 0, 0, 0
    for seed in range(20):
        model, truth = world(seed, 0.35)
        for one in interactions(model).believed:
            assert (one.first, one.second) == ("attribute 0", "attribute 1")
            named += 1
            right += np.sign(one.effect_pct) == np.sign(
                truth[int(one.first_option[-1]), int(one.second_option[-1])]
            )
            assert one.low_pct < one.effect_pct < one.high_pct and one.false_sign < room.FALSE_SIGN
        found += bool(interactions(model).believed)
    assert found >= 16
    assert named >= 40 and right / named >= 1 - room.FALSE_SIGN


def test_the_bayes_factor_is_the_ratio_of_the_marginal_likelihoods() -> None:
    """By dense multivariate normals, without eigenvalues or Cholesky updates."""
    model, _ = world(1, 0.2, arms=8)
    rate, h = model.rates[0], model.history
    response = rate.residual + room._by_options(rate, h.segment, h.codes)
    main = room._main_effects(rate, h.segment, h.codes)
    z = np.zeros((len(h.segment), 16))
    z[np.arange(len(z)), h.codes[:, 0] * 4 + h.codes[:, 1]] = 1.0
    noise = [np.diag(1 / rate.precision + f * rate.variances.arm) for f in room.ARM_PARTS]
    alone = [multivariate_normal.logpdf(response, cov=main + n) for n in noise]
    both = [
        multivariate_normal.logpdf(response, cov=main + n + sd**2 * z @ z.T) for n in noise for sd in room.SDS
    ]
    expected = np.log(np.mean(np.exp(np.array(both) - max(alone)))) - np.log(
        np.mean(np.exp(np.array(alone) - max(alone)))
    )
    asked = {(p.first, p.second): p.log_bayes_factor for p in interactions(model).asked}
    assert asked["attribute 0", "attribute 1"] == pytest.approx(expected, abs=1e-6)


def test_a_campaign_without_clicks_asks_nothing() -> None:
    alphabet = Alphabet.of(["one"], SPACE)
    none, zero = np.zeros(0, dtype=np.int64), np.zeros(0)
    history = History(
        np.zeros(3, int),
        np.zeros((3, 5), int),
        none,
        none,
        none,
        zero,
        zero,
        zero,
        zero,
        none,
        none,
        none,
        zero,
    )
    assert interactions(fit(history, alphabet)) == room.Found((), ())
