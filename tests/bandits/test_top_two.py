"""The top-two split against drawing it, and its own laws."""

import numpy as np
import pytest
from scipy import special

from dco.bandits.policies.beta_thompson import Policy as Plain
from dco.bandits.policies.top_two_thompson import Policy
from dco.bandits.top_two import _challengers_of, p_best_and_challengers
from dco.errors import BadData

RNG = np.random.default_rng(0)


def split(s, n, **settings):
    policy = Policy(**settings)
    return policy.allocate(policy.update(policy.init(len(s)), s, n), RNG)


def test_the_split_is_that_of_russo_s_sampler():
    """Drawn as the paper says: a draw's best, or with chance one half the best of later draws until it is another."""
    s, n = np.array([40, 52, 47, 30.0]), np.array([2000, 2000, 1900, 1500.0])
    draws = np.random.default_rng(1).beta(1 + s, 1 + n - s, (600_000, 4)).argmax(axis=1)
    first, pool = draws[:100_000], iter(draws[100_000:])
    shown = np.zeros(4)
    for k, coin in zip(first, np.random.default_rng(2).random(len(first)) < 0.5):
        second = k
        while not coin and second == k:
            second = next(pool)
        shown[second] += 1
    assert split(s, n) == pytest.approx(shown / shown.sum(), abs=6e-3)


def test_two_arms_have_half_each_and_a_settled_leader_its_part():
    assert split([5, 90], [1000, 1000]) == pytest.approx([0.5, 0.5])
    assert split([200, 400, 210], [10_000] * 3)[1] == pytest.approx(0.5, abs=1e-3)
    assert split([200, 400, 210], [10_000] * 3, tuning=0.8)[1] == pytest.approx(0.8, abs=1e-3)


def test_with_tuning_one_it_is_plain_thompson():
    plain = Plain()
    state = plain.update(plain.init(3), [20, 25, 22], [1000] * 3)
    assert split([20, 25, 22], [1000] * 3, tuning=1.0) == pytest.approx(plain.allocate(state, RNG))


def test_behind_a_settled_leader_the_nearer_challenger_gets_more():
    """P(best) of both is far below what a quadrature or draws could tell apart from 0."""
    shares = split([4000, 2000, 1950, 1900], [100_000] * 4)
    assert shares[0] == pytest.approx(0.5, abs=1e-6)
    assert shares[1] > 3 * shares[2] > 9 * shares[3] > 0


def test_challengers_in_logarithms_are_the_ratios_of_the_chances():
    """By a brute-force integral on 200,000 points, at chances near 1e-9."""
    alpha, beta = np.array([300.0, 200.0, 190.0]), np.array([9700.0, 9900.0, 9800.0])
    x = np.linspace(1e-4, 0.06, 200_001)
    log_pdf = [
        (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - special.betaln(a, b) for a, b in zip(alpha, beta)
    ]
    cdf = [special.betainc(a, b, x) for a, b in zip(alpha, beta)]
    one = np.sum(np.exp(log_pdf[1]) * cdf[0] * cdf[2])
    two = np.sum(np.exp(log_pdf[2]) * cdf[0] * cdf[1])
    assert one * (x[1] - x[0]) < 1e-5
    found = _challengers_of(0, alpha, beta)
    assert found[2] / found[1] == pytest.approx(two / one, rel=1e-3)
    _, rows = p_best_and_challengers(alpha, beta)
    assert rows.sum(axis=1) == pytest.approx(1) and (np.diag(rows) == 0).all()


def test_an_impossible_tuning_is_refused():
    with pytest.raises(BadData, match="tuning"):
        Policy(tuning=0.0).init(3)
