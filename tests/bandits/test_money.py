"""Shares and money: what the programme answers, against answers found another way."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dco.bandits.money import Money, conflict, solve
from dco.bandits.night import Limit, Night, kpi_of, rules_of
from dco.bandits.programme import Rules, feasible, largest, most_certain, nearest, nearest_certain
from dco.errors import BadData, Infeasible

GRID = np.array([(i, j, 200 - i - j) for i in range(201) for j in range(201 - i)]) / 200
"""Every split of three arms in steps of half a per cent."""


def one_cell(**kw: Any) -> Night:
    """Three arms of one segment, 100 of money, a unit per impression."""
    base: dict[str, Any] = {
        "cells": ("a",), "arms": ("x", "y", "z"), "cell": np.zeros(3, int), "wanted": np.array([0.5, 0.3, 0.2]),
        "money": np.array([100.0]), "cost": np.ones(3),
    }  # fmt: skip
    return Night(**(base | kw))


def two_cells(**kw: Any) -> Night:
    base: dict[str, Any] = {
        "cells": ("a", "b"), "arms": ("x", "y", "x", "y"), "cell": np.array([0, 0, 1, 1]),
        "wanted": np.array([0.6, 0.4, 0.5, 0.5]), "money": np.array([60.0, 40.0]),
        "cost": np.array([0.002, 0.002, 0.004, 0.004]),
    }  # fmt: skip
    return Night(**(base | kw))


def corners(rules: Rules) -> np.ndarray:
    """Vertices of {x >= 0, rows x <= bound} in three variables with sum 1, by intersecting every pair of lines."""
    rows = np.concatenate([rules.rows, -np.eye(3)])
    bound = np.concatenate([rules.bound, np.zeros(3)])
    found = []
    for i, j in combinations(range(len(rows)), 2):
        system = np.array([np.ones(3), rows[i], rows[j]])
        if abs(np.linalg.det(system)) > 1e-12:
            x = np.linalg.solve(system, [1.0, bound[i], bound[j]])
            if (rows @ x <= bound + 1e-9 * np.maximum(np.abs(rows).max(axis=1), 1)).all():
                found.append(x)
    return np.array(found).reshape(-1, 3)


def all_rules(night: Night) -> Rules:
    return Rules.none(len(night.cell)).and_(*(r.rules for r in rules_of(night)))


def thousandths(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers people write; those of 1e-300 are a test of the oracle and not of the programme."""
    return st.integers(round(1000 * low), round(1000 * high)).map(lambda i: i / 1000)


splits = st.lists(thousandths(0.02, 1.0), min_size=3, max_size=3).map(lambda v: np.array(v) / sum(v))


@st.composite
def nights(draw: Any) -> Night:
    """One segment of three arms with a random selection of rules, feasible or not."""
    conversions = np.array(draw(st.lists(thousandths(0.001, 0.1), min_size=3, max_size=3)))
    low = np.array(draw(st.lists(thousandths(0.0, 0.45), min_size=3, max_size=3)))
    kpi = draw(st.sampled_from([None, "cpa_max", "ctr_min"]))
    bound = draw(thousandths(5.0, 200.0)) if kpi == "cpa_max" else draw(thousandths(0.001, 0.1))
    return one_cell(
        wanted=draw(splits),
        lower=low if draw(st.booleans()) else None,
        upper=np.array(draw(st.lists(thousandths(0.2, 1.0), min_size=3, max_size=3))) if draw(st.booleans()) else None,
        least=np.full(3, draw(st.sampled_from([0.0, 10.0, 30.0, 40.0]))),
        kpis=((kpi, bound),) if kpi else (),
        rates={"conversions": conversions, "clicks": conversions},
        cost=np.array(draw(st.lists(thousandths(0.5, 2.0), min_size=3, max_size=3))),
    )  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(night=nights())
def test_a_strict_answer_exists_exactly_when_some_split_keeps_every_rule(night: Night) -> None:
    rules = all_rules(night)
    vertices = corners(rules)
    clear = (
        len(
            corners(
                Rules(rules.rows, rules.bound - 1e-6 * np.abs(rules.rows).max(axis=1) * (rules.bound < 1))
            )
        )
        > 0
    )
    try:
        found = solve(night, strict=True)
    except Infeasible as error:
        assert not clear or not len(vertices)
        names = list(error.conflict)
        assert names == list(conflict(night)) and names
        by_name = {r.name: r.rules for r in rules_of(night)}
        none = Rules.none(3)
        assert not feasible(none.and_(*(by_name[n] for n in names)))
        for left_out in names:
            assert feasible(none.and_(*(by_name[n] for n in names if n != left_out))), (names, left_out)
    else:
        assert len(vertices)
        x = found.money / night.total
        assert rules.excess(x).max() < 1e-8 and found.eased == {}


@settings(max_examples=80, deadline=None)
@given(night=nights())
def test_no_split_that_keeps_the_rules_is_nearer_to_the_wanted_one(night: Night) -> None:
    rules = all_rules(night)
    vertices = corners(rules)
    assume(len(vertices) and feasible(rules))
    found = solve(night, strict=True).money / night.total
    goal = night.wanted * night.cost / (night.wanted * night.cost).sum()
    # Projection theorem: x is nearest exactly when (goal - x) makes no acute angle with any corner seen from x.
    assert ((vertices - found) @ ((goal - found) / np.maximum(goal, 1e-4))).max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(night=nights())
def test_what_cannot_be_kept_is_kept_as_nearly_as_possible_and_said(night: Night) -> None:
    try:
        found = solve(night)
    except Infeasible as error:
        assert set(error.conflict) <= {"budget", "shares"}  # what nothing may ease
        return
    x = found.money / night.total
    hard = Rules.none(3).and_(*(r.rules for r in rules_of(night) if r.tier == 0))
    assert hard.excess(x).max() < 1e-8
    assert abs(found.share.sum() - 1) < 1e-9 and (found.share >= 0).all()
    if "cpa_max" in found.eased and not (night.least > 0).any():
        best = min(kpi_of("cpa_max", v * 100, night.cost, night.rates["conversions"]) for v in corners(hard))
        assert found.eased["cpa_max"] == pytest.approx(best, rel=1e-5)
        assert "cannot be met tonight" in found.why[0] and f"{found.eased['cpa_max']:,.2f}" in found.why[0]


def test_a_wanted_split_that_keeps_everything_is_returned_to_the_last_digit() -> None:
    night = two_cells(lower=np.full(4, 0.1), rates={"clicks": np.full(4, 0.02)}, kpis=(("ctr_min", 0.01),))
    found = solve(night)
    assert found.share is night.wanted and found.moved <= 1e-12
    assert found.cell_money == pytest.approx([60, 40])
    assert "nothing had to give" in found.why[0]


def test_a_cpa_bound_is_met_by_the_nearest_mix_and_not_by_the_cheapest() -> None:
    conversions = np.array([0.001, 0.0002, 0.001, 0.0004])  # spend per conversion 2, 10, 4, 10
    night = two_cells(rates={"conversions": conversions}, kpis=(("cpa_max", 3.2),), lower=np.full(4, 0.05))
    found = solve(night, strict=True)
    assert found.wanted_kpis["cpa_max"] > 3.2
    assert found.kpis["cpa_max"] == pytest.approx(3.2, rel=1e-6)
    assert found.share[1] > 0.05 + 1e-3 or found.share[3] > 0.05 + 1e-3, (
        "what teaches is kept where the bound leaves room"
    )
    spend, conv = found.money.sum(), (found.money / night.cost * conversions).sum()
    assert spend == pytest.approx(100) and spend / conv <= 3.2 * (1 + 1e-9)


def test_an_impossible_cpa_is_refused_with_the_cheapest_one_that_can_be_had() -> None:
    night = one_cell(
        cost=np.full(3, 0.01), lower=np.full(3, 0.2), rates={"conversions": np.array([0.004, 0.002, 0.001])},
        kpis=(("cpa_max", 3.0),),
    )  # fmt: skip
    with pytest.raises(
        Infeasible, match=r"cost per conversion of at most 3\.00.*possible is: cpa_max 3\.33"
    ) as caught:
        solve(night, strict=True)
    assert set(caught.value.conflict) == {"shares", "cpa_max"}
    # 0.6, 0.2, 0.2 is the cheapest split: 0.01 / 0.0030
    assert solve(night).eased["cpa_max"] == pytest.approx(0.01 / 0.003, rel=1e-6)
    possible = Night(**{**_fields(night), "kpis": (("cpa_max", 3.34),)})
    assert solve(possible, strict=True).kpis["cpa_max"] <= 3.34


def test_spend_limits_that_sum_to_more_than_the_budget_are_named() -> None:
    limits = (Limit("a", (0,), low=70), Limit("b", (1,), low=50))
    night = two_cells(limits=limits)
    with pytest.raises(Infeasible) as caught:
        solve(night, strict=True)
    assert set(caught.value.conflict) == {"budget", "a min", "b min"}
    assert "a min 50.00; or b min 30.00" in str(caught.value)
    eased = solve(night)
    assert eased.cell_money.sum() == pytest.approx(100) and set(eased.eased) == {"a min", "b min"}


def test_a_minimum_spend_reaches_every_arm() -> None:
    found = solve(two_cells(wanted=np.array([0.98, 0.02, 0.5, 0.5]), least=np.full(4, 6.0)))
    assert found.money.min() == pytest.approx(6.0, rel=1e-8)
    assert found.cell_money.sum() == pytest.approx(100)


def test_money_moves_between_segments_only_as_far_as_it_may() -> None:
    conversions = np.array([0.001, 0.001, 0.0004, 0.0004])
    night = two_cells(
        rates={"conversions": conversions}, kpis=(("cpa_max", 2.2),), cell_low=np.array([48.0, 32.0]),
        cell_high=np.array([72.0, 48.0]),
    )  # fmt: skip
    found = solve(night)
    assert found.cell_money == pytest.approx([68, 32], abs=1e-4)
    assert "cpa_max" in found.eased and found.share == pytest.approx(night.wanted, abs=1e-5), "splits stay"


def test_tonight_alone_the_best_arm_takes_all_that_the_rules_leave() -> None:
    value = np.array([0.02, 0.03, 0.01])
    night = one_cell(rates={"value": value}, lower=np.full(3, 0.1))
    found = solve(night, learn=False)
    assert found.share == pytest.approx([0.1, 0.8, 0.1]) and found.gap == 0.0


spread = st.lists(st.floats(0.01, 0.5), min_size=3, max_size=3)


@settings(max_examples=40, deadline=None)
@given(
    mean=st.lists(st.floats(0.5, 1.5), min_size=3, max_size=3),
    sd=spread,
    rho=st.floats(0.0, 0.9),
    risk=st.floats(0.05, 3.0),
)
def test_no_split_is_surer_than_the_one_found_for_a_risk(
    mean: list[float], sd: list[float], rho: float, risk: float
) -> None:
    m, cov = np.array(mean), np.outer(sd, sd) * (rho + (1 - rho) * np.eye(3))
    rules = all_rules(one_cell(lower=np.array([0.05, 0.1, 0.0])))
    start = largest(np.zeros(3), rules)
    assert start is not None
    found = most_certain(m, cov, risk, rules, start)
    grid = GRID[(GRID >= [0.05, 0.1, 0.0]).all(axis=1)]
    values = grid @ m - risk * np.sqrt(np.einsum("ij,jk,ik->i", grid, cov, grid))
    assert found.value >= values.max() - 1e-9
    assert found.gap < 1e-7 and found.value <= values.max() + 0.01


@settings(max_examples=40, deadline=None)
@given(wanted=splits, sd=spread, risk=st.floats(0.1, 2.0), give=st.floats(0.0, 1.0))
def test_the_nearest_sure_enough_split_is_the_nearest(
    wanted: np.ndarray, sd: list[float], risk: float, give: float
) -> None:
    m, cov = np.array([1.0, 1.1, 0.9]), np.outer(sd, sd) * np.eye(3)
    rules = all_rules(one_cell())
    best = most_certain(m, cov, risk, rules, wanted)

    def value(x: np.ndarray) -> Any:
        return x @ m - risk * np.sqrt(np.einsum("...j,jk,...k->...", x, cov, x))

    least = best.value - give * (best.value - value(wanted)) * 0.7 - 1e-6
    x, gap = nearest_certain(wanted, np.eye(3), rules, m, cov, risk, least, best.x)
    assert value(x) >= least - 1e-8 and abs(x.sum() - 1) < 1e-9
    inside = GRID[value(GRID) >= least]
    if len(inside):
        assert np.linalg.norm(x - wanted) <= np.linalg.norm(inside - wanted, axis=1).min() + 1e-6
    assert gap < 1e-4


def test_risk_takes_from_what_is_uncertain_and_the_more_the_larger_it_is() -> None:
    """Two arms of equal mean, one well known: without risk they share as wanted."""
    value, cov = np.array([0.02, 0.02, 0.015]), np.diag([0.001, 0.008, 0.001]) ** 2

    def uncertain(risk: float) -> float:
        wanted = np.array([0.45, 0.45, 0.1])
        return float(solve(one_cell(wanted=wanted, rates={"value": value}, cov=cov, risk=risk)).share[1])

    shares = [uncertain(r) for r in (0.0, 0.3, 1.0, 3.0)]
    assert shares[0] == 0.45
    assert all(a >= b - 1e-9 for a, b in pairwise(shares)) and shares[-1] < 0.3


def test_arrays_that_do_not_belong_together_are_refused_by_name() -> None:
    for wrong, text in (
        ({"cost": np.zeros(3)}, "cost"), ({"money": np.array([0.0])}, "money"), ({"lower": np.zeros(2)}, "lower"),
        ({"wanted": np.array([0.5, 0.1, 0.1])}, "wanted"), ({"kpis": (("roas_min", 2.0),)}, "'revenue'"),
    ):  # fmt: skip
        with pytest.raises(BadData, match=text):
            solve(one_cell(**wrong))


def test_nearest_reports_rules_that_leave_nothing() -> None:
    rules = Rules(np.array([[1.0, 1.0], [-1.0, -1.0]]), np.array([1.0, -2.0]))
    with pytest.raises(BadData, match="no split keeps every rule"):
        nearest(np.array([0.5, 0.5]), np.eye(2), rules)


def _fields(night: Night) -> dict[str, Any]:
    return {name: getattr(night, name) for name in Night.__dataclass_fields__}


def test_an_answer_holds_money_shares_and_sums_that_agree() -> None:
    found: Money = solve(two_cells(least=np.full(4, 25.0)))
    assert found.money == pytest.approx([25.0] * 4)
    assert np.bincount([0, 0, 1, 1], found.share) == pytest.approx([1, 1])
    assert found.cell_money == pytest.approx([50, 50])
