"""Weights once, then one arm per visitor: categorical draws by Walker's alias table.

A. J. Walker, "An efficient method for generating discrete random variables with general distributions", ACM TOMS 3 (1977);
the table is built as in M. D. Vose, IEEE TSE 17 (1991), O(K). A draw costs one random number whatever K is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SUM_OFF = 1e-6
"""What the weights' sum may differ from 1 by: rounding, and not a forgotten arm."""
PIECE = 1 << 15
"""Draws made at a time: what stays in the processor's cache."""


def assign(weights: ArrayLike, n: int, rng: np.random.Generator) -> Ints:
    """The arms of `n` visitors, independently drawn with chances `weights`; deterministic given `rng`.

    Args:
        weights: float[arm], >= 0, summing to 1. An arm with weight 0 is never drawn.
        n: visitors, >= 0.

    Returns:
        int64[n], indices of arms.

    Raises:
        BadData: weights that are no probabilities, or n below 0.

    >>> assign([0.0, 1.0], 3, np.random.default_rng(0))
    array([1, 1, 1])
    """
    w = _probabilities(weights)
    if n < 0:
        raise BadData(f"n: expected a number of visitors of at least 0, got {n!r}")
    border, alias = alias_table(w)
    out = np.empty(n, dtype=np.int64)
    for start in range(0, n, PIECE):
        x = rng.random(min(PIECE, n - start))
        x *= len(w)  # below len(w) after rounding too: 1 - 2^-53 times K is nearer to K - ulp than to K
        column = x.astype(np.int64)
        out[start : start + len(x)] = np.where(x < border[column], column, alias[column])
    return out


def alias_table(weights: Floats) -> tuple[Floats, Ints]:
    """(border float64[arm], alias int64[arm]): x uniform on [0, K) in column i = floor(x) is arm i below border[i], else alias[i]."""
    n = len(weights)
    mass = (weights * n / weights.sum()).tolist()
    border, alias = np.arange(1.0, n + 1), np.arange(n)
    small = [i for i in range(n) if mass[i] < 1]
    large = [i for i in range(n) if mass[i] >= 1]
    # Columns left over when one list is empty have mass 1 but for rounding: they keep their whole column. A weight of 0 is
    # never among them, since the others then hold more than one column each on average.
    while small and large:
        i, j = small.pop(), large[-1]
        border[i], alias[i] = i + mass[i], j
        mass[j] -= 1 - mass[i]
        if mass[j] < 1:
            small.append(large.pop())
    return border, alias


def _probabilities(weights: ArrayLike) -> Floats:
    w = np.asarray(weights, float)
    if w.ndim != 1 or not len(w):
        raise BadData(f"weights: expected one number per arm, got shape {w.shape}")
    bad = ~(np.isfinite(w) & (w >= 0))
    if bad.any():
        k = int(np.argmax(bad))
        raise BadData(f"weights[{k}]: expected a probability, got {float(w[k])!r}")
    if abs(w.sum() - 1) > SUM_OFF:
        raise BadData(f"weights: expected a sum of 1, got {w.sum():.9g}; an arm may be missing")
    return w
