"""What a place is worth: the arms and ideas of a segment drawn together, and what each adds to the best of them.

    kept     of a live arm:  E[max over all] - E[max over all but this one]
    gain     of an idea:     E[max over all and this one] - E[max over all], the best idea first, the others beside it

Both are on one scale, so that an idea may take the place of the arm that is missed least, and a second idea like the first
adds little (the batch form of expected improvement: Ginsbourger, Le Riche & Carraro 2010, eq. 8). The draws are joint:
what arms share cancels. They suppose that the truth comes to be known, so they bound what a place earns from above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco.stats.eigen import symmetric_root

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAIRS = 384
"""Antithetic pairs of draws. A gain of one per cent is then known to about a tenth of itself."""


def worlds(mean: Floats, cov: Floats, rng: np.random.Generator, pairs: int = PAIRS) -> Floats:
    """float[draw, arm]: value rates in draws of the posterior, in units of the greatest mean's."""
    moved = rng.standard_normal((pairs, len(mean))) @ symmetric_root(cov)
    centre = mean - mean.max(initial=-np.inf)
    return np.exp(np.clip(np.concatenate([centre + moved, centre - moved]), -20.0, 5.0))


def kept(values: Floats) -> Floats:
    """float[arm]: what the best of all would lose on average without each arm; values float[draw, arm]."""
    n, k = values.shape
    if k == 1:
        return np.asarray(values.mean(axis=0))
    best = values.argmax(axis=1)
    two = np.partition(values, k - 2, axis=1)[:, k - 2 :]
    return np.bincount(best, two[:, 1] - two[:, 0], k) / n


def batch(live: Floats, ideas: Floats, n: int, chance: Floats | None = None) -> list[tuple[int, float]]:
    """The `n` ideas that add most, one after the other: (column of `ideas`, what it adds); draws are rows of both.

    `chance` float[idea] of being approved: they are taken in the order of what they add times that; what is returned is
    what an approved one adds.
    """
    likely = np.ones(ideas.shape[1]) if chance is None else chance
    best = live.max(axis=1) if live.shape[1] else np.zeros(len(ideas))
    left = list(range(ideas.shape[1]))
    chosen: list[tuple[int, float]] = []
    for _ in range(min(n, len(left))):
        gains = np.maximum(ideas[:, left] - best[:, None], 0.0).mean(axis=0)
        at = int(np.argmax(gains * likely[left]))
        column = left.pop(at)
        chosen.append((column, float(gains[at])))
        best = np.maximum(best, ideas[:, column])
    return chosen
