"""What every simulated market keeps, whichever file it is in."""

from __future__ import annotations

import numpy as np
import pytest

from dco import registry
from dco.simulate import baselines
from dco.simulate.loop import equal_shares, run

MARKETS = registry.names("markets")


@pytest.fixture(params=MARKETS)
def market(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    return registry.load("markets", request.param)(seed=3)


def test_the_truth_is_seeded_and_does_not_depend_on_who_asks(market) -> None:  # type: ignore[no-untyped-def]
    again = type(market)(seed=3)
    for arm in market.starting_pool(3):
        one = market.rate(arm["segment"], arm["attributes"], 5, 2)
        assert one == again.rate(arm["segment"], dict(reversed(arm["attributes"].items())), 5, 2)
        assert 0 < one.ctr < 0.5 and 0 < one.cvr < 1 and one.aov > 0


def test_nothing_beats_the_oracle(market) -> None:  # type: ignore[no-untyped-def]
    for kpi in ("ctr", "cpa", "revenue_per_impression"):
        for segment in market.segments:
            best = market.oracle(segment, 9, kpi)
            pool = [a for a in market.starting_pool(12) if a["segment"] == segment]
            assert all(
                market.value(market.rate(segment, a["attributes"], 9, 0), kpi) <= best * (1 + 1e-9)
                for a in pool
            )


def test_served_counts_are_possible_and_restated_upwards(market) -> None:  # type: ignore[no-untyped-def]
    arms = market.starting_pool(4)
    rows = market.serve(0, arms, equal_shares(arms), {}, np.random.default_rng(0))
    assert {r.arm_id for r in rows} == {a["arm_id"] for a in arms}
    for row in rows:
        assert 0 <= sum(row.conversions) <= row.clicks <= row.impressions
        known = [row.known(t) for t in range(market.window_days)]
        assert row.known(-1) is None and known == sorted(known)
        assert known[-1] == (
            row.impressions,
            row.clicks,
            sum(row.conversions),
            pytest.approx(sum(row.revenue)),
        )
    traffic = sum(r.impressions for r in rows)
    assert traffic == pytest.approx(sum(market.daily_impressions), rel=0.05)


def test_clicks_follow_the_stated_rate(market) -> None:  # type: ignore[no-untyped-def]
    """60 days of one arm: clicks over their expectation is 1 within five standard errors (day scatter .08, Poisson)."""
    arm = market.starting_pool(1)[:1]
    share = {(arm[0]["segment"], arm[0]["arm_id"]): 1.0}
    rng = np.random.default_rng(1)
    clicks = expected = 0.0
    for day in range(60):
        row = market.serve(day, arm, share, {arm[0]["arm_id"]: 0}, rng)[0]
        clicks += row.clicks
        expected += row.impressions * market.rate(row.segment, arm[0]["attributes"], day, day).ctr
    assert clicks / expected == pytest.approx(1, abs=5 * np.sqrt(1 / expected + 0.08**2 / 60))


def test_a_run_repeats_itself(market) -> None:  # type: ignore[no-untyped-def]
    one, two = (run(market, baselines.thompson_beta, 4, np.random.default_rng(5)) for _ in range(2))
    assert one.engine.tolist() == two.engine.tolist()
    assert (one.oracle >= one.equal - 1e-9).all()
