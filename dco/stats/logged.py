"""A log of one row per impression -> sufficient statistics per arm, in about the time of one `numpy.bincount`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dco.errors import BadData

Ints = NDArray[np.int64]

PIECE = 1 << 15
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
    for start in range(0, len(k), PIECE):
        outcome = _outcomes(y[start : start + PIECE], start)
        for whole, part in zip(counts, _piece(k[start : start + PIECE], outcome, n_arms, start)):
            whole += part
    return counts


def _piece(arm: NDArray[np.integer], success: NDArray[np.bool_], n_arms: int, start: int) -> ArmCounts:
    """The counts of some rows, of which the first is row `start` of the log."""
    try:
        # bincount itself finds the least and greatest number: an arm out of range raises, or makes its answer too long.
        if np.count_nonzero(success) > RARE * len(arm):
            key = np.add(arm, arm, dtype=np.int64)
            key += success.view(np.int8)
            found = np.bincount(key, minlength=2 * n_arms)
            found = (
                np.append(found, 0) if len(found) % 2 else found
            )  # the last arm, out of range, without a success
            n, won = found[::2] + found[1::2], found[1::2]
        else:
            n = np.bincount(arm, minlength=n_arms)
            won = np.bincount(arm[np.flatnonzero(success)], minlength=n_arms)
    except ValueError:
        n = won = np.zeros(n_arms + 1, dtype=np.int64)
    if len(n) > n_arms:
        at = int(np.argmax((arm < 0) | (arm >= n_arms)))
        raise BadData(f"arm, row {start + at}: expected an index from 0 to {n_arms - 1}, got {int(arm[at])}")
    return ArmCounts(n, won)


def _outcomes(success: NDArray[np.generic], start: int) -> NDArray[np.bool_]:
    if success.dtype == np.bool_:
        return success
    wrong = (success != 0) & (success != 1)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise BadData(f"success, row {start + at}: expected 0 or 1, got {success[at].item()!r}")
    return np.asarray(success, dtype=np.bool_)
