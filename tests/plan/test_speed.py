"""The fast setting decides nearly the same as the exact one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dco.errors import UnknownName
from dco.plan.optimizer import Optimizer

SPACE = {f"attribute {a}": tuple(f"{a}{o}" for o in "abcd") for a in range(8)}
SEGMENTS = tuple(f"segment {s}" for s in range(6))
DAY = date(2026, 3, 31)


def season(
    segments: int, arms: int, days: int, life: int, ages: int
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """A history in which arms follow one another, every day restated `ages` times; and the arms live at its end."""
    rng = np.random.default_rng(0)
    start = np.linspace(0, days - life, arms).astype(int)
    worth = rng.normal(0, 0.15, (8, 4))
    codes = rng.integers(0, 4, (segments, arms, 8))
    s, i, d, age = (
        v.ravel() for v in np.meshgrid(*(range(n) for n in (segments, arms, life, ages)), indexing="ij")
    )
    day = start[i] + d
    known = day + age < days
    s, i, day, age = s[known], i[known], day[known], age[known]
    rate = np.exp(worth[np.arange(8), codes].sum(axis=2))
    # Counts belong to the cell, so that every version of it says the same clicks and ever more of its conversions.
    shown = rng.poisson(2_000, (segments, arms, days))
    clicked = rng.binomial(shown, np.minimum(0.02 * rate, 0.5)[:, :, None])
    bought = rng.binomial(clicked, 0.1)
    origin = DAY - timedelta(days=days - 1)
    date_of = np.array([origin + timedelta(days=k) for k in range(days)])
    names = np.array([[f"{a}{o}" for o in "abcd"] for a in range(8)])
    genome = pa.StructArray.from_arrays(
        [pa.array(names[a][codes[s, i, a]].tolist()) for a in range(8)], names=list(SPACE)
    )
    cell = (s, i, day)
    history = pa.table(
        {
            "arm_id": np.char.add("arm ", i.astype(str)).tolist(),
            "segment": np.array(SEGMENTS)[s].tolist(),
            "day": date_of[day].tolist(),
            "as_of": date_of[day + age].tolist(),
            "impressions": shown[cell],
            "clicks": clicked[cell],
            "conversions": np.floor(bought[cell] * (1 - 0.7 ** (age + 1.0))),
            "attributes": genome,
        }
    )
    last = [k for k in range(arms) if start[k] + life == days or k >= arms - 10]
    live = [
        {
            "arm_id": f"arm {k}",
            "segment": SEGMENTS[g],
            "control": k % 2 == 0,
            "attributes": dict(zip(SPACE, (names[a][codes[g, k, a]] for a in range(8)))),
        }
        for g in range(segments)
        for k in last
    ]
    return history, live


def night(history: pa.Table, live: list[dict[str, Any]], n_segments: int, speed: str) -> Any:
    settings = {"segments": SEGMENTS[:n_segments], "kpi": "cpa", "max_live": 14, "speed": speed, "step": 1.0}
    return Optimizer(SPACE, settings).plan(history, live, [], [], DAY, np.random.default_rng(0))


def test_the_fast_setting_decides_nearly_the_same() -> None:
    history, live = season(2, 60, 30, 8, 5)
    exact, fast = night(history, live, 2, "exact"), night(history, live, 2, "fast")
    one, two = ({(r["segment"], r["arm_id"]): r for r in p.shares.to_pylist()} for p in (exact, fast))
    assert set(one) == set(two)
    for key, row in one.items():
        assert two[key]["mean"] == pytest.approx(row["mean"], rel=0.02)
        assert two[key]["p_best"] == pytest.approx(row["p_best"], abs=0.02)
        assert two[key]["share"] == pytest.approx(row["share"], abs=0.05)
    assert exact.retire.to_pylist() and exact.retire.column("arm_id") == fast.retire.column("arm_id")


def test_an_unknown_speed_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="speed"):
        Optimizer(SPACE, {"speed": "fats"})
