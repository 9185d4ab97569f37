"""The estimators of `off_policy` from counts by arm and day, each count standing for as many rounds.

With p the propensities, v = w / p the weights and q what was known of each arm before the day, summed over days and arms:

    IPS    sum v y / sum n          SNIPS  sum v y / sum v n          DR  sum (N w q + v (y - n q)) / sum n

Their errors come from whole days, because the rounds of one day share that day's luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.stats.intervals import z_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_EVENTS = 4.0
"""Events that the reward model of DR holds against an arm's own past: relative differences of sd 0.5."""


class Block(NamedTuple):
    """One segment on one placement. Arrays are float[day, arm]; every day has impressions."""

    day: Ints  # [day], ordinal numbers, ascending
    n: Floats  # impressions
    y: Floats  # reward: clicks, conversions or money
    events: Floats  # what was counted for it: for money the orders (or clicks) behind it
    target: Floats  # shares of the other split, each day summing to 1
    logged: Floats  # propensities, each day summing to 1


class Check(NamedTuple):
    """Relative gain by another estimator, with an interval from whole days."""

    value: float
    low: float
    high: float


def checks(blocks: Sequence[Block], earned: float, level: float) -> dict[str, Check]:
    """'ips', 'snips' and 'dr' over all blocks, relative to what was earned; empty below three segment-days."""
    size = np.concatenate([b.n.sum(axis=1) for b in blocks])
    reward = np.concatenate([b.y.sum(axis=1) for b in blocks])
    if len(size) < 3 or not earned > 0:
        return {}
    weighted, weights, robust = (np.concatenate(c) for c in zip(*(_terms(b) for b in blocks), strict=True))
    snips = weighted.sum() / weights.sum() if weights.sum() > 0 else 0.0
    # The self-normalised ratio by its influence, so that its mean is the estimate and its scatter the error.
    linear = snips * size + (weighted - snips * weights) * (size.sum() / max(float(weights.sum()), 1e-300))
    found = {}
    for name, terms in (("ips", weighted), ("snips", linear), ("dr", robust)):
        ratio = float(terms.sum()) / earned
        influence = (terms - ratio * reward) / earned
        n = len(influence)
        half = z_of(level, n - 1) * float(np.sqrt(np.square(influence).sum() * n / (n - 1)))
        found[name] = Check(ratio - 1, ratio - 1 - half, ratio - 1 + half)
    return found


def _terms(b: Block) -> tuple[Floats, Floats, Floats]:
    """Per day the sums over its rounds of w r / p, of w / p, and of the doubly robust term."""
    v = np.where(b.n > 0, b.target / np.maximum(b.logged, 1e-300), 0.0)
    q = _known_before(b)
    weighted = (v * b.y).sum(axis=1)
    robust = b.n.sum(axis=1) * (b.target * q).sum(axis=1) + (v * (b.y - b.n * q)).sum(axis=1)
    return weighted, (v * b.n).sum(axis=1), robust


def _known_before(b: Block) -> Floats:
    """q[day, arm]: each arm's rate over earlier days, shrunk to that of all; from earlier days alone, so that it cannot
    lean on the rewards it is corrected by. 0 on the first day."""
    n, y = (np.vstack([np.zeros(x.shape[1]), x.cumsum(axis=0)[:-1]]) for x in (b.n, b.y))
    all_n, all_y, events = (
        n.sum(axis=1, keepdims=True), y.sum(axis=1, keepdims=True),
        np.concatenate([[0.0], b.events.sum(axis=1).cumsum()[:-1]])[:, None],
    )  # fmt: skip
    mean = all_y / np.maximum(all_n, 1)
    worth = PRIOR_EVENTS * all_n / np.maximum(events, 1)
    return np.where(all_n > 0, (y + worth * mean) / np.maximum(n + worth, 1e-300), 0.0)
