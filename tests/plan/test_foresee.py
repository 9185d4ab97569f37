"""Forecasts against simulated markets: what was said of a day, a week and a new arm, and what was then counted."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pytest

from dco import registry
from dco.elements.fatigue import Wear, wear_posterior
from dco.plan.foresee import Said, forecasts, tiredness
from dco.plan.optimizer import Optimizer
from dco.simulate.book import FIRST_DAY
from dco.simulate.loop import Night, run
from tests.plan.test_optimizer import arm, plan, table

NIGHTS = 18
Cell = tuple[str, str, date]


def lived(seed: int) -> tuple[list[tuple[date, Said]], dict[Cell, tuple[int, int]]]:
    """What a loop's nights said (with the day it was said of), and the impressions and clicks that came."""
    market = registry.load("markets", "additive")(
        seed=seed, segments=("commuters", "parents"), daily_impressions=(40_000, 25_000)
    )
    settings = {"segments": market.segments, "max_new": 1, "max_live": 8, "speed": "fast"}
    optimizer = Optimizer(market.space, settings)
    said: list[tuple[date, Said]] = []
    nights: list[Night] = []

    def decide(night: Night):
        found = optimizer.plan(night.history, night.live, night.pending, night.rejected, night.day, night.rng)
        day = night.day + timedelta(days=1)
        wear = wear_posterior(found.basis.model)
        said.extend(
            (day, one) for one in forecasts(found.basis, found.shares.to_pylist(), wear, day=day, settle=7)
        )
        nights.append(night)
        return found

    run(market, decide, NIGHTS, np.random.default_rng([seed, 9]), kpi="ctr", start_per_segment=5)
    columns = ("segment", "arm_id", "day", "as_of", "impressions", "clicks")
    counted = {}
    for row in sorted(nights[-1].history.select(columns).to_pylist(), key=lambda r: r["as_of"]):
        counted[row["segment"], row["arm_id"], row["day"]] = (row["impressions"], row["clicks"])
    return said, counted


@pytest.fixture(scope="module")
def lives() -> list[tuple[list[tuple[date, Said]], dict[Cell, tuple[int, int]]]]:
    return [lived(seed) for seed in (11, 12, 13)]


def test_80_percent_intervals_of_a_days_rate_hold_between_70_and_90_percent(lives) -> None:
    inside = []
    for said, counted in lives:
        ends: dict[tuple[str, date], dict[str, float]] = defaultdict(dict)
        for day, one in said:
            if one.name.startswith("day."):
                ends[one.subject, day][one.name.split(".")[1]] = one.value
        for (segment, day), end in ends.items():
            cells = [v for (s, _, d), v in counted.items() if (s, d) == (segment, day)]
            if cells:
                rate = sum(c for _, c in cells) / sum(n for n, _ in cells)
                inside.append(end["low"] <= rate <= end["high"])
                assert end["low"] < end["mid"] < end["high"]
    assert len(inside) > 80
    assert 0.70 <= np.mean(inside) <= 0.90


def test_probabilities_of_beating_the_rest_are_better_than_the_frequency_and_nearly_reliable(lives) -> None:
    said_of, came = [], []
    for said, counted in lives:
        for day, one in said:
            if one.name != "beats.p.clicks" or day + timedelta(days=7) > FIRST_DAY + timedelta(days=NIGHTS):
                continue
            segment, _, name = one.subject.rpartition("/")
            earned = expected = 0.0
            for d in (day + timedelta(days=i) for i in range(7)):
                own = counted.get((segment, name, d))
                others = [v for (s, a, t), v in counted.items() if (s, t) == (segment, d) and a != name]
                if own and sum(n for n, _ in others):
                    earned += own[1]
                    expected += own[0] * sum(c for _, c in others) / sum(n for n, _ in others)
            if expected:
                said_of.append(one.value)
                came.append(earned > expected)
    p, y = np.array(said_of), np.array(came, float)
    assert len(p) > 150
    assert ((p - y) ** 2).mean() < 0.8 * y.mean() * (1 - y.mean())
    assert abs(p.mean() - y.mean()) < 0.12
    assert y[p > 0.8].mean() > 0.6 > 0.2 > y[p < 0.2].mean()


def test_only_new_arms_get_a_gain_and_only_served_ones_a_loss() -> None:
    arms = [arm(i) for i in range(6)]
    found = plan(table(arms[:5], days=6, traffic=5_000, seed=2), arms)
    wear = wear_posterior(found.basis.model)
    said = forecasts(found.basis, found.shares.to_pylist(), wear, day=date(2026, 3, 9), settle=7)
    subjects = {kind: {s.subject for s in said if s.name.startswith(kind)} for kind in ("gain.", "loss.")}
    new = f"a/{arms[5]['arm_id']}"
    assert subjects["gain."] <= {new} and new not in subjects["loss."] and subjects["loss."]
    assert all(0 <= s.value <= 1 for s in said if s.name.startswith(("beats.", "loss.")))
    assert len({(s.subject, s.name, s.due) for s in said}) == len(said)
    assert {arm_id for _, arm_id, _ in tiredness(found.basis, found.shares.to_pylist(), wear)} <= {
        a["arm_id"] for a in arms[:5]
    }


def test_before_any_click_nothing_is_foretold() -> None:
    found = plan(None, [arm(i) for i in range(3)])
    assert (
        forecasts(
            found.basis,
            found.shares.to_pylist(),
            Wear(np.zeros((0, 1)), np.zeros(1)),
            day=date(2026, 3, 9),
            settle=7,
        )
        == []
    )
