"""The closed loop: accounting, late reports, and the engine against its baselines on paired seeds."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from dco import registry, schemas
from dco.errors import BadData
from dco.plan.optimizer import Optimizer
from dco.simulate import baselines
from dco.simulate.__main__ import compare, table
from dco.simulate.loop import FIRST_DAY, Choice, Night, equal_shares, run
from dco.simulate.reports import Outlet, report_rows

additive = registry.load("markets", "additive")


def test_the_equal_split_earns_exactly_the_equal_split() -> None:
    found = run(additive(seed=1), baselines.equal, 5, np.random.default_rng(0))
    np.testing.assert_allclose(found.engine, found.equal)
    assert found.lift == 0 and found.created.sum() == 0


def test_a_night_sees_all_versions_up_to_itself_and_nothing_later() -> None:
    seen: list[Night] = []

    def watch(night: Night) -> Choice:
        seen.append(night)
        return baselines.equal(night)

    market = additive(seed=1)
    run(market, watch, 6, np.random.default_rng(0))
    last = seen[-1]
    assert last.history.schema == schemas.history(list(market.space.attributes))
    assert pc.max(last.history["as_of"]).as_py() == last.day == FIRST_DAY + timedelta(days=5)
    first = last.history.filter(pc.equal(last.history["day"], FIRST_DAY))
    arm = first.filter(pc.equal(first["arm_id"], first["arm_id"][0]))
    assert arm["as_of"].to_pylist() == [FIRST_DAY + timedelta(days=k) for k in range(6)]
    assert arm["conversions"].to_pylist() == sorted(arm["conversions"].to_pylist())
    assert len(set(arm["clicks"].to_pylist())) == 1


def test_new_creatives_wait_for_approval_and_cost_what_they_cost() -> None:
    market = additive(seed=1)
    live_at: list[int] = []

    def once(night: Night) -> Choice:
        live_at.append(len(night.live))
        idea = {a: o[0] for a, o in market.space.attributes.items()}
        made = [{"segment": market.segments[0], "attributes": idea}] if night.index == 1 else []
        return Choice(baselines.equal(night).shares, made)

    free = run(market, once, 6, np.random.default_rng(0), approval_nights=2)
    live_at.clear()
    paid = run(market, once, 6, np.random.default_rng(0), approval_nights=2, creation_cost=7.0)
    assert live_at == [18, 18, 18, 19, 19, 19]
    np.testing.assert_allclose(free.engine - paid.engine, [0, 7, 0, 0, 0, 0])


def test_shares_of_unknown_arms_or_unequal_to_one_are_refused() -> None:
    def stray(night: Night) -> Choice:
        return Choice([{"segment": "parents", "arm_id": "nobody", "share": 1.0}])

    def short(night: Night) -> Choice:
        return Choice([{**r, "share": r["share"] * 0.9} for r in baselines.equal(night).shares])  # type: ignore[operator]

    for decide, message in ((stray, "not live"), (short, "sum to")):
        with pytest.raises(BadData, match=message):
            run(additive(), decide, 2, np.random.default_rng(0))


def test_the_engine_beats_its_baselines_where_there_is_something_to_find() -> None:
    """Four paired seeds; `python -m dco.simulate` measures it on twenty."""
    found = compare("additive", 14, 4)
    share = {name: np.mean([r.oracle_share for r in results]) for name, results in found.items()}
    assert share["engine"] > share["Thompson, fixed pool"] + 0.05 > share["A/B 7 days, commit"] + 0.05
    assert "share of oracle gain" in table("additive", 14, found)


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


def test_platform_reports_add_up_to_what_was_served_and_grow_with_age() -> None:
    market = additive(seed=2)
    arms = market.starting_pool(3)
    served = market.serve(0, arms, equal_shares(arms), {}, np.random.default_rng(0))
    groups = {s: f"10{i}" for i, s in enumerate(market.segments)}
    outlets = [
        Outlet("google_ads", "123", "EUR", "Demo", groups, 0.6, ("300x250", "728x90")),
        Outlet("meta", "act_9", "EUR", "Demo", groups, 0.4),
    ]
    tables = {t: [report_rows(served, o, outlets, t) for o in outlets] for t in (0, 3, 13)}
    for found in tables.values():
        assert all(t.schema == schemas.REPORT for t in found)
        for column in ("impressions", "clicks"):
            assert sum(pc.sum(t[column]).as_py() for t in found) == sum(getattr(r, column) for r in served)
    seen = [sum(float(pc.sum(t["conversions"]).as_py()) for t in found) for found in tables.values()]
    assert seen == sorted(seen) and seen[-1] == sum(sum(r.conversions) for r in served)
    one = {(r["ad"], r["size"]): r["conversions"] for r in tables[0][0].to_pylist()}
    assert all(r["conversions"] >= one[(r["ad"], r["size"])] for r in tables[3][0].to_pylist())
    assert not report_rows(served, outlets[0], outlets, -1).num_rows
    with pytest.raises(BadData, match="sum to 1"):
        report_rows(served, outlets[0], outlets[:1], 3)
