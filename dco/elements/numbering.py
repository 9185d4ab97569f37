"""Numbering what occurs: dense numbers 0.. for integer keys, without sorting where the keys lie close together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

ROOM = 16
"""Keys that span up to this many times their number are numbered through a table of all keys between them."""


def dense(key: Ints) -> Ints:
    """int[row]: the rank of each key among the distinct keys, as `np.unique(key, return_inverse=True)[1]`."""
    if not len(key):
        return np.zeros(0, dtype=np.int64)
    low, high = int(key.min()), int(key.max())
    if high - low >= ROOM * len(key):
        return np.asarray(np.unique(key, return_inverse=True)[1], dtype=np.int64)
    shifted = key - low
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[shifted] = True
    return (np.cumsum(seen) - 1)[shifted].astype(np.int64, copy=False)


def count_distinct(key: Ints) -> int:
    """Number of distinct keys."""
    if not len(key):
        return 0
    low, high = int(key.min()), int(key.max())
    if high - low >= ROOM * len(key):
        return len(np.unique(key))
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[key - low] = True
    return int(np.count_nonzero(seen))


def joint(columns: Sequence[Ints]) -> Ints:
    """int[row]: dense numbers of the distinct rows of some integer columns, in lexicographic order."""
    key = columns[0]
    if not len(key):
        return np.zeros(0, dtype=np.int64)
    for column in columns[1:]:
        low, high = int(column.min()), int(column.max())
        key = dense(key * (high - low + 1) + (column - low))
    return key if len(columns) > 1 else dense(key)
