"""A shadow's sentences: a figure only where there is one, and the honest words in its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from dco.plan.shadow import arms_of, replay
from dco.plan.shadow_moves import moves
from dco.plan.shadow_value import worth
from dco.records import PlanSettings
from dco.reports import shadow_words as told
from dco.reports.shadow import by_difference, lines, render, table
from dco.reports.shadow_facts import ShadowReport
from dco.simulate.loop import FIRST_DAY
from tests.plan.shadow_market import SPACE, Past, past

SETTINGS = PlanSettings(segments=("all",), speed="fast", max_new=0)


def report(of: Past, settings: PlanSettings = SETTINGS) -> ShadowReport:
    """A simulated past, replayed."""
    arms = arms_of(of.history)
    nights = replay(of.history, arms, SPACE, settings, lambda d: np.random.default_rng(d.toordinal()))
    found = worth(of.history, nights, settings, window_days=14, read_on=FIRST_DAY)
    days = of.history["day"].to_pylist()
    labels = {a.arm_id: f"Ad {i}" for i, a in enumerate(arms)}
    return ShadowReport(
        "c", "Brand", settings.kpi, datetime(2026, 5, 1, tzinfo=UTC), (), min(days), max(days), nights, found,
        moves(found.arm_days, nights), labels, "EUR", 14, {"site": "rotation"}, simulated="additive market",
    )  # fmt: skip


@pytest.fixture(scope="module")
def clear() -> ShadowReport:
    return report(past(0))


@pytest.fixture(scope="module")
def thin() -> ShadowReport:
    return report(past(0, size=250))


@pytest.fixture(scope="module")
def equal() -> ShadowReport:
    return report(past(3, creative_sd=0.0, buy_sd=0.0))


def test_a_gain_is_told_with_its_interval_and_amount(clear: ShadowReport) -> None:
    assert clear.valued is not None and clear.valued.value is not None
    value = clear.valued.value
    first, second = told.verdict(clear, clear.valued)
    assert value.low > 0 and told.headline(clear) == f"+{100 * value.gain:.0f} %"
    assert (
        "earned more clicks" in first
        and f"about {value.would - value.earned:,.0f} clicks more over 7 days" in first
    )
    assert "drawn at random by the shares on record" in second
    assert told.interval(clear).endswith("95 % interval")


def test_too_few_results_have_no_figure_anywhere(thin: ShadowReport) -> None:
    assert told.headline(thin) == "Cannot be told" and told.interval(thin) == ""
    first, way_out = told.verdict(thin, thin.valued)
    assert "cannot be told from these data" in first and "at least 50 are needed" in first
    assert "nights of this traffic" in way_out
    assert "Difference so far" not in render(thin)
    value = json.loads(json.dumps(thin.as_dict(), default=str))["valued"][0]["value"]
    assert value["gain"] is value["low"] is value["would"] is value["cumulated"] is None
    assert set(value["checks"].values()) == {None} and value["doubt"]


def test_a_difference_that_is_not_told_apart_is_no_headline(equal: ShadowReport) -> None:
    assert told.headline(equal) == "Not told apart"
    (first, _) = told.verdict(equal, equal.valued)
    assert "not told apart" in first and "like these would tell a difference of that size" in first


def test_at_most_eight_differences_are_told_the_largest_first(clear: ShadowReport) -> None:
    sentences = told.told_moves(clear)
    assert 1 <= len(sentences) <= 8
    assert f"“{clear.labels[clear.moves[0].arm_id]}”" in sentences[0] and "instead of" in sentences[0]


def test_shares_of_the_table_add_up(clear: ShadowReport) -> None:
    rows = lines(clear)
    assert sum(r.served for r in rows) == pytest.approx(1) and sum(r.engine for r in rows) == pytest.approx(1)
    assert sum(r.last for r in rows) == pytest.approx(1)
    assert by_difference(clear) == ["all"]


def test_a_simulated_past_is_labelled_everywhere(clear: ShadowReport) -> None:
    page = render(clear)
    assert "SIMULATED MARKET" in page and page.count("Simulated market: additive market") >= 3
    assert table(clear).startswith("SIMULATED MARKET: ")


def test_new_ideas_are_counted_in_words_and_credited_nowhere() -> None:
    of = past(2, nights=4)
    with_ideas = report(of, PlanSettings(segments=("all",), speed="fast", max_new=2))
    assert with_ideas.proposals > 0
    assert f"{with_ideas.proposals} new ads" in told.ideas(with_ideas)
    assert any("nothing here credits them" in s for s in told.caveats(with_ideas))


def test_arm_ids_in_a_reason_become_what_people_call_the_ads() -> None:
    reason = "Earns less than ad-7 and beats ad-71 rarely"
    assert (
        told.named(reason, {"ad-7": "Blue", "ad-71": "Red"})
        == "earns less than “Blue” and beats “Red” rarely"
    )
