"""A rehearsed run against what is known of it, and what many runs say together, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dco.errors import BadData, UnknownName
from dco.simulate import baselines
from dco.simulate.loop import Choice, Night, equal_shares
from dco.simulate.market import DEMO_SPACE, BaseMarket
from dco.simulate.rehearsal import (
    CAUTIOUS,
    NEAR,
    NULL,
    PROFILES,
    Scenario,
    Traffic,
    Trial,
    build,
    generator,
    pool_rows,
    profile,
    trial,
)  # fmt: skip
from dco.simulate.rehearsal_summary import (
    Yardstick,
    change,
    of_difference,
    proved_from,
    smallest_shown,
    summarise,
)  # fmt: skip

TRAFFIC = Traffic(("a", "b"), (4000, 2000), 0.01, 0.05, 40.0, (2.0, 0.5))
SCENARIO = Scenario(start=4, new=2, budget=1.0, nights=5, flight=5)


def market_of(name: str = "additive", run: int = 0) -> BaseMarket:
    return build(profile(name), TRAFFIC, DEMO_SPACE, 3, run)


def pool_of(market: BaseMarket, n: int = 4) -> list[dict[str, object]]:
    return market.starting_pool(n)


def play(decide: Callable[[Night], Choice], market: BaseMarket, **changes: float) -> Trial:
    given = {"creation_cost": 0.0, "approval_nights": 1} | changes
    return trial(
        market, decide, pool_of(market), SCENARIO, generator(3, "additive", 0, 2), name="additive", run_number=0,
        kpi="ctr", **given,
    )  # type: ignore[arg-type]  # fmt: skip


def knows(market: BaseMarket, sign: int) -> Callable[[Night], Choice]:
    """Splits equally, and believes of every creative what is true (or the opposite)."""

    def decide(night: Night) -> Choice:
        shares = equal_shares(night.live)
        rows = []
        for arm in night.live:
            rate = market.rate(str(arm["segment"]), arm["attributes"], night.index + 1, night.index + 1)  # type: ignore[arg-type]
            key = str(arm["segment"]), str(arm["arm_id"])
            rows.append({"segment": key[0], "arm_id": key[1], "share": shares[key], "mean": rate.ctr**sign})
        return Choice(rows)

    return decide


def test_an_equal_split_is_never_ahead_and_pays_for_nothing() -> None:
    found = play(baselines.equal, market_of())
    np.testing.assert_allclose(found.engine, found.equal)
    assert found.made.sum() == 0 and len(found.engine) == SCENARIO.nights


def test_who_knows_the_truth_leads_right_and_who_believes_the_opposite_leads_wrong() -> None:
    market = market_of()
    assert (play(knows(market, 1), market).right == 1).all()
    worst = play(knows(market, -1), market).right
    spread = [
        market.rate(str(a["segment"]), a["attributes"], 1, 1).ctr
        for a in pool_of(market)
        if a["segment"] == "a"  # type: ignore[arg-type]
    ]
    assert min(spread) < (1 - NEAR) * max(spread), "or the worst would be as good as the best"
    assert (worst < 1).all()


def test_before_anybody_leads_a_guess_among_equals_is_right() -> None:
    null = market_of(NULL)
    assert (play(baselines.equal, null).right == 1).all()
    assert (play(baselines.equal, market_of()).right < 1).all()


def test_creatives_are_paid_for_when_they_are_made() -> None:
    idea = {a: o[0] for a, o in DEMO_SPACE.attributes.items()}

    def makes_one(night: Night) -> Choice:
        return replace(baselines.equal(night), proposals=[{"segment": "a", "attributes": idea}])

    market = market_of(NULL)
    free, paid = play(makes_one, market), play(makes_one, market, creation_cost=7.0)
    np.testing.assert_allclose(free.engine - paid.engine, 7.0)
    assert free.made.tolist() == [1] * SCENARIO.nights


def test_a_truth_belongs_to_market_seed_and_run_and_to_no_budget() -> None:
    idea = {a: o[1] for a, o in DEMO_SPACE.attributes.items()}
    rate = lambda m: m.rate("a", idea, 0, 0)  # noqa: E731
    assert rate(market_of()) == rate(build(profile("additive"), TRAFFIC.times(3), DEMO_SPACE, 3, 0))
    others = [market_of(run=1), market_of(CAUTIOUS), build(profile("additive"), TRAFFIC, DEMO_SPACE, 4, 0)]
    assert all(rate(m) != rate(market_of()) for m in others)


def test_segments_click_as_often_as_was_measured() -> None:
    plain = build(profile("additive"), replace(TRAFFIC, levels=()), DEMO_SPACE, 3, 0)
    idea = {a: o[1] for a, o in DEMO_SPACE.attributes.items()}
    for segment, level in zip(TRAFFIC.segments, TRAFFIC.levels, strict=True):
        assert market_of().rate(segment, idea, 2, 1).ctr == pytest.approx(
            level * plain.rate(segment, idea, 2, 1).ctr
        )


def test_traffic_counts_what_the_kpi_counts() -> None:
    assert TRAFFIC.events("ctr") == pytest.approx(0.01 * (2 * 4000 + 0.5 * 2000))
    assert TRAFFIC.events("cpa") == pytest.approx(0.05 * 90)
    assert TRAFFIC.worth("roas") == pytest.approx(40 * 4.5) and TRAFFIC.worth("cpa") == TRAFFIC.events("cpa")
    assert TRAFFIC.times(0.5).impressions == (2000, 1000)


def test_every_profile_and_every_market_of_the_family_can_be_met_and_no_other() -> None:
    for name in (*PROFILES, "wear_out"):
        assert build(profile(name), TRAFFIC, DEMO_SPACE, 1, 0).segments == ("a", "b")
    with pytest.raises(UnknownName, match="did you mean 'additive'"):
        profile("aditive")
    with pytest.raises(BadData, match="no starting creatives"):
        trial(
            market_of(), baselines.equal, pool_rows({}), SCENARIO, generator(1, "x", 0, 0), name="x", run_number=0,
            kpi="ctr", creation_cost=0, approval_nights=1,
        )  # fmt: skip


def made_up(
    run: int, engine: list[float], right: list[float], market: str = "m", equal: float = 10.0
) -> Trial:
    n = len(engine)
    return Trial(market, run, np.array(engine), np.full(n, equal), np.array(right), np.ones(n, np.int64))


PLAN = Scenario(4, 2, 1.0, 3, 3)


def test_a_summary_says_what_the_runs_say() -> None:
    trials = [made_up(0, [9, 12, 15], [0, 1, 1]), made_up(1, [11, 9, 19], [0.4, 0.6, 1])]
    found = summarise(trials, PLAN, Yardstick.of(PLAN, trials))
    np.testing.assert_allclose(found.mean, [0.0, (0.05 + 0.0) / 2, (0.2 + 0.3) / 2], atol=1e-12)
    assert found.lift == pytest.approx((0.25, 0.21, 0.29))
    assert (found.runs, found.ahead, found.ahead_from, found.known_from, found.made) == (2, 1.0, 3, 2, 3)


def test_ahead_once_and_then_behind_is_not_ahead() -> None:
    trials = [made_up(0, [20, 20, -30], [1, 1, 0])]
    found = summarise(trials, PLAN, Yardstick.of(PLAN, trials))
    assert found.ahead_from is None and found.known_from is None and found.ahead == 0
    flat = [made_up(0, [10, 10, 10], [1, 1, 1])]
    assert summarise(flat, PLAN, Yardstick.of(PLAN, flat)).ahead == 0, "a draw is not ahead"


def test_more_starting_creatives_are_held_against_the_plans_equal_split() -> None:
    plan = [made_up(0, [11, 11, 11], [1, 1, 1])]
    other = replace(PLAN, start=8, budget=2.0)
    lucky = [made_up(0, [24, 24, 24], [1, 1, 1], equal=22.0)]
    found = change(lucky, other, plan, Yardstick.of(PLAN, plan))
    assert found is not None and found.points == pytest.approx(24 / 20 - 1 - 0.1)
    assert not found.clear, "one pair proves nothing"


def test_scenarios_with_fewer_runs_are_read_beside_the_plan_of_all_runs() -> None:
    plan = [
        made_up(0, [11, 11, 11], [1] * 3),
        made_up(1, [13, 13, 13], [1] * 3),
        made_up(2, [15, 15, 15], [1] * 3),
    ]
    yard = Yardstick.of(PLAN, plan)
    longer = replace(PLAN, budget=0.5, nights=4)
    runs = [made_up(0, [6, 6, 6, 6], [1] * 4, equal=5.0), made_up(1, [7, 7, 7, 7], [1] * 4, equal=5.0)]
    found = summarise(runs, longer, yard, plan)
    np.testing.assert_allclose(found.mean, 0.3 + (0.2 + 0.4) / 2 - (0.1 + 0.3) / 2)
    paired = change(runs, longer, plan, yard)
    assert paired is not None and paired.points == pytest.approx(0.1) and paired.error == pytest.approx(0.0)
    assert paired.clear and paired.points == pytest.approx(
        found.lift[0] - summarise(plan, PLAN, yard).lift[0]
    )


def test_only_markets_with_differences_count_unless_there_are_no_others() -> None:
    both = [made_up(0, [1.0], [1]), made_up(0, [1.0], [1], NULL)]
    assert of_difference(both) == both[:1] and of_difference(both[1:]) == both[1:]


def test_the_holdout_shows_smaller_gains_with_every_night_and_none_without_it() -> None:
    least = smallest_shown(TRAFFIC, replace(SCENARIO, nights=40), "ctr", 0.1)
    assert least is not None and (np.diff(least) < 0).all()
    double = smallest_shown(TRAFFIC, replace(SCENARIO, nights=40, budget=2.0), "ctr", 0.1)
    assert double is not None and (double < least).all() and (double[:20] > least[1:40:2]).all(), (
        "twice the traffic is not twice the nights: days vary too"
    )
    assert smallest_shown(TRAFFIC, SCENARIO, "ctr", 0.0) is None
    none = smallest_shown(replace(TRAFFIC, impressions=(0, 0)), SCENARIO, "cpa", 0.1)
    assert none is not None and np.isinf(none).all()


def test_a_gain_shows_from_the_night_on_which_it_is_large_enough_to_stay() -> None:
    trials = [made_up(0, [10, 12, 14], [1, 1, 1])]
    found = summarise(trials, PLAN, Yardstick.of(PLAN, trials))  # 0, 10 and 20 per cent
    assert proved_from(found, np.array([0.3, 0.2, 0.1])) == 3
    assert proved_from(found, np.array([0.0, 0.2, 0.1])) == 3
    assert proved_from(found, np.array([0.3, 0.2, 0.3])) is None and proved_from(found, None) is None
