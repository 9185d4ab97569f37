"""Shadow mode: decided with what was known that night, among what was there, valued as far as the lever licenses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dco.errors import BadData
from dco.plan.optimizer import Optimizer
from dco.plan.shadow import PastArm, ShadowNight, arms_of, replay
from dco.plan.shadow_moves import moves
from dco.plan.shadow_value import Worth, worth
from dco.records import Lever, PlanSettings
from dco.simulate.loop import FIRST_DAY
from tests.plan.shadow_market import SPACE, Past, past

SETTINGS = PlanSettings(segments=("all",), speed="fast", max_new=0)
NIGHTS = 7


def day(n: int) -> date:
    return FIRST_DAY + timedelta(days=n)


def rng(of: date) -> np.random.Generator:
    return np.random.default_rng(of.toordinal())


def shadowed(
    table: pa.Table, settings: PlanSettings = SETTINGS, arms: tuple[PastArm, ...] | None = None
) -> tuple[ShadowNight, ...]:
    return replay(table, arms_of(table) if arms is None else arms, SPACE, settings, rng)


def valued(table: pa.Table, settings: PlanSettings = SETTINGS, *, read: int = 60, window: int = 14) -> Worth:
    return worth(table, shadowed(table, settings), settings, window_days=window, read_on=day(read))


def changed(table: pa.Table, where: np.ndarray, **columns: object) -> pa.Table:
    """The table with other numbers in some rows."""
    for name, value in columns.items():
        at, old = table.schema.get_field_index(name), np.array(table[name].to_pylist(), dtype=object)
        old[where] = value
        table = table.set_column(
            at, table.schema.field(at), pa.array(old.tolist(), table.schema.field(at).type)
        )
    return table


@pytest.fixture(scope="module")
def market() -> Past:
    return past(5, nights=NIGHTS)


@pytest.fixture(scope="module")
def nights(market: Past) -> tuple[ShadowNight, ...]:
    return shadowed(market.history)


def test_every_night_after_the_first_day_is_decided_and_shares_sum_to_one(
    nights: tuple[ShadowNight, ...],
) -> None:
    assert [night.day for night in nights] == [day(t) for t in range(1, NIGHTS)]
    for night in nights:
        assert sum(b.share for b in night.shares.values()) == pytest.approx(1)


def test_the_first_night_is_what_the_optimizer_says_of_the_rows_of_that_morning(
    market: Past, nights: tuple[ShadowNight, ...]
) -> None:
    rows = market.history.filter(pc.less_equal(market.history["as_of"], day(1)))
    rows = rows.filter(pc.less(rows["day"], day(1)))
    live = [
        {"arm_id": a.arm_id, "segment": a.segment, "attributes": a.attributes}
        for a in arms_of(market.history)
    ]
    plan = Optimizer(SPACE, SETTINGS).plan(rows, live, None, None, day(1), rng(day(1)))
    expected = {(r["segment"], r["arm_id"]): r["share"] for r in plan.shares.to_pylist()}
    assert {key: b.share for key, b in nights[0].shares.items()} == expected


@pytest.mark.parametrize("cut", range(1, NIGHTS))
def test_what_came_later_changes_no_earlier_night(
    market: Past, nights: tuple[ShadowNight, ...], cut: int
) -> None:
    """Everything read after a morning, and everything about its day and later ones, is turned upside down."""
    table = market.history
    later = np.array(pc.or_(pc.greater(table["as_of"], day(cut)), pc.greater_equal(table["day"], day(cut))))
    assert later.any()
    impressions = np.array(table["impressions"].to_pylist())[later]
    upside = changed(table, later, clicks=(impressions // 3).tolist(), conversions=0.0, intended_share=0.5)
    told = shadowed(upside)
    assert told[:cut] == nights[:cut]
    assert cut == NIGHTS - 1 or told[cut:] != nights[cut:], "what is known does change the nights after"


def test_a_restated_day_changes_the_nights_from_its_reading_on(
    market: Past, nights: tuple[ShadowNight, ...]
) -> None:
    table = market.history
    restated = np.array(pc.and_(pc.equal(table["day"], day(0)), pc.greater_equal(table["as_of"], day(4))))
    arm = np.array(table["arm_id"].to_pylist()) == table["arm_id"][0].as_py()
    told = shadowed(changed(table, restated & arm, clicks=2))
    assert told[:3] == nights[:3]
    assert told[3:] != nights[3:]


def test_the_engine_moves_in_steps_from_its_own_shares_and_not_from_those_served(market: Past) -> None:
    settings = replace(SETTINGS, step=0.05)
    told = shadowed(market.history, settings)
    moved = 0.0
    for before, after in pairwise(told):
        for key, belief in after.shares.items():
            assert abs(belief.share - before.shares[key].share) <= 0.05 + 1e-9
            moved = max(moved, abs(belief.share - told[0].shares[key].share))
    assert moved > 0.1, "the steps add up"


def test_an_ad_that_vanished_gets_nothing_after_its_last_day(market: Past) -> None:
    table = market.history
    gone = table["arm_id"][0].as_py()
    kept = table.filter(pc.or_(pc.not_equal(table["arm_id"], gone), pc.less(table["day"], day(3))))
    for night in shadowed(kept):
        assert (("all", gone) in night.shares) == (night.day < day(3))


def test_an_ad_that_was_retired_stays_away_and_its_reason_is_kept() -> None:
    of = past(1, nights=8, size=60_000, arms=6)
    arms = arms_of(of.history, dict.fromkeys(of.arms, False))  # no holdout: its ads rest and never leave
    told = shadowed(of.history, arms=arms)
    retired = {key: night for night in told for key in night.retired}
    assert retired, "eight days of sixty thousand impressions find a loser"
    for key, night in retired.items():
        assert "P(best)" in night.retired[key]
        assert all(key not in later.shares for later in told if later.day >= night.day)


def test_new_ideas_are_counted_and_never_credited() -> None:
    of = past(2, nights=5)
    settings = replace(SETTINGS, max_new=2, creation_cost_micros=0)
    told = shadowed(of.history, settings)
    assert sum(len(night.proposals) for night in told) > 0
    there = {(a.segment, a.arm_id) for a in arms_of(of.history)}
    assert all(set(night.shares) <= there for night in told)
    rows = worth(of.history, told, settings, window_days=14, read_on=day(60)).arm_days
    assert {(r.segment, r.arm_id) for r in rows} <= there


def test_one_day_cannot_be_replayed(market: Past) -> None:
    table = market.history
    with pytest.raises(BadData, match="at least two days"):
        shadowed(table.filter(pc.equal(table["day"], day(0))))
    with pytest.raises(BadData, match="at least two days"):
        shadowed(table.slice(0, 0))


def test_a_day_on_which_nothing_was_shown_is_no_result(market: Past) -> None:
    empty = np.array(pc.equal(market.history["day"], day(3)))
    told = valued(changed(market.history, empty, impressions=0, clicks=0, conversions=0.0))
    assert day(3) not in {row.day for row in told.arm_days}
    assert told.valued[0].value is not None
    assert day(3).toordinal() not in told.valued[0].value.days


# -- what the lever licenses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lever", "licence", "has_value"),
    [
        ("served", "randomised", True),
        ("rotation", "randomised", True),
        ("budget", "budgeted", True),
        ("switch", "platform-chosen", False),
        (None, "platform-chosen", False),
    ],
)
def test_a_value_needs_a_lever_that_licenses_one(
    market: Past, lever: Lever | None, licence: str, has_value: bool
) -> None:
    every = np.ones(len(market.history), bool)
    (found,) = valued(changed(market.history, every, lever=lever)).valued
    assert (found.licence, found.value is not None) == (licence, has_value)
    assert found.nights_of_test["rotation"], "what would make it tellable has a number"
    assert 0 < found.moved < 1


def test_placements_are_valued_by_licence_the_strongest_first(market: Past) -> None:
    every = np.ones(len(market.history), bool)
    feed = changed(market.history, every, placement="feed", lever="switch")
    told = valued(pa.concat_tables([feed, market.history]))
    assert [(v.licence, v.placements) for v in told.valued] == [
        ("randomised", ("site",)),
        ("platform-chosen", ("feed",)),
    ]


def test_a_rotation_that_was_not_obeyed_is_no_randomisation(market: Past) -> None:
    assert not valued(market.history).valued[0].downgraded
    every = np.ones(len(market.history), bool)
    (found,) = valued(changed(market.history, every, intended_share=0.25)).valued
    assert found.strayed is not None and found.strayed > 0.05
    assert found.downgraded and found.licence == "budgeted"


def test_without_intended_shares_the_delivered_ones_are_the_propensities(market: Past) -> None:
    every = np.ones(len(market.history), bool)
    (found,) = valued(changed(market.history, every, intended_share=None)).valued
    assert found.propensities == "delivered" and found.strayed is None
    assert found.value is not None
    assert found.value.checks["ips"].value == pytest.approx(found.value.gain)


def test_only_settled_days_are_valued_where_results_come_late(market: Past) -> None:
    settings = replace(SETTINGS, kpi="cpa")
    told = valued(market.history, settings, read=NIGHTS + 2, window=5)
    assert told.measure == "conversions"
    assert told.settled_until == day(NIGHTS + 2 - 5) and told.left_out_days == NIGHTS - 1 - 4
    assert told.valued[0].value is not None
    assert max(told.valued[0].value.days) == told.settled_until.toordinal()
    none = valued(market.history, settings, read=NIGHTS, window=30)
    assert not none.valued and none.settled_until is None and none.left_out_days == NIGHTS - 1


def test_without_conversions_the_kpi_falls_back_to_clicks_as_the_optimizer_does(market: Past) -> None:
    every = np.ones(len(market.history), bool)
    silent = changed(market.history, every, conversions=None, revenue_micros=None)
    told = valued(silent, replace(SETTINGS, kpi="roas"))
    assert told.measure == "clicks" and told.left_out_days == 0


def test_the_largest_differences_say_who_when_and_what_was_believed(market: Past) -> None:
    told = shadowed(market.history)
    rows = worth(market.history, told, SETTINGS, window_days=14, read_on=day(60)).arm_days
    found = moves(rows, told)
    assert list(found) == sorted(found, key=lambda m: -m.impressions)
    top = found[0]
    mine = [r for r in rows if r.arm_id == top.arm_id and top.first <= r.day <= top.last]
    sides = {np.sign(r.engine - r.served) for r in mine if abs(r.engine - r.served) >= 0.05}
    assert sides == {np.sign(top.engine - top.served)}
    belief = next(n for n in told if n.day == top.peak).shares.get((top.segment, top.arm_id))
    assert (belief.p_best if belief else None) == top.p_best
