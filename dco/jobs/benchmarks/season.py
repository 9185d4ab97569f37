"""A made-up history as nights see it: creatives that follow one another, every day restated as conversions come in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

ATTRIBUTES, OPTIONS = 8, 4
SPACE = {f"attribute {a}": tuple(f"{a}{o}" for o in "abcd"[:OPTIONS]) for a in range(ATTRIBUTES)}
DAY = date(2026, 3, 31)
"""The night the history ends on."""
LIVE = 10
"""Creatives live at the end of a season, in every segment."""
CLICK_RATE, CONVERSION_RATE, OPTION_SD, SHOWN = 0.02, 0.1, 0.15, 2_000


def names(segments: int) -> tuple[str, ...]:
    return tuple(f"segment {s}" for s in range(segments))


def season(
    segments: int, arms: int, days: int, life: int, ages: int, seed: int = 0
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """(history, live arms) of `arms` creatives a segment, each on air for `life` of `days` days.

    Every (creative, day) is read `ages` times, a day apart, with the same clicks and ever more of its conversions.
    """
    rng = np.random.default_rng(seed)
    start = np.linspace(0, days - life, arms).astype(int)
    worth = rng.normal(0, OPTION_SD, (ATTRIBUTES, OPTIONS))
    codes = rng.integers(0, OPTIONS, (segments, arms, ATTRIBUTES))
    s, i, d, age = (
        v.ravel() for v in np.meshgrid(*(range(n) for n in (segments, arms, life, ages)), indexing="ij")
    )
    day = start[i] + d
    known = day + age < days
    s, i, day, age = s[known], i[known], day[known], age[known]
    rate = np.exp(worth[np.arange(ATTRIBUTES), codes].sum(axis=2))
    # Counts belong to the cell, so that every version of it says the same clicks.
    shown = rng.poisson(SHOWN, (segments, arms, days))
    clicked = rng.binomial(shown, np.minimum(CLICK_RATE * rate, 0.5)[:, :, None])
    bought = rng.binomial(clicked, CONVERSION_RATE)
    dates = np.array([DAY - timedelta(days=days - 1 - k) for k in range(days)])
    option = np.array(list(SPACE.values()))
    genome = pa.StructArray.from_arrays(
        [pa.array(option[a][codes[s, i, a]].tolist()) for a in range(ATTRIBUTES)], names=list(SPACE)
    )
    cell = (s, i, day)
    history = pa.table(
        {
            "arm_id": np.char.add("arm ", i.astype(str)).tolist(),
            "segment": np.array(names(segments))[s].tolist(),
            "day": dates[day].tolist(),
            "as_of": dates[day + age].tolist(),
            "impressions": shown[cell],
            "clicks": clicked[cell],
            "conversions": np.floor(bought[cell] * (1 - 0.7 ** (age + 1.0))),
            "attributes": genome,
        }
    )
    live = [
        {
            "arm_id": f"arm {k}",
            "segment": name,
            "control": k % 2 == 0,
            "attributes": dict(zip(SPACE, (str(option[a][codes[g, k, a]]) for a in range(ATTRIBUTES)))),
        }
        for g, name in enumerate(names(segments))
        for k in range(max(arms - LIVE, 0), arms)
    ]
    return history, live
