from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import rankdata

from dco.elements.alphabet import Alphabet
from dco.errors import BadData
from dco.prompts.approval import ApprovalModel, known_codes, laplace
from dco.simulate.markets.human_gate import Market

LIGHT = Alphabet.of(["a", "b"], {"light": ["soft", "dramatic", "day"], "scene": ["city", "beach"]})
NONE = np.zeros((0, 2), dtype=np.int64)


def auc(score: np.ndarray, yes: np.ndarray) -> float:
    """Mann-Whitney: the chance that an approved idea scores above a refused one."""
    rank = rankdata(score)[yes].sum()
    n, m = int(yes.sum()), int((~yes).sum())
    return float((rank - n * (n + 1) / 2) / (n * m))


def asked(seed: int, n: int) -> tuple[Market, np.ndarray, np.ndarray, np.ndarray]:
    """Random ideas of a simulated market, their segments, and what its person says to them."""
    market = Market(seed=seed)
    rng = np.random.default_rng([seed, 99])
    codes = market.ideas[rng.integers(len(market.ideas), size=n)]
    segment = rng.integers(len(market.segments), size=n)
    return market, codes, segment, market.verdicts(segment, codes, np.zeros(n, np.int64))


def test_mode_curvature_and_evidence_agree_with_scipy_and_with_numerical_integration() -> None:
    rng = np.random.default_rng(3)
    x = np.concatenate([np.ones((30, 1)), rng.standard_normal((30, 2))], axis=1)
    said = (rng.random(30) < 0.6).astype(float)
    mean, prior = np.array([1.0, 0, 0]), np.array([1.0, 0.4, 0.4])

    def loss(w: np.ndarray) -> float:
        likely = np.where(said > 0, np.log(expit(x @ w)), np.log(expit(-(x @ w)))).sum()
        return float(-likely + (np.square(w - mean) / prior).sum() / 2)

    mode, cov, evidence = laplace(x, said, mean, prior)
    oracle = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose(mode, oracle.x, atol=1e-6)
    # The covariance against second differences of the same loss.
    step = 1e-4 * np.eye(3)
    hessian = [
        [
            (loss(mode + i + j) - loss(mode + i - j) - loss(mode - i + j) + loss(mode - i - j)) / (4 * 1e-8)
            for j in step
        ]
        for i in step
    ]
    np.testing.assert_allclose(cov, np.linalg.inv(hessian), rtol=1e-3, atol=1e-6)
    # The evidence against a sum over a fine grid of the posterior's unnormalised density.
    axes = [np.linspace(m - 6 * s, m + 6 * s, 61) for m, s in zip(mode, np.sqrt(np.diag(cov)))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    score = grid @ x.T
    density = (score * said - np.logaddexp(0, score)).sum(axis=1) - (np.square(grid - mean) / prior).sum(
        1
    ) / 2
    cell = np.prod([a[1] - a[0] for a in axes]) / np.sqrt(np.prod(2 * np.pi * prior))
    assert evidence == pytest.approx(
        float(np.log(np.exp(density).sum() * cell)), abs=0.15
    )  # Laplace's own error


def test_an_option_that_is_refused_costs_probability_and_the_sentence_says_so() -> None:
    yes = np.array([[0, 0]] * 8 + [[2, 1]] * 6 + [[1, 0]] * 2)
    no = np.array([[1, 0]] * 4 + [[1, 1]] * 3 + [[0, 1]])
    model = ApprovalModel.fit(LIGHT, yes, no)
    dramatic, soft = model.probability(np.array([[1, 0], [0, 0]]))
    assert dramatic < 0.5 < soft
    assert model.reasons(np.array([1, 0])) == "a person refused 7 of 9 ideas with light: dramatic"
    assert model.reasons(np.array([0, 0])).startswith("a person approved ")


@given(st.integers(0, 40))
def test_where_nothing_was_refused_all_ideas_have_the_base_rate(n: int) -> None:
    model = ApprovalModel.fit(LIGHT, np.array([[0, 1]] * n), NONE)
    chance = model.probability(np.array([[0, 1], [1, 0], [2, 1]]))
    assert chance.tolist() == [pytest.approx((4 + n) / (5 + n))] * 3
    assert model.reasons(np.array([0, 1])) in (
        f"a person refused none of {n} ideas so far",
        "no idea was answered yet",
    )


def test_separable_answers_give_finite_weights_and_no_certainty() -> None:
    model = ApprovalModel.fit(LIGHT, np.array([[0, 0]] * 200), np.array([[1, 1]] * 200))
    chance = model.probability(np.array([[0, 0], [1, 1], [2, 0]]))
    assert np.isfinite(model.mean).all() and 0.95 < chance[0] < 1 and 0 < chance[1] < 0.05
    assert 0.2 < chance[2] < 0.95


def test_what_was_never_answered_about_stays_near_what_is_usual_where_all_else_was_refused() -> None:
    model = ApprovalModel.fit(LIGHT, NONE, np.array([[1, 1]] * 6))
    other, same = model.probability(np.array([[0, 0], [1, 1]]))
    assert same < 0.5 and other > same


def test_a_segments_own_answers_count_but_less_than_the_options() -> None:
    yes, no = np.array([[0, 0], [0, 1], [1, 0], [2, 1]] * 3), np.array([[0, 0], [0, 1], [1, 1], [2, 0]] * 3)
    model = ApprovalModel.fit(
        LIGHT, yes, no, approved_segment=np.zeros(12, int), rejected_segment=np.ones(12, int)
    )
    here, there = model.probability(np.array([[0, 0], [0, 0]]), np.array([0, 1]))
    assert here > there
    by_option = ApprovalModel.fit(LIGHT, np.array([[0, 0], [0, 1]] * 6), np.array([[1, 0], [1, 1]] * 6))
    first, second = by_option.probability(np.array([[0, 0], [1, 0]]))
    assert logit(here) - logit(there) < logit(first) - logit(second)


def test_sixty_answers_of_a_simulated_person_rank_new_ideas_and_are_calibrated() -> None:
    found, briers, flat, said, chance = [], [], [], [], []
    for seed in range(1000, 1020):
        market, codes, segment, yes = asked(seed, 60)
        model = ApprovalModel.fit(
            market.alphabet,
            codes[yes],
            codes[~yes],
            approved_segment=segment[yes],
            rejected_segment=segment[~yes],
        )
        new, where, truth = asked_again(market, 600)
        p = model.probability(new, where)
        found.append(auc(p, truth))
        briers.append(float(np.square(p - truth).mean()))
        flat.append(float(np.square(yes.mean() - truth).mean()))
        said.append(truth)
        chance.append(p)
    assert (
        np.mean(found) > 0.78
    )  # who knows the person's taste for options, but not each creative's own part, has .91
    assert np.mean(briers) < np.mean(flat) - 0.01
    p, truth = np.concatenate(chance), np.concatenate(said)
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.0)):
        some = (p >= low) & (p < high)
        assert abs(p[some].mean() - truth[some].mean()) < 0.07, (low, high)


def asked_again(market: Market, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([market.seed, 100])
    codes = market.ideas[rng.integers(len(market.ideas), size=n)]
    segment = rng.integers(len(market.segments), size=n)
    return codes, segment, market.verdicts(segment, codes, np.ones(n, np.int64))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.integers(1, 25))
def test_chances_are_probabilities_and_do_not_hang_on_the_order_of_answers(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    yes, no = (np.stack([rng.integers(3, size=k), rng.integers(2, size=k)], axis=1) for k in (n, m))
    every = np.stack(np.meshgrid(range(3), range(2)), axis=-1).reshape(-1, 2)
    chance = ApprovalModel.fit(LIGHT, yes, no).probability(every)
    assert ((chance > 0) & (chance < 1)).all()
    again = ApprovalModel.fit(LIGHT, yes[::-1], no[rng.permutation(m)]).probability(every)
    np.testing.assert_allclose(chance, again, atol=1e-9)


def test_genomes_of_options_that_nobody_knows_are_left_out() -> None:
    codes, which = known_codes(
        LIGHT, [{"light": "soft", "scene": "beach"}, {"light": "neon", "scene": "city"}]
    )
    assert codes.tolist() == [[0, 1]] and which.tolist() == [0]
    assert known_codes(LIGHT, [])[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([[0, 2]]), "'scene' has 2 options, got code 2"),
        (np.array([[0]]), r"2 attributes, got \(1, 1\)"),
    ],
)
def test_codes_beyond_the_alphabet_are_refused(codes: np.ndarray, message: str) -> None:
    with pytest.raises(BadData, match=message):
        ApprovalModel.fit(LIGHT, codes, NONE)
    with pytest.raises(BadData, match="one kind of answer only"):
        ApprovalModel.fit(LIGHT, NONE, NONE, approved_segment=np.zeros(0, int))
