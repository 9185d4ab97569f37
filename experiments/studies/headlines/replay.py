"""Nightly campaigns out of real tests: the test's own traffic cut in nights, clicks drawn from the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dco.bandits.empirical_bayes import fit_family
from dco.bandits.hierarchical import Family, shares_of_many
from dco.stats.best_rows import p_best_beta_rows
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
