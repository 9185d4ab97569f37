"""A policy's state from the counts as known tonight: rows by arm and day, late and restated ones included."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dco.bandits.beliefs import Features, Prior, State
from dco.errors import BadData


def rebuild(
    policy: Any,
    n_arms: int,
    arm: ArrayLike,
    day: ArrayLike,
    successes: ArrayLike,
    exposure: ArrayLike,
    *,
    today: float | None = None,
    prior: Prior | None = None,
    features: Features | None = None,
) -> State:
    """The state of `policy` after all rows, seen from `today` (default: the newest row's day).

    Args:
        arm: int[row], 0 <= arm < n_arms. day: float[row], days on one calendar (`date.toordinal()`).
        successes, exposure: float[row], as the newest report states them; rows of one arm and day are added.

    Raises:
        BadData: columns of unequal length, an arm that does not exist, a day after today, or counts that cannot be.
    """
    k, when = np.asarray(arm), np.asarray(day, float)
    s, n = np.asarray(successes, float), np.asarray(exposure, float)
    if not (k.shape == when.shape == s.shape == n.shape) or k.ndim != 1:
        shapes = ", ".join(str(v.shape) for v in (k, when, s, n))
        raise BadData(f"arm, day, successes, exposure: expected columns of one length, got {shapes}")
    state: State = policy.init(n_arms, prior, features)
    if len(k) and not (np.issubdtype(k.dtype, np.integer) and k.min() >= 0 and k.max() < n_arms):
        raise BadData(f"arm: expected indices 0 to {n_arms - 1}, got {k.min()!r} to {k.max()!r}")
    if not np.isfinite(when).all() or (today is not None and (when > today).any()):
        raise BadData(f"day: expected numbers of at most {today!r} (today), got {when.max()!r}")
    for one in np.unique(when):
        at = when == one
        counts = (np.bincount(k[at], v[at], n_arms) for v in (s, n))
        try:
            state = policy.update(state, *counts, day=float(one))
        except BadData as problem:
            raise BadData(f"day {one:g}, {problem}") from None
    if today is None:
        return state
    nothing = np.zeros(n_arms)
    aged: State = policy.update(state, nothing, nothing, day=today)
    return aged
