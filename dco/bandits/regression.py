"""What the policies with features share: from a state to a linear model's prior, and from its levels to shares.

A level is a log rate, a logit or a relative rate, by the policy's link. Without features every arm is its own option, so the
arms know each other only through the base. An arm with a `Prior` has that mean and sd; features then say how it moves
together with the others, not how far it may lie from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dco.bandits.beliefs import Floats, State, segments
from dco.bandits.correlated import Chances, chances
from dco.bandits.pooled import Levels, Model


class Spread(NamedTuple):
    """Prior sds of what a level is the sum of, on the level's scale."""

    base: float
    segment: float
    """Between segments, each option meaning the same in all."""
    option: float
    context: float
    """Of an option's effect between segments of unlike context; 0 for models without such terms."""
    arm: float
    """What an arm has that its options do not say."""


def prior_model(state: State, spread: Spread, base: float, own_mean: Floats, own_sd: Floats) -> Model:
    """The levels' prior.

    Args:
        base: the level expected where nothing is known.
        own_mean, own_sd: float64[arm], each arm's own prior on the level's scale; NaN where it has none.
    """
    n_arms = len(state.successes)
    known = np.isfinite(own_mean) & np.isfinite(own_sd)
    options = _columns(state, spread)
    arm_sd = np.full(n_arms, spread.arm if state.options is not None else np.hypot(spread.option, spread.arm))
    implied = np.sqrt(np.square(options).sum(axis=1) + np.square(arm_sd))
    scale = np.where(known & (implied > 0), own_sd / np.where(implied > 0, implied, 1.0), 1.0)
    arm_sd = np.where(known & (implied == 0), own_sd, arm_sd * scale)
    lead = np.where(known, 0.0, spread.base)[:, None]
    if state.segment is not None:
        lead = np.hstack([lead, np.where(known[:, None], 0.0, spread.segment * _segment_indicators(state))])
    design = np.hstack([lead, options * scale[:, None]])
    return Model(np.where(known, own_mean, base), design[:, design.any(axis=0)], arm_sd)


def best_by_segment(levels: Levels, state: State, rng: np.random.Generator, draws: int) -> Chances:
    """P(best) among the live arms of each segment; dropped arms have 0."""
    p, error, drawn = np.zeros(len(levels.mean)), np.zeros(len(levels.mean)), False
    for rows in segments(state):
        rows = rows[state.live[rows]]
        if len(rows):
            part = chances(some_levels(levels, rows), rng, draws)
            p[rows], error[rows], drawn = part.p / part.p.sum(), part.error, drawn or part.drawn
    return Chances(p, error, drawn)


def some_levels(levels: Levels, rows: np.ndarray) -> Levels:
    """The joint posterior of some arms."""
    return levels._replace(mean=levels.mean[rows], loading=levels.loading[rows], noise=levels.noise[rows])


def averaged(rate: Callable[[Floats], Floats], mean: Floats, sd: Floats) -> Floats:
    """E[rate(t)] for t ~ N(mean, sd^2), float64[arm], by Gauss-Hermite quadrature with 32 nodes."""
    z, weight = np.polynomial.hermite_e.hermegauss(32)
    values: Floats = rate(mean[:, None] + sd[:, None] * z) @ (weight / weight.sum())
    return values


def _columns(state: State, spread: Spread) -> Floats:
    """float64[arm, feature] in units of the prior sds: options, and options by context."""
    if state.options is None:
        return np.zeros((len(state.successes), 0))
    parts = [state.options * spread.option]
    if state.segment is not None and spread.context > 0:
        context = _segment_indicators(state) if state.context is None else state.context[state.segment]
        both = state.options[:, :, None] * context[:, None, :]
        parts.append(spread.context * both.reshape(len(both), -1))
    return np.hstack(parts)


def _segment_indicators(state: State) -> Floats:
    assert state.segment is not None
    return np.eye(int(state.segment.max()) + 1)[state.segment]
