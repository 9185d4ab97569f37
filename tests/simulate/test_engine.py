"""The engine against its baselines on simulated markets, by paired seeds."""

from __future__ import annotations

import numpy as np
import pytest

from dco import registry
from dco.plan.optimizer import Optimizer
from dco.simulate.__main__ import compare, table
from dco.simulate.loop import run


def test_the_engine_beats_its_baselines_where_there_is_something_to_find() -> None:
    """Four paired seeds; `python -m dco.simulate` measures it on twenty."""
    found = compare("additive", 14, 4)
    share = {name: np.mean([r.oracle_share for r in results]) for name, results in found.items()}
    assert share["engine"] > share["Thompson, fixed pool"] + 0.05 > share["A/B 7 days, commit"] + 0.05
    assert "oracle gain by day 14" in table("additive", 14, found)


def test_the_engine_makes_nearly_nothing_where_there_is_nothing_to_find() -> None:
    made, late = [], []
    for seed in range(4):
        market = registry.load("markets", "null")(seed=50 + seed)
        optimizer = Optimizer(market.space, {"segments": market.segments})
        found = run(
            market,
            lambda n, o=optimizer: o.plan(n.history, n.live, n.pending, n.rejected, n.day, n.rng),  # type: ignore[misc]
            14,
            np.random.default_rng(seed),
        )
        assert found.lift == pytest.approx(0, abs=1e-9) and np.isnan(found.oracle_share)
        made.append(found.created.sum())
        late.append(found.created[7:].sum())
    assert np.mean(made) <= 3 and np.mean(late) <= 1.5
