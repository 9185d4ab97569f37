"""A log of one row per impression -> sufficient statistics per arm, in about the time of one `numpy.bincount`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData

Ints = NDArray[np.int64]
Whole = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

PIECE = 1 << 16
"""Rows read at a time: what stays in the processor's cache, so that the log is read from memory once."""
RARE = 0.03
"""Below this share of successes, looking up their arms is cheaper than numbering every row by arm and outcome."""


class ArmCounts(NamedTuple):
    """Both int64[arm]: all that a Beta or Gamma posterior of a rate needs."""

    n: Ints
    successes: Ints


def count_log(arm: ArrayLike, success: ArrayLike, n_arms: int) -> ArmCounts:
    """Rows and successes per arm.

    Args:
        arm: int[row], 0 <= arm < n_arms. success: bool[row] (or 0 and 1).
        n_arms: arms of the answer; those without a row have 0.

    Raises:
        BadData: columns of unequal length, an arm that does not exist, an outcome that is not 0 or 1.

    >>> count_log([0, 2, 2], [True, False, True], 3)
    ArmCounts(n=array([1, 0, 2]), successes=array([1, 0, 1]))
    """
    k, y = np.asarray(arm), np.asarray(success)
    if k.ndim != 1 or k.shape != y.shape:
        raise BadData(f"arm, success: expected two columns of one length, got shapes {k.shape} and {y.shape}")
    if n_arms < 1:
        raise BadData(f"n_arms: expected at least 1, got {n_arms!r}")
    if len(k) and k.dtype.kind not in "iu":
        raise BadData(f"arm: expected whole numbers, got {k.dtype}")
    counts = ArmCounts(np.zeros(n_arms, dtype=np.int64), np.zeros(n_arms, dtype=np.int64))
    rare = True
    for start in range(0, len(k), PIECE):
        of, outcome = k[start : start + PIECE], _outcomes(y[start : start + PIECE], start)
        try:
            n, won, rare = (_by_look_up if rare else _by_number)(of, outcome, n_arms)
        except ValueError:  # from bincount, about an arm below 0
            n = won = np.zeros(0, dtype=np.int64)
        if len(n) != n_arms:
            at = int(np.argmax((of < 0) | (of >= n_arms)))
            raise BadData(
                f"arm, row {start + at}: expected an index from 0 to {n_arms - 1}, got {int(of[at])}"
            )
        counts.n[:] += n
        counts.successes[:] += won
    return counts


# Both ways give (n, successes, whether successes are rare). Neither checks the arms: bincount does as it counts, an arm too
# large makes its answer too long, one below 0 raises. Which way is taken changes the time only.


def _by_look_up(arm: Whole, success: Bools, n_arms: int) -> tuple[Ints, Ints, bool]:
    at = np.flatnonzero(success)
    n = np.bincount(arm, minlength=n_arms)
    return n, np.bincount(arm[at], minlength=len(n)), len(at) <= RARE * len(arm)


def _by_number(arm: Whole, success: Bools, n_arms: int) -> tuple[Ints, Ints, bool]:
    key = np.add(arm, arm, dtype=np.int64)
    key += success.view(np.int8)
    both: Ints = np.bincount(key, minlength=2 * n_arms)
    if len(both) % 2:  # the last arm has failures alone, and is none of the known ones
        both = np.append(both, 0)
    won = both[1::2]
    n: Ints = both[::2] + won
    return n, won, int(np.count_nonzero(success)) <= RARE * len(arm)


def _outcomes(success: NDArray[Any], start: int) -> Bools:
    if success.dtype == np.bool_:
        return np.ascontiguousarray(success)
    wrong = (success != 0) & (success != 1)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise BadData(f"success, row {start + at}: expected 0 or 1, got {success[at].item()!r}")
    return np.asarray(success, dtype=np.bool_)
