"""Bad input: a named error or a stated fallback, and never a number that is none. Also arms of which little is known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dco import schemas
from dco.errors import BadData, DcoError
from dco.plan.optimizer import Optimizer
from dco.plan.result import Plan

SPACE = {"scene": ["beach", "desert", "city"], "light": ["day", "night"]}
DAY = date(2026, 3, 1)
FEATURES = [[0.1, 2.0], [0.9, 1.0], [0.5, -1.0]]


def arm(k: int, **more: Any) -> dict[str, Any]:
    return {
        "arm_id": f"a{k}", "segment": "all", "attributes": {"scene": SPACE["scene"][k % 3], "light": SPACE["light"][k % 2]},
        **more,
    }  # fmt: skip


def row(k: int, ago: int = 1, **more: Any) -> dict[str, Any]:
    day = DAY - timedelta(days=ago)
    return {
        **arm(k), "day": day, "as_of": day, "impressions": 5_000, "clicks": 60 + 10 * k, "conversions": 3.0,
        "revenue_micros": 150_000_000, **more,
    }  # fmt: skip


def decide(rows: list[dict[str, Any]] | pa.Table | None, live: list[dict[str, Any]], **settings: Any) -> Plan:
    table = pa.Table.from_pylist(rows) if isinstance(rows, list) and rows else rows or None
    return Optimizer(SPACE, settings).plan(table, live, None, None, DAY, np.random.default_rng(0))


def sound(plan: Plan) -> dict[str, float]:
    """Shares by arm of a plan in which every number is finite or null and the shares are shares."""
    for table in (plan.shares, plan.proposals):
        for column in table.columns:
            if pa.types.is_floating(column.type):
                values = np.array([v for v in column.to_pylist() if v is not None], dtype=float)
                assert np.isfinite(values).all()
    found = dict(zip(plan.shares["arm_id"].to_pylist(), plan.shares["share"].to_pylist()))
    assert sum(found.values()) == pytest.approx(1) and min(found.values()) >= 0
    return found


@pytest.mark.parametrize("kpi", ["ctr", "cpa", "roas", "revenue_per_impression"])
@pytest.mark.parametrize(
    "history", [None, pa.table({c: [] for c in ("arm_id", "segment", "day", "impressions", "clicks")})]
)
def test_an_empty_history_gives_equal_shares_and_says_so(history: pa.Table | None, kpi: str) -> None:
    plan = decide(history, [arm(0), arm(1)], kpi=kpi)
    assert sound(plan) == {"a0": pytest.approx(0.5), "a1": pytest.approx(0.5)}
    assert any("no impressions yet" in text for text in plan.why)


@pytest.mark.parametrize("kpi", ["ctr", "cpa", "revenue_per_impression"])
def test_one_arm_gets_everything(kpi: str) -> None:
    assert sound(decide([row(0), row(0, 2)], [arm(0)], kpi=kpi)) == {"a0": pytest.approx(1)}


@pytest.mark.parametrize("kpi", ["ctr", "cpa", "revenue_per_impression"])
def test_zero_impressions_and_zero_events_are_no_evidence(kpi: str) -> None:
    nothing = {"impressions": 0, "clicks": 0, "conversions": 0.0, "revenue_micros": 0}
    found = sound(decide([row(0, **nothing), row(1, **nothing)], [arm(0), arm(1)], kpi=kpi))
    assert found["a0"] == pytest.approx(found["a1"])
    silent = {"clicks": 0, "conversions": 0.0, "revenue_micros": 0}
    sound(decide([row(0, **silent), row(1, **silent)], [arm(0), arm(1)], kpi=kpi))
    sound(decide([row(0), row(1, **nothing)], [arm(0), arm(1)], kpi=kpi))


def test_more_clicks_than_impressions_are_refused_by_arm_and_day() -> None:
    with pytest.raises(BadData, match=r"arm 'a1', day 2026-02-28: 70 clicks on 5 impressions"):
        decide([row(0), row(1, impressions=5)], [arm(0), arm(1)])


def test_money_in_two_currencies_is_refused_with_both_names() -> None:
    rows = [row(0, currency="EUR"), row(1, currency="USD")]
    with pytest.raises(BadData, match=r"history: amounts in EUR and USD; .* one currency"):
        decide(rows, [arm(0), arm(1)], kpi="roas")
    sound(decide([row(0, currency="EUR"), row(1, currency=None)], [arm(0), arm(1)], kpi="roas"))


@pytest.mark.parametrize("space", [{}, {"scene": []}, {"scene": "beach"}, {"scene": ["beach", "beach"]}])
def test_a_space_without_options_is_refused(space: dict[str, Any]) -> None:
    with pytest.raises(DcoError, match=r"space|scene"):
        Optimizer(space).plan(None, None, None, None, DAY, np.random.default_rng(0))


def test_an_arm_that_vanished_gets_nothing_and_goes_on_teaching() -> None:
    rows = [row(k, ago, clicks=(140 if k == 2 else 50)) for k in range(3) for ago in (1, 2, 3)]
    plan = decide(rows, [arm(0), arm(1), {**arm(5), "arm_id": "new"}], max_new=0)
    found = sound(plan)
    assert set(found) == {"a0", "a1", "new"}
    # 'new' has the scene of the arm that is gone and was good.
    means = dict(zip(plan.shares["arm_id"].to_pylist(), plan.shares["mean"].to_pylist()))
    assert means["new"] > 1.2 * means["a0"]


def test_a_report_that_shrank_counts_as_last_read() -> None:
    day = DAY - timedelta(days=3)
    first = [row(k, 3, as_of=day, clicks=300, conversions=30.0) for k in range(2)]
    later = [row(k, 3, as_of=DAY, clicks=60, conversions=6.0) for k in range(2)]
    for kpi in ("ctr", "cpa"):
        both, only = (decide(rows, [arm(0), arm(1)], kpi=kpi) for rows in (first + later, later))
        assert sound(both) == pytest.approx(sound(only))
        assert both.shares["mean"].to_pylist() == pytest.approx(only.shares["mean"].to_pylist())


def test_an_unknown_option_counts_as_the_average_one_and_the_plan_says_so() -> None:
    elsewhere = {"arm_id": "made elsewhere", "segment": "all", "attributes": {"scene": None, "light": None}}
    rows = [row(k, ago, clicks=(120 if k == 2 else 40)) for k in range(3) for ago in (1, 2, 3)]
    plan = decide(rows, [*(arm(k) for k in range(3)), elsewhere], holdout=0.0, max_new=0)
    means = dict(zip(plan.shares["arm_id"].to_pylist(), plan.shares["mean"].to_pylist()))
    assert means["a0"] < means["made elsewhere"] < means["a2"]
    assert any("Of 1 arm the option of 'scene' is not known" in text for text in plan.why)
    past = pa.Table.from_pylist([{**r, "attributes": None} for r in rows[:3]] + rows[3:])
    sound(decide(past, [arm(1), arm(2)]))
    without = {"arm_id": "b", "segment": "all", "attributes": None}
    sound(decide(rows, [arm(1), without]))
    with pytest.raises(BadData, match="'light' is missing"):
        decide(rows, [{**arm(1), "attributes": {"scene": "beach"}}])


def test_features_are_read_from_live_arms_and_history_and_checked() -> None:
    rows = [row(k, ago, features=FEATURES[k]) for k in range(3) for ago in (1, 2)]
    sound(decide(rows, [arm(0), arm(1), arm(4, features=[0.3, 0.3])]))
    sound(decide([row(k) for k in range(3)], [arm(k, features=FEATURES[k]) for k in range(3)]))
    schema = schemas.arms(list(SPACE)).append(schemas.FEATURES)
    table = pa.Table.from_pylist([arm(k, features=FEATURES[k]) for k in range(3)], schema)
    plan = Optimizer(SPACE).plan(
        pa.Table.from_pylist([row(k) for k in range(3)]), table, None, None, DAY, np.random.default_rng(0)
    )
    sound(plan)
    for wrong, message in (
        ([0.1], "1 numbers, but 2 for arm 'a0'"),
        ([0.1, float("nan")], "number 2 is nan, expected a finite one"),
        ("red", "expected a list of numbers, got 'red'"),
        ([], "expected a list of numbers"),
    ):
        with pytest.raises(BadData, match=message):
            decide([row(0), row(1)], [arm(0, features=FEATURES[0]), arm(1, features=wrong)])


def test_alike_pictures_share_their_fortune() -> None:
    """An arm never served, of unknown options, is expected where the arms that look like it are."""
    good, bad = [1.0, 0.0, 0.2], [-1.0, 0.1, 0.0]
    rng = np.random.default_rng(0)
    rows, live = [], []
    for k in range(12):
        look = (np.array(good if k % 2 else bad) + 0.05 * rng.standard_normal(3)).tolist()
        unknown = {"attributes": {"scene": None, "light": None}}
        live.append(arm(k, features=look, **unknown))
        clicks = 300 if k % 2 else 150
        rows += [row(k, ago, impressions=20_000, clicks=clicks, **unknown) for ago in (1, 2)]
    new = [
        {**arm(20, features=look), **unknown, "arm_id": name}
        for name, look in (("like good", good), ("like bad", bad))
    ]
    plan = decide(rows, live + new, holdout=0.0, max_new=0, max_live=20)
    means = dict(zip(plan.shares["arm_id"].to_pylist(), plan.shares["mean"].to_pylist()))
    assert means["like good"] > 1.3 * means["like bad"]


@pytest.mark.parametrize(
    "policy", ["discounted_thompson", "lin_thompson", "logistic_thompson", "contextual_thompson"]
)
def test_named_policies_see_days_and_options(policy: str) -> None:
    old, new = (150, 50), (50, 150)  # arm 0 was good long ago, arm 1 is now
    rows = [row(k, 150 + i, clicks=old[k], impressions=10_000) for k in range(2) for i in range(12)]
    rows += [row(k, 1 + i, clicks=new[k], impressions=10_000) for k in range(2) for i in range(3)]
    plain = {"policy": policy, "holdout": 0.0, "floor": 0.0, "step": 1.0, "max_new": 0}
    found = sound(decide(rows, [arm(0), arm(1)], **plain))
    if policy == "discounted_thompson":
        assert found["a1"] > 0.99
        return
    # Two arms never served: one has the options of the arm that did better in all.
    live = [{**arm(0), "arm_id": "like a0"}, {**arm(1), "arm_id": "like a1"}]
    found = sound(decide(rows, live, **plain))
    assert found["like a0"] > 0.6
