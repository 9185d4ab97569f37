"""Each market's stated property, by another route than its own code."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from dco import registry
from dco.records import Space
from dco.simulate import baselines
from dco.simulate.loop import Choice, Night, run
from dco.simulate.stage import Stage, Standing


def market(name: str, **fields):  # type: ignore[no-untyped-def]
    return registry.load("markets", name)(**{"seed": 5} | fields)


def standing(m, n: int = 400, seed: int = 0, segment: int | None = None) -> tuple[Standing, np.ndarray]:  # type: ignore[no-untyped-def]
    """Fresh random creatives, each alone, and their option codes."""
    rng = np.random.default_rng(seed)
    codes = m.ideas[rng.integers(len(m.ideas), size=n)]
    where = rng.integers(len(m.segments), size=n) if segment is None else np.full(n, segment)
    zero, one = np.zeros(n), np.ones(n)
    parts = m.parts(where, codes, np.zeros(n, np.int64))
    return Standing(where, parts, zero, zero, zero, one, one * 1e9, True), codes


def additive_share(m, codes: np.ndarray, y: np.ndarray) -> float:  # type: ignore[no-untyped-def]
    """Share of the variance of y that a sum over options explains, by least squares."""
    x = m.alphabet.design(codes)
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(1 - (y - fitted).var() / y.var())


def idea_clicks(name: str, day: int = 0) -> tuple[object, np.ndarray, np.ndarray]:
    """(market, codes, log effects on CTR of 4,000 random ideas in the first segment, without luck)."""
    m = market(name)
    codes = m.ideas[np.random.default_rng(1).integers(len(m.ideas), size=4000)]
    return m, codes, m.effects(m.idea_parts(np.zeros(4000, np.int64), codes), day)[0]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("additive", 0.999, 1), ("interactions", 0.2, 0.6), ("picture", 0.4, 0.85), ("trees", 0.2, 0.75)],
)
def test_how_much_of_an_idea_adds_up_over_its_options(name: str, low: float, high: float) -> None:
    assert low <= additive_share(*idea_clicks(name)) <= high


def test_tags_of_pictures_err_as_often_as_stated_and_words_never() -> None:
    m = market("picture")
    _, codes = standing(m, 5000)
    wrong = m.shown(np.zeros(5000, np.int64), codes, np.zeros(5000, np.int64)) != codes
    words = [a for a, n in enumerate(m.alphabet.attributes) if n in ("headline", "cta")]
    assert not wrong[:, words].any()
    assert wrong[:, m.seen].mean(axis=0) == pytest.approx(m.mislabel, abs=5 * np.sqrt(0.09 / 5000))


def test_drift_forgets_its_winners_in_a_quarter_turn() -> None:
    (_, _, now), (_, _, later) = idea_clicks("drift"), idea_clicks("drift", 90)
    assert abs(np.corrcoef(now, later)[0, 1]) < 0.6
    assert later.std() == pytest.approx(now.std(), rel=0.2)


def test_null_has_nothing_to_gain() -> None:
    found = run(
        market("null"), baselines.random_refresh(market("null").space, 1), 20, np.random.default_rng(0)
    )
    np.testing.assert_allclose(found.oracle, found.equal)
    np.testing.assert_allclose(found.engine, found.equal)
    assert np.isnan(found.oracle_share_at(10))


def test_being_shown_wears_a_creative_out_and_resting_does_not() -> None:
    m = market("wear_out")
    fresh, _ = standing(m, 3, segment=0)
    old = replace(fresh, age=np.full(3, 60.0))
    shown = replace(fresh, shown=np.full(3, 20.0 * m.daily_impressions[0]))
    clicks = [m.truth(s, 4)[:, 0] for s in (fresh, old, shown)]
    np.testing.assert_allclose(clicks[1], clicks[0])
    np.testing.assert_allclose(clicks[2] / clicks[0], 41**-0.25)
    again = m.rate(m.segments[0], m.alphabet.decode(m.ideas[7]), 4, 60, take=1)
    assert again != m.rate(m.segments[0], m.alphabet.decode(m.ideas[7]), 4, 60)


def test_sparse_markets_have_few_clicks_and_late_ones_half_their_conversions_after_a_week() -> None:
    for name, most in (("sparse", 200), ("sparse_late", 500)):
        m = market(name)
        assert m.base_ctr * sum(m.daily_impressions) < most
    assert market("sparse_late").window_days == 28
    assert 0.4 < market("sparse_late").lags[7:].sum() < 0.6
    assert market("sparse").lags[7:].sum() < 0.25


def test_few_orders_make_the_revenue() -> None:
    m = market("heavy_tails")
    orders = np.ones((200_000, 1), np.int64)
    value = m.money(orders, np.full(len(orders), 60.0), np.random.default_rng(0))[:, 0]
    assert value.mean() == pytest.approx(60, rel=0.05)
    value.sort()
    gamma = market("additive").money(orders, np.full(len(orders), 60.0), np.random.default_rng(0))[:, 0]
    gamma.sort()
    assert value[-2000:].sum() / value.sum() > 0.08 > 0.04 > gamma[-2000:].sum() / gamma.sum()


def test_what_wins_clicks_loses_value() -> None:
    m = market("clickbait")
    s, _ = standing(m, 4000, segment=0)
    truth = m.truth(s, 0)
    clicks, buys, value = np.log(truth[:, 0]), np.log(truth[:, 1]), np.log(m.worth(truth, m.kpi))
    assert np.corrcoef(clicks, buys)[0, 1] < -0.7
    assert -0.75 < np.corrcoef(clicks, value)[0, 1] < -0.3
    bait = run(m, baselines.thompson_beta, 30, np.random.default_rng(0))
    assert bait.lift < 0, "chasing clicks earns less than doing nothing"


def test_an_on_off_platform_ignores_shares_but_not_zero() -> None:
    m = market("on_off")
    stage = Stage(m)
    arms = stage.enter([a for a in m.starting_pool(4) if a["segment"] == m.segments[0]])
    asked = [np.array(x) for x in ([0.25] * 4, [0.7, 0.1, 0.1, 0.1], [0.5, 0.49, 0.01, 0.0])]
    one, two, three = (stage.deliver(arms, x, 3)[0].share for x in asked)
    np.testing.assert_allclose(one, two)
    assert (three[2:] == 0).all() and three.sum() == pytest.approx(1)
    nothing = stage.stand(arms, asked[0], 3)
    stage.close(arms, asked[0], nothing, np.full(4, 50_000), np.array([900, 500, 500, 500]), 3)
    assert stage.deliver(arms, asked[1], 4)[0].share[0] > 0.85, "it follows clicks"


class Flood:
    """Proposes as much as it may every night; notes what it saw."""

    def __init__(self, m, per_night: int) -> None:  # type: ignore[no-untyped-def]
        self._m, self._n = m, per_night
        self.nights: list[Night] = []

    def __call__(self, night: Night) -> Choice:
        self.nights.append(night)
        ideas = self._m.ideas[night.rng.integers(len(self._m.ideas), size=(len(self._m.segments), self._n))]
        made = [
            {"segment": s, "attributes": self._m.alphabet.decode(c)}
            for s, rows in zip(self._m.segments, ideas)
            for c in rows
        ]
        return Choice(baselines.equal(night).shares, made)


def test_the_gate_answers_after_three_nights_approves_five_a_week_and_refuses_three_in_ten() -> None:
    m = market("human_gate")
    flood = Flood(m, 4)
    found = run(m, flood, 29, np.random.default_rng(0))
    live = [len(n.live) for n in flood.nights]
    assert live[:3] == [18] * 3 and live[3] > 18
    assert all(len(n.pending) == len(n.waiting) for n in flood.nights)
    ids = [{a["arm_id"] for a in n.live} for n in flood.nights]
    for week in range(4):
        before = ids[7 * week - 1] if week else {a["arm_id"] for a in m.starting_pool(6)}
        new = [a for a in flood.nights[7 * week + 6].live if a["arm_id"] not in before]
        assert set(Counter(str(a["segment"]) for a in new).values()) == {5}
    last = flood.nights[-1]
    assert not {a["arm_id"] for a in last.rejected} & ids[-1]
    assert found.refused.sum() == len(last.rejected) > 0
    assert len(last.live) - 18 + len(last.rejected) + len(last.pending) == found.created[:-1].sum()


def test_the_hidden_taste_refuses_a_stated_share_in_every_seed() -> None:
    shares = []
    for seed in range(20):
        m = market("human_gate", seed=seed)
        s, codes = standing(m, 3000)
        shares.append(1 - m.verdicts(s.segment, codes, np.zeros(3000, np.int64)).mean())
    assert np.mean(shares) == pytest.approx(0.30, abs=0.02)
    assert np.std(shares) < 0.04


def test_withdrawn_ideas_leave_the_queue() -> None:
    m = market("human_gate")
    flood = Flood(m, 2)

    def decide(night: Night) -> Choice:
        return replace(flood(night), withdraw=night.pending)

    found = run(m, decide, 8, np.random.default_rng(0))
    assert found.live.tolist() == [18] * 8
    assert found.refused.sum() == 0 and found.created.sum() == 8 * 6


def test_an_edit_restarts_the_learning_phase_and_a_small_one_does_not() -> None:
    m = market("learning_phase", week_sd=0.0)
    stage = Stage(m)
    arms = stage.enter([a for a in m.starting_pool(2) if a["segment"] == m.segments[0]])
    loss = []
    for day, share in enumerate([0.5] * 6 + [0.6] + [0.9] + [0.9] * 5):
        intended = np.array([share, 1 - share])
        now, truth = stage.deliver(arms, intended, day)
        whole = m.truth(replace(now, since_edit=np.full(2, 1e9)), day)
        loss.append(1 - truth[0, 0] / whole[0, 0])
        stage.close(arms, intended, now, 0, 0, day)
    expected = [0.3, 0.225, 0.15, 0.075, 0, 0, 0, 0.3, 0.225, 0.15, 0.075, 0, 0]
    np.testing.assert_allclose(loss, expected, atol=1e-12)


def test_divergent_delivery_biases_the_naive_rate_and_keeps_the_audience() -> None:
    m = market("divergent")
    stage = Stage(m)
    arms = stage.enter(m.starting_pool(12))
    share = np.full(len(arms), 1 / 12)
    now, truth = stage.deliver(arms, share, 0)
    for s in range(len(m.segments)):
        mine = now.segment == s
        met = now.share[mine] @ m.mix(now)[mine]
        np.testing.assert_allclose(met, m.sizes, atol=2e-3)
    true = m.truth(replace(now, alone=True), 0)
    bias = np.log(truth[:, 0] / true[:, 0])
    assert bias.std() > 0.15, "who saw an arm moves its rate about as much as what it is"
    only = np.zeros(len(arms))
    only[[0, 12, 24]] = 1.0
    _, everyone = stage.deliver(arms, only, 0)
    np.testing.assert_allclose(everyone[[0, 12, 24]], true[[0, 12, 24]], rtol=5e-3)


def test_of_a_space_of_millions_an_oracle_looks_through_some() -> None:
    space = Space({f"a{k}": tuple("abcdefgh") for k in range(8)})
    m = market("additive", space=space, segments=("all",), daily_impressions=(1000,))
    assert 100_000 < len(m.ideas) <= 200_000
    pool = [m.rate("all", a["attributes"], 0, 0).ctr for a in m.starting_pool(100)]
    assert max(pool) < m.oracle("all", 0, "ctr")
