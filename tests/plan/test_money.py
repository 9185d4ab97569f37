"""A plan's money: promises kept on the final numbers, KPI bounds, spend limits, budgets per segment and placement."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import schemas
from dco.bandits.money_proof import Stated, prove
from dco.errors import BadData, Infeasible
from dco.plan.optimizer import Optimizer
from dco.plan.result import Plan
from dco.plan.settings import as_settings
from dco.records import BudgetBound, PlanSettings

SPACE = {"scene": ["beach", "city", "forest", "moon"], "light": ["day", "night"]}
DAY = date(2026, 3, 10)
CONVERTS = {"beach": 0.02, "city": 0.05, "forest": 0.10, "moon": 0.16}
CPM = {"display": 2.0, "feed": 4.0}
UNIT = 1_000_000


def arm(i: int, segment: str) -> dict[str, Any]:
    genome = {"scene": SPACE["scene"][i % 4], "light": SPACE["light"][i // 4 % 2]}
    return {"arm_id": f"{segment}{i}", "segment": segment, "attributes": genome, "control": i < 2}


def world(
    n: int = 6, days: int = 8, traffic: int = 3000, seed: int = 0, spend: bool = True, value: float = 30.0,
    segments: tuple[str, ...] = ("a", "b"),
) -> tuple[pa.Table, list[dict[str, Any]]]:  # fmt: skip
    """Clicks lean to 'beach', conversions to 'moon': what is best by clicks is dearest per conversion. Shares are equal."""
    rng = np.random.default_rng(seed)
    arms = [arm(i, s) for s in segments for i in range(n)]
    rows = []
    for a in arms:
        scene = a["attributes"]["scene"]
        for d in range(days):
            for placement, lever in (("display", "rotation"), ("feed", "budget")):
                shown = int(rng.poisson(traffic))
                clicks = int(rng.binomial(shown, 0.02 * (1.5 if scene == "beach" else 1.0)))
                bought = float(rng.binomial(clicks, CONVERTS[scene]))
                rows.append(
                    {k: a[k] for k in ("arm_id", "segment", "attributes")}
                    | {
                        "placement": placement, "lever": lever, "day": DAY - timedelta(days=days - d), "impressions": shown,
                        "clicks": clicks, "conversions": bought, "revenue_micros": int(bought * value * UNIT),
                        "spend_micros": int(shown * CPM[placement] / 1000 * UNIT) if spend else None,
                        "intended_share": 1 / n,
                    }
                )  # fmt: skip
    table = pa.Table.from_pylist(rows)
    return table.set_column(
        table.column_names.index("spend_micros"), "spend_micros", table["spend_micros"].cast(pa.int64())
    ), arms


def plan(known: tuple[pa.Table | None, list[dict[str, Any]]], **kw: Any) -> tuple[Plan, PlanSettings]:
    given = as_settings({"segments": ["a", "b"], "kpi": "ctr", "max_new": 0, "step": 0.5, **kw})
    return Optimizer(SPACE, given).plan(known[0], known[1], None, None, DAY, np.random.default_rng(0)), given


def broken(found: Plan, given: PlanSettings, shares: Any = None, budgets: Any = None) -> list[str]:
    rows = found.shares.to_pylist() if shares is None else shares
    money = found.budgets.to_pylist() if budgets is None else budgets
    return prove(rows, given, Stated.of(found.diagnostics["promises"]), money)


def cpa(found: Plan, segments: tuple[str, ...] = ("a", "b")) -> float:
    """Spend per conversion of the plan's shares, from the numbers it states, by hand."""
    stated = found.diagnostics["promises"]
    facts = {(r["segment"], r["arm_id"]): r for r in stated["arms"]}
    spend = conversions = 0.0
    for s in segments:
        rows = [(r["share"], facts[s, r["arm_id"]]) for r in found.shares.to_pylist() if r["segment"] == s]
        shown = stated["segments"][s] / sum(x * f["cost_micros"] for x, f in rows)
        spend += stated["segments"][s]
        conversions += shown * sum(x * f["conversions"] for x, f in rows)
    return spend / conversions / UNIT


WORLD = world()


@settings(max_examples=25, deadline=None)
@given(
    floor=st.sampled_from([0.0, 0.03]), holdout=st.sampled_from([0.0, 0.1]), step=st.sampled_from([0.05, 0.25, 1.0]),
    cpa_max=st.sampled_from([0, 1, 2, 4]), roas=st.sampled_from([0.0, 9.0]), ctr=st.sampled_from([0.0, 0.024]),
    least=st.sampled_from([0, 2, 8]), risk=st.sampled_from([0.0, 1.0]), daily=st.sampled_from([0, 50, 300]),
    n=st.integers(1, 7), seed=st.integers(0, 5), kpi=st.sampled_from(["ctr", "cpa", "roas"]),
)  # fmt: skip
def test_every_plan_passes_the_proof_of_its_promises(
    floor: float, holdout: float, step: float, cpa_max: int, roas: float, ctr: float, least: int, risk: float, daily: int,
    n: int, seed: int, kpi: str,
) -> None:  # fmt: skip
    found, given = plan(
        world(n, 4, 800, seed), floor=floor, holdout=holdout, step=step, cpa_max_micros=cpa_max * UNIT, roas_min=roas,
        ctr_min=ctr, min_spend_micros=least * UNIT, risk=risk, daily_micros=daily * UNIT, kpi=kpi, nights_left=5,
        budget_bounds=[{"segment": "a", "min_share": 0.3, "max_share": 0.9}] if daily else [],
    )  # fmt: skip
    assert broken(found, given) == []
    assert found.budgets.schema == schemas.BUDGETS
    assert sum(b["money_micros"] for b in found.budgets.to_pylist()) == daily * UNIT
    json.dumps(found.to_dict())
    again, _ = plan(world(n, 4, 800, seed), floor=floor, holdout=holdout, step=step, kpi=kpi, nights_left=5)
    if not (cpa_max or roas or ctr or least or risk):
        assert again.shares.to_pylist() == found.shares.to_pylist(), (
            "without a rule that asks, shares are as before"
        )


def test_a_cpa_bound_moves_shares_by_as_little_as_it_takes_and_says_so() -> None:
    free, _ = plan(WORLD, kpi="ctr", cpa_max_micros=100 * UNIT)
    assert any("nothing had to give" in t for t in free.why)
    assert not any("was to leave and stays" in t for t in free.why)
    unbound, target = cpa(free), cpa(free) * 0.85
    found, given = plan(WORLD, kpi="ctr", cpa_max_micros=int(target * UNIT))
    assert unbound > target and cpa(found) == pytest.approx(target, rel=1e-5)
    assert broken(found, given) == []
    text = " ".join(found.why)
    assert f"a cost per conversion of at most {target:,.2f} holds" in text and f"{unbound:,.2f}" in text
    before = {(r["segment"], r["arm_id"]): r["share"] for r in free.shares.to_pylist()}
    for r in found.shares.to_pylist():
        moved = r["share"] - before.get((r["segment"], r["arm_id"]), 0.0)
        assert ("cpa_max" in r["why"]) == (abs(moved) >= 0.005)


def test_a_cpa_that_cannot_be_met_never_stops_a_night() -> None:
    found, given = plan(WORLD, cpa_max_micros=UNIT // 100)
    text = " ".join(found.why)
    assert "a cost per conversion of at most 0.01 cannot be met tonight" in text
    assert f"{cpa(found):,.2f}" in text
    assert "a3 was to leave and stays, because cpa_max needs it" in text, (
        "few click on 'moon', but many of them buy"
    )
    assert "a3" not in [r["arm_id"] for r in found.retire.to_pylist()]
    assert broken(found, given) == []
    # No other split that step, floor and holdout allow is cheaper: moon, which converts best, is at its largest share.
    for s in ("a", "b"):
        share = {r["arm_id"]: r["share"] for r in found.shares.to_pylist() if r["segment"] == s}
        assert share[f"{s}3"] == pytest.approx(1 / 6 + 0.5, abs=1e-5)


def test_bounds_on_revenue_and_click_rate_are_kept() -> None:
    found, given = plan(WORLD, kpi="ctr", roas_min=16.0)
    assert any("revenue per money spent of at least 16.00 holds" in t for t in found.why), found.why
    assert broken(found, given) == []
    found, given = plan(WORLD, kpi="cpa", ctr_min=0.0225)
    assert any("a click rate of at least 2.250% holds" in t for t in found.why), found.why
    assert broken(found, given) == []


def test_what_cannot_be_judged_is_said_and_changes_nothing() -> None:
    silent = world(spend=False)
    plain, _ = plan(silent)
    found, given = plan(silent, cpa_max_micros=UNIT, min_spend_micros=UNIT)
    assert any(
        "cpa_max cannot be judged: no report states spend, and no budget is set" in t for t in found.why
    )
    assert any("minimum spend of a creative cannot be kept" in t for t in found.why)
    assert [r["share"] for r in found.shares.to_pylist()] == [r["share"] for r in plain.shares.to_pylist()]
    assert broken(found, given) == []
    new, _ = plan((None, WORLD[1]), cpa_max_micros=UNIT, daily_micros=100 * UNIT)
    assert any("cannot be judged before the first clicks" in t for t in new.why)
    assert sum(b["money_micros"] for b in new.budgets.to_pylist()) == 100 * UNIT


def test_without_reported_spend_every_impression_costs_the_same_and_that_is_said() -> None:
    silent = world(spend=False)
    found, given = plan(silent, cpa_max_micros=2 * UNIT, daily_micros=216 * UNIT)
    assert any("every impression is taken to cost the same" in t and "per thousand" in t for t in found.why)
    costs = {r["cost_micros"] for r in found.diagnostics["promises"]["arms"]}
    assert len(costs) == 1 and costs.pop() == pytest.approx(
        3000, rel=0.02
    )  # 216 for about 72,000 impressions
    assert broken(found, given) == []


def test_a_minimum_spend_lifts_the_smallest_arm_and_too_much_is_eased_with_a_sentence() -> None:
    few, given = plan(
        WORLD, daily_micros=200 * UNIT, min_spend_micros=6 * UNIT, floor=0.0, holdout=0.0, step=1.0
    )
    money = few.diagnostics["promises"]["segments"]
    leaving = {(r["segment"], r["arm_id"]) for r in few.diagnostics["promises"]["arms"] if r["leaving"]}
    spent = [
        money[r["segment"]] * r["share"]
        for r in few.shares.to_pylist()
        if (r["segment"], r["arm_id"]) not in leaving
    ]
    assert min(spent) == pytest.approx(6 * UNIT, rel=1e-6)
    assert broken(few, given) == []
    many, given = plan(WORLD, daily_micros=200 * UNIT, min_spend_micros=90 * UNIT)
    assert any("at least 90.00 for every arm cannot be kept tonight" in t for t in many.why)
    assert broken(many, given) == []


def test_risk_moves_money_from_what_is_unknown_to_what_is_known() -> None:
    history, arms = world(4, 6, 2000)
    live = [
        *arms,
        {
            "arm_id": "anew",
            "segment": "a",
            "attributes": {"scene": "beach", "light": "night"},
            "control": False,
        },
    ]
    neutral, _ = plan((history, live), step=1.0, floor=0.0, holdout=0.0)
    wary, given = plan((history, live), step=1.0, floor=0.0, holdout=0.0, risk=4.0)

    def of(p: Plan) -> float:
        return next(r["share"] for r in p.shares.to_pylist() if r["arm_id"] == "anew")

    assert of(wary) < of(neutral)
    assert any(t.startswith("Risk 4: mixes are judged by mean less 4 sd") for t in wary.why)
    assert broken(wary, given) == []


def test_money_goes_where_it_earns_more_by_a_step_a_night_and_only_where_it_is_ours_to_move() -> None:
    """'feed' costs twice as much as 'display' for the same clicks, but its lever alone is ours: segments trade on it."""
    rich = world(segments=("a",), value=30, traffic=9000)[0]
    poor = world(segments=("b",), seed=1, traffic=9000)[0]
    poor = poor.set_column(
        poor.column_names.index("clicks"), "clicks", pa.array([c // 3 for c in poor["clicks"].to_pylist()])
    )
    arms = [arm(i, s) for s in ("a", "b") for i in range(6)]
    found, given = plan((pa.concat_tables([rich, poor]), arms), daily_micros=400 * UNIT, step=0.2)
    rows = {(b["segment"], b["placement"]): b for b in found.budgets.to_pylist()}
    part = {k: b["money_micros"] / (400 * UNIT) for k, b in rows.items()}
    assert part["a", "feed"] == pytest.approx(1 / 3 * 1.2, rel=0.02), "as far as the daily step allows"
    assert part["b", "feed"] == pytest.approx(1 / 3 * 0.8, rel=0.03)
    assert part["a", "display"] == pytest.approx(1 / 6, rel=0.02) == part["b", "display"]
    assert "as far as the daily step allows" in rows["b", "feed"]["why"]
    assert "expected and no advice: lever 'rotation'" in rows["a", "display"]["why"]
    assert broken(found, given) == []


def test_budget_bounds_are_reached_step_by_step_and_the_way_is_said() -> None:
    bounds = [BudgetBound(segment="a", min_share=0.8)]
    found, given = plan(WORLD, daily_micros=400 * UNIT, budget_bounds=bounds, step=0.2)
    money = found.diagnostics["promises"]["segments"]
    assert 0.5 < money["a"] / (400 * UNIT) < 0.8
    assert any("budget.segments.a min 320.00 cannot be reached tonight" in t for t in found.why)
    assert broken(found, given) == []
    near = [BudgetBound(segment="a", max_share=0.47)]
    found, given = plan(WORLD, daily_micros=400 * UNIT, budget_bounds=near, step=0.2)
    assert found.diagnostics["promises"]["segments"]["a"] <= 0.47 * 400 * UNIT + 10
    assert broken(found, given) == []


def test_pacing_counts_what_was_spent_and_the_nights_that_are_left() -> None:
    spent = sum(WORLD[0]["spend_micros"].to_pylist()) / UNIT
    found, given = plan(WORLD, total_micros=5000 * UNIT, nights_left=9, flight_days=18)
    money = sum(b["money_micros"] for b in found.budgets.to_pylist()) / UNIT
    assert money == pytest.approx((5000 - spent) / 10, abs=1e-5)
    assert any(t.startswith("Money: ") and "is left for 10 nights" in t for t in found.why)
    assert broken(found, given) == []
    late = Optimizer(SPACE, given).plan(
        WORLD[0], WORLD[1], None, None, DAY + timedelta(days=2), np.random.default_rng(0)
    )
    assert any("the 2 days since are counted" in t for t in late.why)


def test_the_proof_names_every_promise_that_is_broken_on_purpose() -> None:
    found, given = plan(
        WORLD, daily_micros=300 * UNIT, total_micros=9000 * UNIT, nights_left=20, step=0.25, cpa_max_micros=int(1.6 * UNIT),
        kpi="cpa", budget_bounds=[{"segment": "a", "max_share": 0.9}], min_spend_micros=UNIT,
    )  # fmt: skip
    assert broken(found, given) == []

    def shares(change: Any) -> list[str]:
        rows = deepcopy(found.shares.to_pylist())
        mine = sorted((r for r in rows if r["segment"] == "a"), key=lambda r: -r["share"])
        change(mine)
        return broken(found, given, shares=rows)

    def budgets(change: Any) -> list[str]:
        rows = deepcopy(found.budgets.to_pylist())
        change(rows)
        return broken(found, given, budgets=rows)

    def starve(mine: list[dict[str, Any]]) -> None:
        owed = {
            a["arm_id"]
            for a in found.diagnostics["promises"]["arms"]
            if a["segment"] == "a" and not a["leaving"]
        }
        small = next(r for r in reversed(mine) if r["arm_id"] in owed)
        mine[0]["share"] += small["share"] - 0.001
        small.update(share=0.001, control_share=0.0)

    assert "sum to" in shares(lambda m: m[0].update(share=m[0]["share"] + 0.01))[0]
    assert "not a finite number" in shares(lambda m: m[0].update(share=float("nan")))[0]
    assert any("daily step" in t for t in shares(_to_dearest))
    assert any("floor" in t for t in shares(starve))
    assert any("min_spend" in t for t in shares(starve))
    assert any("holdout" in t for t in shares(lambda m: [r.update(control_share=0.01) for r in m]))
    assert any("two shares" in t for t in shares(lambda m: m[0].update(arm_id=m[1]["arm_id"])))
    assert any("does not know it" in t for t in shares(lambda m: m[0].update(arm_id="stranger")))
    assert any(t.startswith("cpa_max") for t in shares(_to_dearest))
    assert "sum to" in budgets(lambda b: b[0].update(money_micros=b[0]["money_micros"] + 7))[0]
    assert any("below 0" in t for t in budgets(lambda b: b[0].update(money_micros=-5)))
    assert any("budget.daily" in t for t in budgets(lambda b: b[0].update(money_micros=400 * UNIT)))
    assert any("two budgets" in t for t in budgets(lambda b: b[1].update(placement=b[0]["placement"])))
    everything_to_a = budgets(
        lambda b: [r.update(money_micros=150 * UNIT if r["segment"] == "a" else 0) for r in b]
    )
    assert len(everything_to_a) == 1 and "budget.segments.a: 300.00 is planned" in everything_to_a[0]


def _to_dearest(mine: list[dict[str, Any]]) -> None:
    """All shares to the beach, which converts worst."""
    for r in mine:
        r["control_share"] = 0.0
        r["share"] = 0.99 if r["arm_id"] == "a0" else 0.01 / (len(mine) - 1)


def test_settings_that_no_night_could_keep_are_refused_and_the_conflict_is_named() -> None:
    with pytest.raises(Infeasible) as caught:
        plan(
            WORLD, daily_micros=100 * UNIT,
            budget_bounds=[{"segment": "a", "min_share": 0.7}, {"segment": "b", "min_micros": 50 * UNIT}],
        )  # fmt: skip
    assert set(caught.value.conflict) == {"budget", "budget.segments.a min", "budget.segments.b min"}
    assert "budget.segments.a min 50.00" in str(caught.value)
    one_placement = [BudgetBound(placement="feed", max_share=0.5)]
    as_settings(
        {"segments": ["a", "b"], "daily_micros": UNIT, "budget_bounds": one_placement}
    )  # others take the rest
    for wrong, text in (
        ({"risk": -1}, "risk"), ({"cpa_max_micros": 1.5}, "cpa_max_micros"), ({"roas_min": float("nan")}, "roas_min"),
        ({"cells": [("c", "x", "budget")]}, "cells"), ({"budget_bounds": [{"segment": "a"}]}, "need a budget"),
        ({"daily_micros": 5, "budget_bounds": [{"segment": "zz"}]}, "one known segment"),
    ):  # fmt: skip
        with pytest.raises(BadData, match=text):
            as_settings({"segments": ["a", "b"], **wrong})


def test_cells_of_the_campaign_without_a_report_start_small_and_the_others_keep_their_mix() -> None:
    cells = [
        ("a", "display", "budget"),
        ("a", "feed", "budget"),
        ("a", "shop", "served"),
        ("b", "feed", "budget"),
    ]
    found, given = plan(WORLD, daily_micros=100 * UNIT, cells=cells, step=0.1)
    rows = {(b["segment"], b["placement"]): b["money_micros"] for b in found.budgets.to_pylist()}
    assert set(rows) == {(s, p) for s, p, _ in cells}
    assert 0 < rows["a", "shop"] < 10 * UNIT
    assert broken(found, given) == []
