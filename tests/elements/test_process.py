"""Pairs of options and looks against the same model as one dense Gaussian process, and on data that have pairs or none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from dco.elements import components, newton
from dco.elements.alphabet import Alphabet
from dco.elements.gaussian import Design, Variances
from dco.elements.lottery import Draw
from dco.elements.model import FitSettings, History, fit
from dco.elements.process import Rows, standardised

ALPHABET = Alphabet.of(("a", "b"), {"scene": ("x", "y", "z"), "light": ("l", "m"), "words": ("p", "q")})
V = Variances(0.05, 0.02, 0.03, pair=0.06, own_pair=0.02, look=0.04)
TERMS = ("pair", "own_pair", "look")


def problem(seed: int, n: int = 25, *, gaps: bool = False) -> tuple[Rows, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, option codes, responses and sampling variances; with `gaps` some options and looks are unknown."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, k, n) for k in (3, 2, 2)], axis=1)
    looks = rng.standard_normal((n, 2))
    if gaps:
        codes[rng.random(codes.shape) < 0.2] = -1
        looks[rng.random(n) < 0.3] = np.nan
    rows = Rows(rng.integers(0, 2, n), ALPHABET.design(codes), looks)
    return rows, codes, rng.standard_normal(n) * 0.3, rng.uniform(0.01, 0.2, n)


def dense(rows: Rows, codes: np.ndarray, v: Variances) -> np.ndarray:
    """The covariance of g (all but arm effects and noise), pair by pair of rows and pair by pair of attributes."""
    n, width = rows.x.shape
    k = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            same = rows.segment[i] == rows.segment[j]
            k[i, j] = (rows.x[i] * v.common(width)) @ rows.x[j]
            k[i, j] += same * ((rows.x[i] * v.deviation(width)) @ rows.x[j])
            for a in range(3):
                for b in range(a):
                    if codes[i, a] == codes[j, a] >= 0 and codes[i, b] == codes[j, b] >= 0:
                        k[i, j] += (v.pair + same * v.own_pair) / 3
            if np.isfinite(rows.looks[i]).all() and np.isfinite(rows.looks[j]).all():
                k[i, j] += v.look * np.exp(-((rows.looks[i] - rows.looks[j]) ** 2).sum() / 4)
    return k


def whole(rows: Rows, codes: np.ndarray, sampling: np.ndarray, v: Variances) -> np.ndarray:
    """Covariance of the responses: what no other arm can share is each arm's own."""
    k = dense(rows, codes, v)
    known = (codes >= 0).sum(axis=1)
    own = (v.pair + v.own_pair) * (1 - known * (known - 1) / 6) + v.look * ~np.isfinite(rows.looks).all(
        axis=1
    )
    return k + np.diag(sampling + v.arm + own)


@pytest.mark.parametrize("gaps", [False, True])
def test_all_active_equals_the_dense_process(gaps: bool) -> None:
    rows, codes, r, sampling = problem(0, gaps=gaps)
    posed = components.pose(Design.of(rows.x, rows.segment, 2), rows, r, sampling, V, TERMS, 3)
    found = components.solve(posed, V)
    k, total = dense(rows, codes, V), whole(rows, codes, sampling, V)
    mean, cov = k @ np.linalg.solve(total, r), k - k @ np.linalg.solve(total, k)
    np.testing.assert_allclose(found.means(rows), mean, atol=1e-7)
    here = np.flatnonzero(rows.segment == 1)
    ours, ours_cov = found.moments(rows.take(here))
    np.testing.assert_allclose(ours, mean[here], atol=1e-7)
    np.testing.assert_allclose(ours_cov, cov[np.ix_(here, here)], atol=1e-7)


def test_arms_that_are_not_active_still_tell_about_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two-step posterior is that of the dense process in which their pairs and looks are noise of their own."""
    monkeypatch.setattr(components, "MOST", 15)
    rows, codes, r, sampling = problem(1)
    plain = V._replace(arm=0.15)
    posed = components.pose(Design.of(rows.x, rows.segment, 2), rows, r, sampling, plain, TERMS, 3)
    found = components.solve(posed, V)
    quiet = np.argsort(sampling)[15:]
    k, additive = dense(rows, codes, V), dense(rows, codes, V._replace(pair=0, own_pair=0, look=0))
    k[quiet] = additive[quiet]
    k[:, quiet] = additive[:, quiet]
    own = np.full(len(r), V.arm)
    own[quiet] = plain.arm
    mean = k @ np.linalg.solve(k + np.diag(sampling + own), r)
    active = np.setdiff1d(np.arange(len(r)), quiet)
    np.testing.assert_allclose(found.means(rows.take(active)), mean[active], atol=1e-7)


def test_the_slope_of_the_evidence_is_its_finite_difference() -> None:
    rows, codes, r, sampling = problem(2, gaps=True)
    posed = components.pose(Design.of(rows.x, rows.segment, 2), rows, r, sampling, V, TERMS, 3)
    names = ("arm", *TERMS)

    def value(log_v: np.ndarray) -> float:
        v = V._replace(**dict(zip(names, np.exp(log_v).tolist())))
        total = whole(rows, codes, sampling, v)
        return float(-0.5 * (np.linalg.slogdet(total)[1] + r @ np.linalg.solve(total, r)))

    at = np.log([getattr(V, name) for name in names])
    slope, information, _ = components.gradient(posed, V)
    np.testing.assert_allclose(slope, approx_fprime(at, value, 1e-6), atol=1e-5)
    assert np.linalg.eigvalsh(information).min() > -1e-12
    assert components.evidence(posed, V) - components.evidence(
        posed, V._replace(pair=0.001)
    ) == pytest.approx(value(at) - value(np.log([V.arm, 0.001, V.own_pair, V.look])), abs=1e-7)


def test_learnt_variances_are_at_the_top_of_the_penalised_evidence() -> None:
    rows, _, r, sampling = problem(3, n=60)
    posed = components.pose(Design.of(rows.x, rows.segment, 2), rows, r, sampling, V, TERMS, 3)
    names = ("arm", *TERMS)

    def loss(log_v: np.ndarray) -> float:
        v = V._replace(**dict(zip(names, np.exp(log_v).tolist())))
        away = log_v - np.log([getattr(V, name) for name in names])
        return -components.evidence(posed, v) + float((away**2).sum()) / (2 * components.SPREAD**2)

    best = minimize(loss, np.log([getattr(V, name) for name in names]), method="Nelder-Mead", tol=1e-8)
    learnt = components.learn(posed, V, V, steps=30, close=1e-6)
    assert loss(np.log([getattr(learnt, name) for name in names])) == pytest.approx(best.fun, abs=1e-3)


def test_draws_have_the_posterior_s_moments_and_temperature_zero_is_the_mean() -> None:
    rows, codes, r, sampling = problem(4)
    v = V._replace(look=0.0)
    posed = components.pose(Design.of(rows.x, rows.segment, 2), rows, r, sampling, v, ("pair", "own_pair"), 3)
    found = components.solve(posed, v)
    some = Rows(np.ones(4, int), ALPHABET.design(codes[:4]))
    mean, cov = found.moments(some)
    rng = np.random.default_rng(0)
    cold = Draw(*found.draw(1, 0.0, rng), ALPHABET.starts)
    np.testing.assert_allclose(cold.worth(codes[:4]) + cold.weights[0], mean, atol=1e-9)
    draws = [Draw(*found.draw(1, 1.0, rng), ALPHABET.starts) for _ in range(1500)]
    worth = np.array([d.worth(codes[:4]) + d.weights[0] for d in draws])
    np.testing.assert_allclose(worth.mean(0), mean, atol=4 * np.sqrt(np.diag(cov).max() / 1500))
    np.testing.assert_allclose(np.cov(worth.T), cov, atol=0.15 * np.diag(cov).max())
    half = np.array([found.draw(1, 0.5, rng)[0] for _ in range(400)])
    full = np.array([d.weights for d in draws])
    np.testing.assert_allclose(half.std(0), full.std(0) / 2, rtol=0.2)


def test_one_option_s_line_is_the_worth_of_whole_genomes() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.standard_normal((8, 8))
    draw = Draw(rng.standard_normal(8), pairs + pairs.T, ALPHABET.starts)
    genome = np.array([2, 0, 1])
    trials = np.array([[0, 0, 1], [1, 0, 1], [2, 0, 1]])
    line = draw.options(genome, 0, np.arange(3))
    np.testing.assert_allclose(np.diff(line), np.diff(draw.worth(trials)))


def test_constant_features_drop_out_and_unknown_rows_stay_unknown() -> None:
    given = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, np.nan], [3.0, 5.0]])
    found = standardised(given)
    assert found.shape == (4, 1) and np.isnan(found[2]).all()
    assert np.nanmean(found) == pytest.approx(0) and np.nanstd(found) == pytest.approx(1)
    assert np.isnan(standardised(given[:1])).all()


SPACE = {f"attribute {i}": tuple("abcd") for i in range(5)}


def made(
    seed: int,
    *,
    pair_sd: float = 0.0,
    look_sd: float = 0.0,
    arms: int = 70,
    known: bool = True,
    traffic: int = 60_000,
) -> tuple[Alphabet, History, np.ndarray, np.ndarray]:
    """A history of two segments, the true log rates of its arms, and of new genomes in segment 0 (their codes first)."""
    rng = np.random.default_rng(seed)
    alphabet = Alphabet.of(("s", "t"), SPACE)
    main = rng.standard_normal(alphabet.width) * 0.08
    pair = np.triu(rng.standard_normal((alphabet.width, alphabet.width)), 1) * pair_sd / np.sqrt(10)
    segment = np.repeat([0, 1], arms)
    codes = rng.integers(0, 4, (2 * arms, 5))
    looks = rng.standard_normal((2 * arms, 3))

    def truth(some: np.ndarray) -> np.ndarray:
        x = alphabet.design(some)
        return x @ main + ((x @ pair) * x).sum(axis=1)

    log_rate = (
        truth(codes) + look_sd * np.sin(looks[:, 0]) * np.sqrt(2) + rng.standard_normal(2 * arms) * 0.05
    )
    shown = codes if known else np.full_like(codes, -1)
    n = np.full(2 * arms, float(traffic))
    clicks = rng.poisson(n * 0.012 * np.exp(log_rate)).astype(float)
    none, zero = np.full(2 * arms, np.nan), np.zeros(2 * arms, np.int64)
    new = rng.integers(0, 4, (40, 5))
    history = History(
        segment, shown, np.arange(2 * arms), zero, zero, n, clicks, none, none, zero, np.zeros(0, int), np.zeros(0, int),
        np.zeros(0), looks,
    )  # fmt: skip
    return alphabet, history, np.log(0.012) + log_rate, np.column_stack([new, truth(new)])


@pytest.mark.parametrize("gaps", [False, True])
def test_log_rates_are_the_mode_of_the_whole_posterior(gaps: bool) -> None:
    """Newton's iteration against BFGS on the Poisson likelihood with the dense covariance of all terms."""
    rows, codes, r, _ = problem(5, gaps=gaps)
    n, scale, missing = len(r), 1.4, (codes < 0).sum(axis=1)
    rng = np.random.default_rng(0)
    expected = rng.uniform(20, 300, n)
    events = rng.poisson(expected * np.exp(0.7 * r)).astype(float)
    design, usual = Design.of(rows.x, rows.segment, 2), V._replace(level=0.2)
    start = newton.fit_arms(design, events, expected, np.zeros(n), scale, usual, usual, missing, learn=False)
    found, _ = newton.fit_beyond(
        design, rows, events, expected, start, scale, usual, TERMS, missing, 3, learn=False
    )
    v = found.variances
    k = whole(rows, codes, missing * (v.shared + v.own), v)
    inverse = np.linalg.inv(k)

    def loss(f: np.ndarray) -> tuple[float, np.ndarray]:
        rate, pull = expected * np.exp(f), inverse @ f
        return float((rate - events * f).sum() / scale + f @ pull / 2), (rate - events) / scale + pull

    best = minimize(loss, np.zeros(n), jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 2000})
    np.testing.assert_allclose(found.eta, best.x, atol=3e-4)
    np.testing.assert_allclose(1 / found.precision, scale / (expected * np.exp(best.x)), rtol=1e-3)


def test_pairs_predict_new_combinations_where_they_matter_and_cost_little_where_not() -> None:
    gain, cost, inside = [], [], []
    for seed in range(4):
        for pair_sd, kept in ((0.25, gain), (0.0, cost)):
            alphabet, history, _, new = made(seed, pair_sd=pair_sd)
            codes, truth = new[:, :5].astype(int), new[:, 5]
            errors = []
            for pairs in (False, True):
                found = fit(history, alphabet, FitSettings(pairs=pairs, features=False))
                mean, cov = found.moments(0, codes)
                # Means are told apart by their differences: what all genomes share is the level's business.
                errors.append(np.std(mean - truth))
            kept.append(errors[1] / errors[0])
            sd = np.sqrt(np.diag(cov))
            inside.append(np.abs(mean - np.log(0.012) - truth) < 1.645 * sd)
    assert np.mean(gain) < 0.8 and np.mean(cost) < 1.25
    assert (
        0.85 <= np.mean(inside) <= 0.97
    )  # the truth of new genomes lacks the arm effect that intervals allow for


def test_intervals_of_arms_cover_as_they_say_with_pairs_and_looks() -> None:
    inside = []
    for seed in range(5):
        alphabet, history, truth, _ = made(seed, pair_sd=0.2, look_sd=0.1, traffic=15_000)
        mean, sd = fit(history, alphabet, FitSettings(pairs=True)).arm_posterior(np.arange(len(truth)))
        inside.append(np.abs(mean - truth) < 1.645 * sd)
    assert 0.85 <= np.mean(inside) <= 0.95


def test_looks_bring_pictures_made_elsewhere_into_the_model() -> None:
    """Arms without any option, of which some were hardly served: alike ones say what they are worth."""
    with_looks, without = [], []
    for seed in range(4):
        alphabet, history, truth, _ = made(seed, look_sd=0.25, known=False)
        thin = np.arange(len(truth)) % 4 == 0
        keep = np.where(thin, 0.0, 1.0)
        few = replace(history, impressions=history.impressions * keep, clicks=history.clicks * keep)
        for features, errors in ((True, with_looks), (False, without)):
            mean = fit(few, alphabet, FitSettings(features=features)).arm_posterior(np.flatnonzero(thin))[0]
            errors.append(np.std(mean - truth[thin]))
    assert np.mean(with_looks) < 0.9 * np.mean(without)
    found = fit(few, alphabet)
    assert found.rates[0].posterior.mean[0, 1:] == pytest.approx(0, abs=1e-9)  # no option was ever seen


def test_looks_that_say_nothing_cost_next_to_nothing() -> None:
    ratios = []
    for seed in range(6):
        alphabet, history, truth, _ = made(seed, arms=40, traffic=15_000)
        arms = np.arange(len(truth))
        means = (
            fit(history, alphabet, FitSettings(features=f)).arm_posterior(arms)[0] for f in (True, False)
        )
        told, plain = (np.std(mean - truth) for mean in means)
        ratios.append(told / plain)
    assert np.mean(ratios) < 1.05


def test_effects_with_pairs_are_the_mean_over_partners() -> None:
    alphabet, history, _, _ = made(0, pair_sd=0.3)
    found = fit(history, alphabet, FitSettings(pairs=True, features=False))
    process = found.rates[0].process
    assert process is not None
    every = np.array(np.meshgrid(*[np.arange(4)] * 5, indexing="ij")).reshape(5, -1).T
    worth = process.means(Rows(np.zeros(len(every), int), alphabet.design(every)))
    by_mean = np.array([worth[every[:, 1] == o].mean() for o in range(4)]) - worth.mean()
    told = [e.effect_pct for e in found.effects() if e.segment == "s" and e.attribute == "attribute 1"]
    np.testing.assert_allclose(np.log1p(np.array(told) / 100), by_mean, atol=1e-9)
