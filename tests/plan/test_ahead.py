"""How far the plan looks ahead: greedy at the end, exploring before it, and within every promise always."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.bandits import constraints
from dco.bandits.beliefs import Outlook
from dco.bandits.policies.hierarchical_thompson import Policy
from dco.elements.model import FitSettings, fit
from dco.errors import BadData
from dco.plan import ahead
from dco.plan.reading import read
from dco.plan.segment import split
from dco.plan.settings import as_settings
from dco.prompts.genome import as_space
from dco.records import PlanSettings
from dco.stats.best import p_best_normal
from tests.plan.test_optimizer import DAY, SPACE, arm, plan, table

FREE: dict[str, Any] = {"floor": 0.0, "holdout": 0.0, "step": 1.0}
MEAN, SD = np.log([0.020, 0.021, 0.018, 0.0205]), np.array([0.08, 0.10, 0.09, 0.15])


def shares(found: Any) -> dict[str, float]:
    return {r["arm_id"]: r["share"] for r in found.shares.to_pylist()}


def test_the_last_night_goes_to_the_best_arm_alone() -> None:
    arms = [arm(i) for i in range(4)]
    history = table(arms, days=3, traffic=1_000, seed=2, flat=True)
    last, early = plan(history, arms, nights_left=0, **FREE), plan(history, arms, nights_left=14, **FREE)
    best = max(last.shares.to_pylist(), key=lambda r: r["mean"])["arm_id"]
    assert shares(last)[best] == pytest.approx(1.0)
    assert 0.2 < shares(early)[best] < 1.0
    assert [r["p_best"] for r in last.shares.to_pylist()] == [r["p_best"] for r in early.shares.to_pylist()]


def test_the_nearer_the_end_the_more_the_strongest_arm_gets() -> None:
    chance = p_best_normal(MEAN, SD)
    tops = [
        float(ahead.shares_ahead(chance, MEAN, SD, Outlook(3, 3_000.0, 3_000.0 * n)).max())
        for n in (0, 1, 3, 10, 30, 1000)
    ]
    assert tops == sorted(tops, reverse=True)
    assert tops[0] == 1.0 and tops[-1] < 0.6


def test_with_a_far_horizon_the_shares_are_much_like_p_best() -> None:
    """Somewhat sharper or flatter, as the data of a night will resolve much or little; in the same order."""
    chance = p_best_normal(MEAN, SD)
    far, last = (ahead.shares_ahead(chance, MEAN, SD, Outlook(3, 3_000.0, later)) for later in (3e9, 0.0))
    assert np.abs(far - chance).sum() / 2 < 0.2 < 0.5 < np.abs(last - chance).sum() / 2
    assert (np.argsort(far) == np.argsort(chance)).all()


def test_without_traffic_to_judge_by_the_shares_are_p_best() -> None:
    chance = p_best_normal(MEAN, SD)
    assert (ahead.shares_ahead(chance, MEAN, SD, Outlook()) == chance).all()


@pytest.mark.parametrize("nights", [0, 1, 6, 40])
def test_the_same_belief_gets_the_shares_that_the_policy_of_the_study_gives(nights: int) -> None:
    """Another route: the policy's own Gamma posteriors, told to the plan as log mean and sd."""
    policy = Policy(dispersion=1.9)
    state = policy.update(policy.init(4), [84, 105, 70, 99], [4200, 4900, 3900, 4400])
    shape, rate, _, _ = policy._beliefs(state)
    sd = np.sqrt(np.log1p(1 / shape))
    mean = np.log(shape / rate) - sd**2 / 2
    theirs = policy.allocate(state, np.random.default_rng(0), Outlook(3, 3_000.0, 3_000.0 * nights))
    ours = ahead.shares_ahead(
        p_best_normal(mean, sd), mean, sd, Outlook(3, 3_000.0 / 1.9, 3_000.0 / 1.9 * nights)
    )
    assert ours == pytest.approx(theirs, abs=0.03)


def test_the_unit_of_value_does_not_matter() -> None:
    chance = p_best_normal(MEAN, SD)
    clicks = ahead.shares_ahead(chance, MEAN, SD, Outlook(3, 3_000.0, 9_000.0))
    cents = ahead.shares_ahead(chance, MEAN + np.log(450.0), SD, Outlook(3, 3_000.0 / 450, 9_000.0 / 450))
    assert clicks == pytest.approx(cents, abs=1e-9)


@pytest.mark.parametrize(
    ("left", "horizon", "counts"), [(None, 14, 14), (3, 14, 3), (60, 14, 14), (0, 14, 0)]
)
def test_no_more_nights_count_than_are_left_or_than_the_horizon_has(
    left: int | None, horizon: int, counts: int
) -> None:
    assert ahead.nights_that_count(PlanSettings(nights_left=left, horizon_days=horizon)) == counts


def test_tonight_is_last_week_s_daily_traffic_of_the_segment_over_the_dispersion() -> None:
    arms = [arm(i) for i in range(4)] + [arm(i, "b") for i in range(4)]
    older = table(arms, days=12, traffic=9_000)
    day = (np.datetime64(DAY) - np.asarray(older["day"])).astype(int)
    history = older.filter(day >= 7)
    both = [history, table(arms[:4], days=7, traffic=1_000), table(arms[4:], days=7, traffic=3_000)]
    known = read(as_space(SPACE), ("a", "b"), pa.concat_tables(both), arms, None, None, DAY)
    model = fit(known.history, known.alphabet, FitSettings())
    given_ = PlanSettings(segments=("a", "b"), nights_left=5)
    for s, daily in ((0, 4_000), (1, 12_000)):
        found = ahead.outlook(model, known, given_, s)
        assert found.tonight * model.rates[-1].dispersion == pytest.approx(daily, rel=0.03)
        assert found.later == pytest.approx(5 * found.tonight)


def test_the_rarest_stage_decides_how_much_a_night_can_tell() -> None:
    """Conversions are what a cpa night counts: its outlook expects as many events as conversions, not clicks."""
    arms = [arm(i) for i in range(4)]

    def rare(row: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        orders = float(rng.binomial(row["clicks"], 0.05))
        return {"conversions": orders, "revenue_micros": int(orders * 40e6)}

    history = table(arms, days=7, traffic=5_000, extra=rare)
    known = read(as_space(SPACE), ("a",), history, arms, None, None, DAY)
    expected = {
        "clicks": np.sum(known.history.clicks) / 7,
        "revenue": np.nansum(known.history.conversions) / 7,
    }
    for last, stages in (("clicks", ("clicks",)), ("revenue", ("clicks", "revenue"))):
        model = fit(known.history, known.alphabet, FitSettings(stages=stages))
        mean, _ = model.moments(0, known.history.codes, np.arange(4))
        found = ahead.outlook(model, known, PlanSettings(segments=("a",)), 0)
        events = found.tonight * model.rates[-1].dispersion * np.exp(mean).mean()
        assert events == pytest.approx(expected[last], rel=0.25)


def test_the_reason_says_in_numbers_what_looking_ahead_changed() -> None:
    arms = [arm(i) for i in range(4)]
    history = table(arms, days=3, traffic=1_000, seed=2, flat=True)
    said = " ".join(plan(history, arms, nights_left=1, **FREE).why)
    assert "sharpened by looking ahead: with 1 night that counts after tonight" in said
    assert "% instead of its" in said
    last = " ".join(plan(history, arms, nights_left=0, **FREE).why)
    assert "with no night after tonight" in last and "due 100%" in last


def test_while_it_is_open_whether_anything_is_to_be_found_the_shares_keep_exploring() -> None:
    """What the nights teach then decides about new ideas too; with none allowed, or too late for any, it does not."""
    arms = [arm(i) for i in range(6)]
    history = table(arms, days=3, traffic=1_000, seed=2, flat=True)
    free = FREE | {"max_live": 8}
    open_, no_ideas, late = (
        plan(history, arms, **free, **more)
        for more in ({"nights_left": 9}, {"nights_left": 9, "max_new": 0}, {"nights_left": 3})
    )
    for r in open_.shares.to_pylist():
        assert r["share"] == pytest.approx(r["p_best"], abs=1e-9)
    assert any("without looking ahead" in text for text in open_.why)
    for found in (no_ideas, late):
        assert any("looking ahead: with" in text for text in found.why)
        assert shares(found) != shares(open_)
    found = plan(table(arms, days=9, seed=2), arms, nights_left=9, **free)
    assert not any("without looking ahead" in text for text in found.why)


@settings(max_examples=60)
@given(
    k=st.integers(1, 12), nights=st.integers(0, 60), floor=st.sampled_from([0.0, 0.02, 0.08]),
    holdout=st.sampled_from([0.0, 0.1]), step=st.sampled_from([0.05, 0.25, 1.0]), seed=st.integers(0, 9_999),
)  # fmt: skip
def test_looking_ahead_breaks_no_promise_and_is_the_same_each_time(
    k: int, nights: int, floor: float, holdout: float, step: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mean, root = rng.normal(-4, 0.3, k), rng.normal(0, 0.1, (k, k))
    cov = root @ root.T + 1e-4 * np.eye(k)
    control = rng.random(k) < 0.5
    control[0] = True
    previous = rng.dirichlet(np.ones(k))
    days = rng.integers(0, 9, k)
    days[0] = 5
    outlook = Outlook(5, 2_000.0, 2_000.0 * nights)
    given_ = PlanSettings(floor=floor, holdout=holdout, step=step)
    found, again = (
        split(mean, cov, None, control, days, previous, given_, [f"arm {i}" for i in range(k)], ahead=outlook)
        for _ in range(2)
    )
    assert (found.share == again.share).all() and found.why == again.why
    constraints.check(
        found.share, floor=floor, holdout=holdout, control_share=found.control_share,
        retired=np.array([i in found.reasons for i in range(k)]), previous=previous, step=step,
    )  # fmt: skip


@pytest.mark.parametrize("wrong", [-1, 2.5, True])
def test_nights_left_is_a_whole_number_or_nothing(wrong: Any) -> None:
    with pytest.raises(BadData, match="nights_left"):
        as_settings({"nights_left": wrong})
