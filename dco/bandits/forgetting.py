"""Counts that fade with calendar time: N = sum_d 2^(-(today - d) / half-life) n_d, and S alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dco.bandits.beliefs import State, add, start
from dco.errors import BadData


def add_dated(
    state: State, successes: ArrayLike, exposure: ArrayLike, day: float | None, half_life: float
) -> State:
    """The state after counts of `day`, all sums seen from the newest day told of.

    The order in which days are told makes no difference: counts of a day before the newest are added faded, counts of
    a later day fade what was there. Without a day, counts are of the newest day.
    """
    if not (half_life > 0 and not np.isnan(half_life)):
        raise BadData(f"half_life: expected a number of days above 0, got {half_life!r}")
    if day is not None and not np.isfinite(day):
        raise BadData(f"day: expected a finite number of days, got {day!r}")
    now = state.day if day is None else day if state.day is None else max(day, state.day)
    older = 1.0 if now is None or state.day is None else 0.5 ** ((now - state.day) / half_life)
    told = 1.0 if now is None or day is None else 0.5 ** ((now - day) / half_life)
    # Checked as told, before fading: an error names the number the caller gave.
    fresh = add(start(len(state.successes)), successes, exposure, trials=True)
    return state._replace(
        successes=older * state.successes + told * fresh.successes,
        exposure=older * state.exposure + told * fresh.exposure,
        day=now,
    )
