"""Nightly campaigns out of real tests: the test's own traffic cut in nights, clicks drawn from the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from dco.bandits.empirical_bayes import fit_family
from dco.bandits.hierarchical import Family, shares_of_many
from dco.stats.best_rows import p_best_beta_rows, p_best_gamma_rows
from experiments.studies.headlines.data import Archive


class Night(NamedTuple):
    """What a policy knows tonight, for all campaigns: float[test, arm] counts so far, float[test] traffic."""

    clicks: np.ndarray
    impressions: np.ndarray
    live: np.ndarray
    night: int
    nights: int
    tonight: np.ndarray
    later: np.ndarray


SETTLED = 0.9
"""Above this chance of the first its challengers' chances are integrated in logarithms, as `dco.bandits.top_two` does."""
REACH, POINTS = 10.0, 257

Rule = Callable[[Night], np.ndarray]


def equal(now: Night) -> np.ndarray:
    return now.live / now.live.sum(axis=1, keepdims=True)


def ab_then_commit(now: Night) -> np.ndarray:
    """Equal split for half the nights (rounded up), then the best observed rate takes all."""
    if now.night < (now.nights + 1) // 2:
        return equal(now)
    rate = np.where(now.live, now.clicks / np.maximum(now.impressions, 1), -1.0)
    top = rate == rate.max(axis=1, keepdims=True)
    return top / top.sum(axis=1, keepdims=True)


def plain_thompson(now: Night) -> np.ndarray:
    """Beta(1, 1) Thompson sampling in nightly batches: every impression is drawn from last night's posterior, so an arm's
    share is P(best) (by quadrature; a batch of draws has this expectation)."""
    return p_best_beta_rows(now.clicks + 1, now.impressions - now.clicks + 1, now.live)


def gamma_thompson(now: Night) -> np.ndarray:
    """Gamma-Poisson Thompson from one click's worth of prior at the test's pooled rate, shares P(best)."""
    pooled = (now.clicks.sum(axis=1) + 0.5) / np.maximum(now.impressions.sum(axis=1), 1.0)
    first = now.impressions.sum(axis=1, keepdims=True) == 0
    shape, rate = now.clicks + 1, now.impressions + 1 / pooled[:, None]
    return np.where(first, equal(now), p_best_gamma_rows(shape, rate, now.live))


def top_two_thompson(now: Night) -> np.ndarray:
    """Russo's top-two with Beta(1, 1) and tuning 1/2: half of the impressions to the first of a draw, half to the second."""
    alpha, beta = now.clicks + 1, now.impressions - now.clicks + 1
    p = p_best_beta_rows(alpha, beta, now.live)
    single = now.live.sum(axis=1) == 1
    settled = p.max(axis=1) > SETTLED
    # p_j / (1 - p_i): the second given the first, by drawing again until another is first.
    challengers = p[:, None, :] / np.maximum(1 - p, 1e-12)[:, :, None]
    rows = np.flatnonzero(settled & ~single)
    if len(rows):
        leader = p[rows].argmax(axis=1)
        challengers[rows, leader] = _chances_without(leader, alpha[rows], beta[rows], now.live[rows])
    arms = np.arange(p.shape[1])
    challengers[:, arms, arms] = 0.0
    challengers /= np.maximum(challengers.sum(axis=2, keepdims=True), 1e-300)
    shares = 0.5 * p + 0.5 * np.einsum("ti,tij->tj", p, challengers)
    shares[single] = now.live[single]
    return shares / shares.sum(axis=1, keepdims=True)


def _chances_without(leader: np.ndarray, alpha: np.ndarray, beta: np.ndarray, live: np.ndarray) -> np.ndarray:
    """float[test, arm]: P(best) of all but the leader up to a factor, in logarithms because only ratios of tiny numbers count."""
    mean = alpha / (alpha + beta)
    sd = np.sqrt(mean * (1 - mean) / (alpha + beta + 1))
    low = np.where(live, mean - REACH * sd, np.inf).min(axis=1)
    high = np.where(live, mean + REACH * sd, -np.inf).max(axis=1)
    x = np.clip(low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS), 1e-9, 1 - 1e-9)
    a, b, x = alpha[..., None], beta[..., None], x[:, None, :]
    log_pdf = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)
    log_cdf = np.log(np.maximum(special.betainc(a, b, x), 1e-300))
    all_below = np.where(live[..., None], log_cdf, 0.0).sum(axis=1, keepdims=True)
    log_p = special.logsumexp(log_pdf - log_cdf + all_below, axis=2)
    log_p[~live] = -np.inf
    log_p[np.arange(len(leader)), leader] = -np.inf
    return np.asarray(np.exp(log_p - log_p.max(axis=1, keepdims=True)))


def thompson_with_prior(family: Family) -> Rule:
    """The engine without its outlook: hierarchical posterior, shares P(best)."""

    def rule(now: Night) -> np.ndarray:
        return shares_of_many(
            now.clicks, now.impressions, now.live, family, now.tonight, now.later, ahead=False
        )

    return rule


def greedy_with_prior(family: Family) -> Rule:
    """The engine's belief without exploration: all to the greatest posterior mean."""

    def rule(now: Night) -> np.ndarray:
        return shares_of_many(now.clicks, now.impressions, now.live, family, now.tonight, 0 * now.later)

    return rule


def engine(family: Family) -> Rule:
    """`hierarchical_thompson` with a learnt family and its outlook."""

    def rule(now: Night) -> np.ndarray:
        return shares_of_many(now.clicks, now.impressions, now.live, family, now.tonight, now.later)

    return rule


def play(rule: Rule, tests: Archive, truth: np.ndarray, nights: int, rng: np.random.Generator) -> np.ndarray:
    """Expected clicks earned per test, float[test]: sum over nights of impressions times true rates."""
    traffic = tests.impressions.sum(axis=1) / nights
    clicks, served, earned = np.zeros_like(truth), np.zeros_like(truth), np.zeros(len(truth))
    for night in range(nights):
        now = Night(clicks, served, tests.live, night, nights, traffic, traffic * (nights - 1 - night))
        shown = np.round(rule(now) * traffic[:, None])
        clicks = clicks + rng.binomial(shown.astype(np.int64), truth)
        served = served + shown
        earned += (shown * truth).sum(axis=1)
    return earned


def learn(tests: Archive) -> Family:
    """The engine's prior, from the real counts of past tests alone."""
    return fit_family(tests.clicks, tests.impressions, tests.live)
