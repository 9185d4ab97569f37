"""Transfer: against joint Gaussian conditioning, and on simulated campaigns that share their taste or do not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from dco.elements.alphabet import Alphabet
from dco.elements.model import Fit, History, fit
from dco.elements.prior import CARRIED, Prior, StagePrior, Told
from dco.elements.transfer import learn
from dco.errors import BadData

SPACE = {f"attribute {i}": tuple(f"option {i}{k}" for k in range(5)) for i in range(6)}
EMPTY = np.zeros(0, dtype=np.int64)


def taste(seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 1]).standard_normal(31) * 0.12


def campaign(
    seed: int,
    shared: np.ndarray,
    *,
    arms: int = 20,
    days: int = 20,
    traffic: int = 5_000,
    conversions: bool = False,
) -> tuple[Alphabet, History, np.ndarray]:
    """A made-up campaign of three segments and its arms' true log CTR."""
    rng = np.random.default_rng([seed, 2])
    alphabet = Alphabet.of(["x", "y", "z"], SPACE)
    segment = np.repeat(np.arange(3), arms)
    codes = rng.integers(0, 5, (3 * arms, 6))
    own = rng.standard_normal((3, alphabet.width)) * 0.05
    truth = np.log(0.012) + (alphabet.design(codes) * (shared + own[segment])).sum(axis=1)
    truth += rng.standard_normal(3 * arms) * 0.08
    arm, day = np.tile(np.arange(3 * arms), days), np.repeat(np.arange(days), 3 * arms)
    n = rng.poisson(traffic, len(arm)).astype(float)
    clicks = rng.binomial(n.astype(int), np.exp(truth[arm])).astype(float)
    bought = (
        rng.binomial(clicks.astype(int), 0.05).astype(float) if conversions else np.full(len(arm), np.nan)
    )
    history = History(
        segment, codes, arm, day, np.zeros(len(arm), np.int64), n, clicks, bought, bought * 50, days - 1 - day,
        EMPTY, EMPTY, np.zeros(0),
    )  # fmt: skip
    return alphabet, history, truth


def old(seed: int) -> Prior:
    alphabet, history, _ = campaign(seed, taste(seed))
    return learn([fit(history, alphabet)])


def told(effects: dict[str, tuple[float, float]], **more: float) -> Told:
    base = {"level": -4.0, "events": 500.0, "dispersion": 1.5, "shared": 0.02, "own": 0.003, "arm": 0.01}
    return Told(options={"a": effects}, **(base | more))


def error(found: Fit, seed: int) -> float:
    """Root mean squared error of new arms' log rates about their mean, under the same taste."""
    _, history, truth = campaign(seed + 10_000, taste(seed), arms=60, days=1)
    off = np.concatenate(
        [
            (lambda d: d - d.mean())(
                found.moments(s, history.codes[history.segment == s])[0] - truth[history.segment == s]
            )
            for s in range(3)
        ]
    )
    return float(np.sqrt(np.mean(off**2)))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(CARRIED.tolist()))
def test_the_prior_is_the_joint_gaussian_conditioned_on_what_was_seen(
    seed: int, n: int, kappa: float
) -> None:
    rng = np.random.default_rng(seed)
    alphabet = Alphabet.of(["s"], {"a": ["u", "v"]})
    campaigns = tuple(
        told({"u": (float(rng.normal(0, 0.1)), float(rng.uniform(0.02, 0.09))), "v": (0.0, 0.05)})
        for _ in range(n)
    )
    prior = StagePrior(campaigns)
    mean, variance = prior.at(kappa, alphabet)
    v = prior.usual.shared
    h, precision = (np.array(x) for x in zip(*(t.evidence("a", "u") for t in campaigns)))
    # (w_new, w_1 .. w_n) ~ N(0, v ((1 - kappa) I + kappa 11')), seen with variances 1 / precision.
    joint = v * ((1 - kappa) * np.eye(n + 1) + kappa)
    seen = joint[1:, 1:] + np.diag(1 / precision)
    gain = joint[0, 1:] @ np.linalg.inv(seen)
    assert mean[1] == pytest.approx(float(gain @ (h / precision)), abs=1e-9)
    assert variance[1] == pytest.approx(float(v - gain @ joint[1:, 0]), rel=1e-9)
    assert mean[0] == 0
    if n > 1:
        both = np.stack([np.array([t.evidence("a", o) for t in campaigns]) for o in ("u", "v")])
        expected = [
            sum(
                multivariate_normal.logpdf(
                    e[:, 0] / e[:, 1], cov=v * ((1 - k) * np.eye(n) + k) + np.diag(1 / e[:, 1])
                )
                for e in both
            )
            for k in CARRIED
        ]
        found = prior.log_evidence()
        np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], atol=1e-8)


def test_what_a_campaign_says_without_its_prior_is_recovered() -> None:
    """A normal mean seen with precision 300 under a prior of variance .01, given as its posterior."""
    seen, precision, before = 0.2, 300.0, 0.02 * (1 - 1 / 2)
    posterior = precision + 1 / before
    effects = {"u": (seen * precision / posterior, posterior**-0.5), "v": (0.0, 0.05)}
    h, found = told(effects).evidence("a", "u")
    assert found == pytest.approx(precision) and h / found == pytest.approx(seen)
    assert told(effects, weight=0.5).evidence("a", "u") == pytest.approx((h / 2, found / 2))
    assert told(effects).evidence("a", "never had") == (0.0, 0.0)


def test_a_young_campaign_predicts_better_from_an_earlier_one_of_the_same_taste() -> None:
    ratio, carried = [], []
    for seed in range(6):
        alphabet, history, _ = campaign(seed + 500, taste(seed), days=2, arms=8)
        plain, warm = fit(history, alphabet), fit(history, alphabet, prior=old(seed))
        ratio.append(error(warm, seed) / error(plain, seed))
        carried.append(warm.carried[0])
    assert np.mean(ratio) < 0.8 and np.mean(carried) > 0.6


def test_a_campaign_of_another_taste_costs_little_and_is_given_up_as_counts_come() -> None:
    early, late, carried = [], [], []
    for seed in range(6):
        for days, kept in ((2, early), (20, late)):
            alphabet, history, _ = campaign(seed + 500, taste(seed), days=days)
            plain, warm = fit(history, alphabet), fit(history, alphabet, prior=old(seed + 100))
            kept.append(error(warm, seed) / error(plain, seed))
        carried.append(warm.carried[0])
    assert np.mean(early) < 1.1 and np.mean(late) < 1.02 and np.mean(carried) < 0.2


def test_earlier_campaigns_that_agree_carry_over_more_than_those_that_do_not() -> None:
    alphabet, history, _ = campaign(0, taste(0), days=1, traffic=1)
    history = replace(history, clicks=np.zeros_like(history.clicks))
    same = learn([fit(h, a) for a, h, _ in (campaign(s, taste(7)) for s in (1, 2, 3))])
    unlike = learn([fit(h, a) for a, h, _ in (campaign(s, taste(s)) for s in (1, 2, 3))])
    assert (
        fit(history, alphabet, prior=same).carried[0]
        > 0.6
        > 0.3
        > fit(history, alphabet, prior=unlike).carried[0]
    )


def test_before_any_count_new_ideas_are_ranked_as_the_earlier_campaign_ranks_them() -> None:
    alphabet, history, _ = campaign(4, taste(4))
    earlier = fit(history, alphabet)
    none = {
        k: getattr(history, k)[:0]
        for k in (
            "segment",
            "arm",
            "day",
            "context",
            "impressions",
            "clicks",
            "conversions",
            "revenue",
            "read_age",
        )
    }
    empty = replace(history, codes=history.codes[:0], **none)
    found = fit(empty, alphabet, prior=learn([earlier]))
    x = alphabet.design(history.codes[:20])
    ours, theirs = found.moments(0, history.codes[:20])[0], x @ earlier.rates[0].posterior.common
    assert np.corrcoef(ours, theirs)[0, 1] > 0.98
    assert found.p_equal == pytest.approx(
        0.5
    )  # one campaign, no count: as likely as not that nothing carries over


def test_that_creatives_differ_shows_sooner_where_they_differ_as_before_and_not_where_all_are_equal() -> None:
    sooner, null = [], []
    for seed in range(8):
        alphabet, history, _ = campaign(seed + 500, taste(seed), days=1, arms=16, traffic=2_000)
        sooner.append((fit(history, alphabet, prior=old(seed)).p_equal, fit(history, alphabet).p_equal))
        rng = np.random.default_rng(seed)
        flat = rng.binomial(history.impressions.astype(int), 0.012).astype(float)
        null.append(fit(replace(history, clicks=flat), alphabet, prior=old(seed)).p_equal)
    warm, plain = np.array(sooner).T
    assert (warm < 0.005).sum() >= (plain < 0.005).sum() + 2
    assert min(null) > 0.005


def test_options_that_the_earlier_campaign_never_had_start_at_nought() -> None:
    prior = old(5).stages["clicks"]
    alphabet = Alphabet.of(["s"], {"attribute 0": ["option 00", "brand new"], "other": ["p", "q"]})
    mean, variance = prior.at(0.8, alphabet)
    assert mean[1] != 0 and mean[2:].tolist() == [0, 0, 0]
    assert variance[1] < variance[2] == variance[3] == pytest.approx(prior.usual.shared)


def test_each_stage_learns_from_its_own_and_unseen_stages_start_from_nothing() -> None:
    from dco.elements.model import FitSettings

    alphabet, history, _ = campaign(6, taste(6), conversions=True)
    both = FitSettings(stages=("clicks", "conversions"))
    prior = learn([fit(history, alphabet, both)])
    assert set(prior.stages) == {"clicks", "conversions"}
    assert len(fit(history, alphabet, both, prior).carried) == 2
    assert len(fit(history, alphabet, both, learn([fit(history, alphabet)])).carried) == 1


def test_a_prior_survives_json_and_priors_add_up() -> None:
    one, two = old(1), old(2)
    again = Prior.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again == one and len(json.dumps(one.to_dict())) < 5_000
    assert learn([one, two]).stages["clicks"].campaigns == (
        *one.stages["clicks"].campaigns, *two.stages["clicks"].campaigns,
    )  # fmt: skip
    assert learn([one], [0.25]).stages["clicks"].campaigns[0].weight == 0.25


def test_unusable_priors_are_refused_by_name() -> None:
    given = old(1).to_dict()
    with pytest.raises(BadData, match="expected campaigns and a weight for each, got 0 and 0"):
        learn([])
    with pytest.raises(BadData, match=r"weight above 0 and at most 1, got 2\.0"):
        learn([Prior({})], [2.0])
    for change, message in (
        ({"arm": 0.0}, "arm: 0.0 is out of range"),
        ({"level": float("nan")}, "level: expected a number"),
        ({"more": 1}, "expected a mapping with"),
        ({"options": {"a": {"u": [0.1, 0.0]}}}, "sd above 0"),
    ):
        with pytest.raises(BadData, match=message):
            Prior.from_dict({"clicks": [given["clicks"][0] | change]})
