"""The fast setting decides nearly the same as the exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dco.errors import UnknownName
from dco.jobs.benchmarks.season import DAY, SPACE, names, season
from dco.plan.optimizer import Optimizer


def night(history: pa.Table, live: list[dict[str, Any]], n_segments: int, speed: str) -> Any:
    settings = {"segments": names(n_segments), "kpi": "cpa", "max_live": 14, "speed": speed, "step": 1.0}
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
