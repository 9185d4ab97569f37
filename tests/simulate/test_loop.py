"""The closed loop: accounting, late reports, what a night knows, and what a result tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from dco import registry, schemas
from dco.errors import BadData
from dco.simulate import baselines
from dco.simulate.loop import FIRST_DAY, Choice, Night, Result, equal_shares, run
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


class Watch:
    """Random refresh that keeps every night it saw."""

    def __init__(self, space) -> None:  # type: ignore[no-untyped-def]
        self._decide = baselines.random_refresh(space, 0.5)
        self.nights: list[Night] = []

    def __call__(self, night: Night) -> Choice:
        self.nights.append(night)
        return self._decide(night)


@pytest.fixture(scope="module")
def watched() -> tuple[list[Night], Result]:
    market = registry.load("markets", "sparse_late")(seed=1)
    watch = Watch(market.space)
    return watch.nights, run(market, watch, 12, np.random.default_rng(0), start_per_segment=2)


def test_counts_cells_and_history_say_the_same_on_every_night(watched: tuple[list[Night], Result]) -> None:
    nights, _ = watched
    for night in (nights[3], nights[-1]):
        newest = night.history.filter(pc.equal(night.history["as_of"], night.day))
        older = night.history.filter(pc.less(night.history["as_of"], night.day))
        assert pc.max(older["as_of"]).as_py() == night.day - timedelta(days=1)
        sums = newest.group_by(["segment", "arm_id"]).aggregate(
            [(c, "sum") for c in ("impressions", "clicks", "conversions", "revenue_micros")]
        )
        for row in sums.to_pylist():
            i = night.counts.row[row["segment"], row["arm_id"]]
            assert night.counts.arm_id[i] == row["arm_id"]
            assert night.counts.impressions[i] == row["impressions_sum"]
            assert night.counts.clicks[i] == row["clicks_sum"]
            assert night.counts.conversions[i] == row["conversions_sum"]
            assert night.counts.revenue[i] == pytest.approx(row["revenue_micros_sum"] / 1e6, abs=1e-3)
        assert night.counts.clicks.sum() == night.cells.clicks.sum() == pc.sum(newest["clicks"]).as_py()
        assert night.counts.conversions.sum() == night.cells.conversions.sum() == np.nansum(night.arrived)
        assert np.isnan(night.arrived).sum() == sum(28 - k - 1 for k in range(night.index + 1))


def test_counts_name_the_options_and_first_days_of_arms(watched: tuple[list[Night], Result]) -> None:
    market = registry.load("markets", "sparse_late")(seed=1)
    night = watched[0][-1]
    for arm in night.live:
        i = night.counts.row[arm["segment"], arm["arm_id"]]  # type: ignore[index]
        assert market.alphabet.decode(night.counts.codes[i]) == arm["attributes"]
        assert market.segments[night.counts.segment[i]] == arm["segment"]
        assert (night.counts.first_day[i] == 0) == bool(arm["control"]) or night.counts.first_day[i] == -1


def test_random_refresh_makes_what_its_rate_says(watched: tuple[list[Night], Result]) -> None:
    _, found = watched
    assert found.created.tolist() == [0, 5] * 6
    assert found.made_per_segment_day(after=4) == 0.5
    assert np.isnan(found.made_per_segment_day(after=30))


def test_a_result_can_be_read_at_any_night() -> None:
    equal = np.full(4, 10.0)
    found = Result(np.array([10.0, 12, 14, 16]), equal, np.full(4, 20.0), np.zeros(4, int), np.zeros(4, int))
    assert found.oracle_share_at(2) == pytest.approx(0.1) and found.oracle_share == pytest.approx(0.3)
    assert found.lift_at(3) == pytest.approx(0.2) and found.lift == pytest.approx(0.3)
    other = replace(found, engine=np.full(4, 13.0))
    assert found.lift_at(4, over=other) == pytest.approx(0) and found.lift_at(2, over=other) < 0
    assert np.isnan(replace(found, oracle=equal).oracle_share)


def test_another_creative_of_an_idea_has_its_own_id_luck_and_age() -> None:
    market = additive(seed=1)
    seen: list[Night] = []

    def again(night: Night) -> Choice:
        seen.append(night)
        first = night.live[0]
        made = [{"segment": first["segment"], "attributes": first["attributes"]}] * 2
        return Choice(baselines.equal(night).shares, made if night.index == 0 else [])

    run(market, again, 3, np.random.default_rng(0))
    old, *new = [a for a in seen[-1].live if a["attributes"] == seen[-1].live[0]["attributes"]]
    assert [a["take"] for a in (old, *new)] == [0, 1, 2]
    assert len({a["arm_id"] for a in (old, *new)}) == 3
    rates = {market.rate(a["segment"], a["attributes"], 3, 0, a["take"]).ctr for a in (old, *new)}  # type: ignore[arg-type]
    assert len(rates) == 3


@pytest.mark.parametrize("share", [float("nan"), -0.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    def bad(night: Night) -> Choice:
        first, *rest = baselines.equal(night).shares
        return Choice([first | {"share": share}, *rest])

    with pytest.raises(BadData, match="expected 0 or more"):
        run(additive(), bad, 2, np.random.default_rng(0))


def test_more_proposals_than_can_be_made_are_refused() -> None:
    def eager(night: Night) -> Choice:
        arm = night.live[0]
        made = [{"segment": arm["segment"], "attributes": arm["attributes"]}] * 9
        return Choice(baselines.equal(night).shares, made)

    with pytest.raises(BadData, match="more than 8 proposals"):
        run(additive(), eager, 2, np.random.default_rng(0))


def test_a_rate_of_refresh_below_zero_is_refused() -> None:
    with pytest.raises(BadData, match="at least 0"):
        baselines.random_refresh(additive().space, -1)
