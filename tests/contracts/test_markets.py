"""What every simulated market keeps, whichever file it is in."""

from __future__ import annotations

import numpy as np
import pytest

from dco import registry
from dco.simulate import baselines
from dco.simulate.loop import equal_shares, run
from dco.simulate.oracle import candidates
from dco.simulate.stage import Stage, Standing, coded

MARKETS = registry.names("markets")
PROMISED = {
    "additive", "clickbait", "divergent", "drift", "heavy_tails", "human_gate", "interactions", "learning_phase",
    "null", "on_off", "picture", "sparse", "sparse_late", "trees", "wear_out",
}  # fmt: skip


@pytest.fixture(params=MARKETS)
def market(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    return registry.load("markets", request.param)(seed=3)


def random_creatives(market, n, seed=0):  # type: ignore[no-untyped-def]
    """(segment, codes) of n random ideas in random segments."""
    rng = np.random.default_rng(seed)
    codes = market.ideas[rng.integers(len(market.ideas), size=n)]
    return rng.integers(len(market.segments), size=n), codes


def alone(segment, parts):  # type: ignore[no-untyped-def]
    """Fresh arms, each as if it had all traffic."""
    zero, one = np.zeros(len(segment)), np.ones(len(segment))
    return Standing(segment, parts, zero, zero, zero, one, one * 1e9, True)


def test_the_markets_promised_are_there() -> None:
    assert set(MARKETS) >= PROMISED


def test_a_market_says_what_it_is_judged_by_and_how_kind_it_is(market) -> None:  # type: ignore[no-untyped-def]
    assert market.kpi in ("ctr", "cpa", "revenue_per_impression")
    assert "creative_sd" in type(market).__doc__ or market.name == "additive"
    assert 0 <= market.creative_sd <= 0.3 and 0.3 <= market.attribute_share <= 0.8
    assert market.creation_cost() > 0


def test_the_truth_is_seeded_and_does_not_depend_on_who_asks(market) -> None:  # type: ignore[no-untyped-def]
    again = type(market)(seed=3)
    for arm in market.starting_pool(3):
        one = market.rate(arm["segment"], arm["attributes"], 5, 2)
        assert one == again.rate(arm["segment"], dict(reversed(arm["attributes"].items())), 5, 2)
        assert 0 < one.ctr < 0.5 and 0 < one.cvr < 1 and one.aov > 0
    segment, codes = random_creatives(market, 50)
    takes = np.arange(50) % 3
    together = market.truth(alone(segment, market.parts(segment, codes, takes)), 5)
    for i in range(0, 50, 7):
        genome = market.alphabet.decode(codes[i])
        single = market.rate(market.segments[segment[i]], genome, 5, 0, int(takes[i]))
        assert tuple(single) == pytest.approx(together[i], rel=1e-12)


def test_creatives_spread_as_stated_and_takes_of_an_idea_share_what_is_stated(market) -> None:  # type: ignore[no-untyped-def]
    """The log-sd of CTR within segments is creative_sd, the correlation of two takes attribute_share.

    By simulation; mistaken tags lower what takes have in common.
    """
    segment, codes = random_creatives(market, 6000)
    logs = []
    for take in (0, 1):
        parts = market.parts(segment, codes, np.full(len(codes), take))
        logs.append(np.log(market.truth(alone(segment, parts), 0)[:, 0]))
    for s in range(len(market.segments)):
        logs = [np.where(segment == s, x - x[segment == s].mean(), x) for x in logs]
    assert np.std(logs) == pytest.approx(market.creative_sd, rel=0.15)
    if market.creative_sd:
        found = np.corrcoef(logs)[0, 1]
        lower = 0.35 if market.name == "picture" else 0.10
        assert market.attribute_share - lower < found < market.attribute_share + 0.10


def test_two_hundred_random_pools_do_not_beat_the_oracle(market) -> None:  # type: ignore[no-untyped-def]
    """Even if the best arm of a pool of 12 is known at once in every segment, and none is worn."""
    pools, n = 200, 12
    traffic = np.array(market.daily_impressions, float)
    best = np.zeros(pools)
    for s in range(len(market.segments)):
        _, codes = random_creatives(market, pools * n, seed=s)
        where = np.full(len(codes), s)
        parts = market.parts(where, codes, np.zeros(len(codes), np.int64))
        value = market.worth(market.truth(alone(where, parts), 9), market.kpi)
        best += value.reshape(pools, n).max(axis=1) * traffic[s]
    oracle = sum(market.oracle(s, 9, market.kpi) * t for s, t in zip(market.segments, traffic))
    assert (best <= oracle * (1 + 1e-9)).all()


def test_random_refresh_does_not_beat_the_oracle_of_a_run(market) -> None:  # type: ignore[no-untyped-def]
    cost = market.creation_cost()
    decide = baselines.random_refresh(market.space, 0.5)
    found = run(market, decide, 20, np.random.default_rng(1), start_per_segment=3, creation_cost=cost)
    assert found.engine.sum() <= found.oracle.sum() * (1 + 1e-9)
    assert found.oracle.sum() >= found.equal.sum() * (1 - 1e-9)


def test_a_creative_the_oracle_may_make_would_be_approved(market) -> None:  # type: ignore[no-untyped-def]
    rows = candidates(market, market.kpi, 0)
    assert {r["segment"] for r in rows} == set(market.segments)
    assert market.verdicts(*coded(market, rows)).all()


def test_served_counts_are_possible_and_restated_upwards(market) -> None:  # type: ignore[no-untyped-def]
    arms = market.starting_pool(4)
    rows = market.serve(0, arms, equal_shares(arms), {}, np.random.default_rng(0))
    assert {r.arm_id for r in rows} == {a["arm_id"] for a in arms}
    for row in rows:
        assert 0 <= sum(row.conversions) <= row.clicks <= row.impressions
        assert len(row.conversions) == len(row.revenue) == market.window_days
        known = [row.known(t) for t in range(market.window_days)]
        assert row.known(-1) is None and known == sorted(known)
        complete = (row.impressions, row.clicks, sum(row.conversions), pytest.approx(sum(row.revenue)))
        assert known[-1] == complete
    traffic = sum(r.impressions for r in rows)
    assert traffic == pytest.approx(sum(market.daily_impressions), rel=0.05)


def test_conversions_come_late_and_all_within_the_window(market) -> None:  # type: ignore[no-untyped-def]
    assert market.lags.shape == (market.window_days,)
    assert market.lags.sum() == pytest.approx(1) and (market.lags > 0).all()
    assert market.lags[0] < 0.5


def test_the_expected_value_of_a_day_is_the_mean_of_many_served_days(market) -> None:  # type: ignore[no-untyped-def]
    """Third day of a run, by 400 draws within five standard errors: the accounting against what reports would add up to."""
    stage = Stage(market)
    arms = stage.enter(market.starting_pool(5))
    share = np.random.default_rng(2).dirichlet(np.ones(5), size=len(market.segments)).ravel()
    for day in range(2):
        stage.expected(arms, share, day, market.kpi)
    standing, truth = stage.deliver(arms, share, 2)
    assert np.bincount(standing.segment, standing.share) == pytest.approx(1)
    rng = np.random.default_rng(0)
    column = {"ctr": 1, "cpa": 2, "revenue_per_impression": 3}[market.kpi]
    seen = np.array([market.draw(standing, truth, rng)[column].sum() for _ in range(400)])
    expected = stage.value(standing, truth, market.kpi)
    assert seen.mean() == pytest.approx(expected, abs=5 * seen.std() / 20)
    assert seen.std() / 20 < 0.1 * expected, "the test can tell"


def test_clicks_follow_the_stated_rate(market) -> None:  # type: ignore[no-untyped-def]
    """60 days of one arm: clicks over their expectation is 1 within five standard errors (day scatter .08, Poisson)."""
    stage = Stage(market)
    arm = stage.enter(market.starting_pool(1)[:1])
    rng = np.random.default_rng(1)
    clicks = expected = 0.0
    for day in range(60):
        standing, truth = stage.deliver(arm, np.ones(1), day)
        drawn = market.draw(standing, truth, rng)
        stage.close(arm, np.ones(1), standing, drawn.impressions, drawn.clicks, day)
        clicks += float(drawn.clicks[0])
        expected += float(drawn.impressions[0] * truth[0, 0])
    assert clicks / expected == pytest.approx(1, abs=5 * np.sqrt(1 / expected + 0.08**2 / 60))


def test_a_run_repeats_itself(market) -> None:  # type: ignore[no-untyped-def]
    one, two = (run(market, baselines.thompson_beta, 3, np.random.default_rng(5)) for _ in range(2))
    other = run(type(market)(seed=3), baselines.thompson_beta, 3, np.random.default_rng(5))
    assert one.engine.tolist() == two.engine.tolist() == other.engine.tolist()
    assert one.oracle.tolist() == other.oracle.tolist()
