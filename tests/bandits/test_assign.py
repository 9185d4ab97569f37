from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dco.bandits.assign import PIECE, alias_table, assign
from dco.errors import BadData

masses = st.lists(
    st.one_of(st.just(0.0), st.floats(1e-12, 1.0), st.just(1.0)), min_size=1, max_size=60
).filter(lambda w: sum(w) > 0)


@given(masses)
def test_the_table_holds_exactly_the_weights(w: list[float]) -> None:
    """Each arm's area in the table, its own column below the border and its parts of others', is its weight."""
    weights = np.array(w) / np.sum(w)
    border, alias = alias_table(weights)
    own = border - np.arange(len(w))
    assert (own >= 0).all() and (own <= 1).all()
    area = own + np.bincount(alias, 1 - own, len(w))
    np.testing.assert_allclose(area / len(w), weights, rtol=0, atol=1e-13)
    assert not area[weights == 0].any()


@pytest.mark.parametrize("arms", [1, 2, 10, 300])
def test_draws_have_the_weights_frequencies(arms: int) -> None:
    rng = np.random.default_rng(arms)
    w = rng.dirichlet(np.full(arms, 0.7)) if arms > 1 else np.ones(1)
    n = 10 * PIECE
    seen = np.bincount(assign(w, n, rng), minlength=arms)
    frequent = w * n >= 5
    expected = np.append(w[frequent], w[~frequent].sum()) * n
    observed = np.append(seen[frequent], seen[~frequent].sum())
    keep = expected > 0
    if keep.sum() > 1:
        assert stats.chisquare(observed[keep], expected[keep] * n / expected[keep].sum()).pvalue > 1e-3
    assert seen.sum() == n and not seen[w == 0].any()


def test_visitors_who_follow_one_another_are_independent() -> None:
    w = np.array([0.5, 0.3, 0.2])
    drawn = assign(w, 100_001, np.random.default_rng(3))
    pairs = np.bincount(drawn[:-1] * 3 + drawn[1:], minlength=9).reshape(3, 3)
    assert stats.chi2_contingency(pairs).pvalue > 1e-3


def test_the_generator_alone_decides() -> None:
    w = [0.2, 0.5, 0.3]
    one, same, other = (assign(w, 1_000, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert (one == same).all() and (one != other).any()
    assert len(assign(w, 0, np.random.default_rng(0))) == 0


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([], "one number per arm"),
        ([[0.5, 0.5]], "one number per arm"),
        ([0.5, float("nan")], r"weights\[1\]"),
        ([1.5, -0.5], r"weights\[1\]"),
        ([0.5, 0.4], "sum of 1, got 0.9"),
    ],
)
def test_what_are_no_probabilities_is_refused(weights: list[float], said: str) -> None:
    with pytest.raises(BadData, match=said):
        assign(weights, 1, np.random.default_rng(0))


def test_a_negative_number_of_visitors_is_refused() -> None:
    with pytest.raises(BadData, match="at least 0, got -1"):
        assign([1.0], -1, np.random.default_rng(0))
