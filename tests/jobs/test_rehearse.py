"""`dco rehearse`: an answer before launch that is labelled, repeatable, and honest where nothing can be learnt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from dco import registry
from dco.cli.main import main
from dco.errors import BadInput, DcoError, UnknownName
from dco.jobs.desk import open_desk
from dco.jobs.ingest import ingest_file
from dco.jobs.init import init, template
from dco.jobs.rehearse import rehearse, write_page
from dco.jobs.rehearse_options import Choice, chosen
from dco.jobs.simulated import day_of, morning
from dco.jobs.traffic import Expected, Stated, creation_in_kpi, expected, planned_daily, seen
from dco.records import Campaign
from dco.reports.rehearsal import as_dict, text
from dco.settings import load_campaign
from dco.settings.campaign import parse_campaign
from dco.simulate.market import BaseMarket
from dco.simulate.reports import Outlet, report_rows

PLAIN = Choice(scenarios=["none"], markets=["additive"], runs=1, nights=4)
RICH = Stated(daily_impressions=60_000, ctr=0.02)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The written example, three starting creatives a segment; nothing is drawn."""
    made = init(tmp_path / "c")[0]
    made.write_text(
        template().replace("starting_per_segment: 5", "starting_per_segment: 3"), encoding="utf-8"
    )
    return made


def campaign(*changes: tuple[str, str]) -> Campaign:
    written = template()
    for old, new in changes:
        assert written.count(old) == 1, old
        written = written.replace(old, new)
    return parse_campaign(written)


def plain(value: object) -> object:
    return json.loads(json.dumps(value, allow_nan=False))


def test_a_seed_gives_one_answer_whatever_the_processes(file: Path) -> None:
    choice = replace(PLAIN, scenarios=["new=0"], markets=["faint", "null"], runs=2, nights=2)
    told: list[tuple[int, int]] = []
    one = as_dict(rehearse(file, choice, RICH, progress=lambda a, b: told.append((a, b))))
    assert plain(as_dict(rehearse(file, replace(choice, workers=2), RICH))) == plain(one)
    assert plain(as_dict(rehearse(file, replace(choice, seed=2), RICH))) != plain(one)
    assert told == [(i, 5) for i in range(1, 6)], (
        "two runs of two markets, and one of the scenario where ads differ"
    )


def test_everything_told_is_labelled_as_simulated_and_says_what_it_rests_on(file: Path) -> None:
    found = rehearse(file, replace(PLAIN, markets=["faint", "null"], scenarios=["new=0,budget=2"]), RICH)
    words = text(found)
    assert words.startswith("SIMULATED")
    assert "SIMULATED, as planned" in words and "SIMULATED, scenarios" in words
    assert "no new creatives, twice the budget" in words
    page = write_page(file, found).read_text(encoding="utf-8")
    assert page.count("<caption>SIMULATED") == page.count('<table class="wide">') == 2
    assert page.count("<svg") == 3 and "<script" not in page and "src=" not in page
    assert page.count("simulated") > 5 and "No real person saw an ad" in page
    sources = {b.name: b.source for b in found.basis}
    assert sources["impressions a day"] == sources["click-through rate"] == "stated"
    assert sources["conversions per click"] == "assumed" and sources["guardrails"] == "campaign file"
    for basis in found.basis:
        assert basis.name in words and basis.value in words


def test_programs_get_plain_numbers(file: Path) -> None:
    found = plain(as_dict(rehearse(file, replace(PLAIN, scenarios=["nights=2"]), RICH)))
    assert isinstance(found, dict)
    assert found["simulated"] is True and found["verdict"]["tone"] in ("go", "maybe", "stop")
    plan, shorter = found["scenarios"]
    assert (plan["label"], shorter["label"], plan["change"]) == ("as planned", "2 nights", None)
    assert (
        len(shorter["together"]["by_night"]["mean"]) == 2 and len(plan["together"]["by_night"]["high"]) == 4
    )
    assert shorter["together"]["lift"]["mean"] == shorter["together"]["by_night"]["mean"][-1]
    assert shorter["change"]["error"] is None, "one pair has no error"
    assert {b["source"] for b in found["basis"]} <= {
        "stated",
        "measured",
        "assumed",
        "derived",
        "campaign file",
    }


def test_the_command_prints_the_answer_and_refuses_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--market", "null", "--runs", "1", "--nights", "1", "--scenario", "none", "--workers", "1"]
    with pytest.raises(SystemExit) as done:
        main(["rehearse", str(file.parent), *few, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert done.value.code == 0 and found["simulated"] and Path(found["page"]).is_file()
    with pytest.raises(SystemExit) as done:
        main(["rehearse", str(file.parent), *few, "--ctr", "2"])
    assert done.value.code == 2
    assert (
        capsys.readouterr().err
        == "dco: --ctr: expected a number above 0 and at most 0.5, got 2; write 0.02 for 2 %\n"
    )


def test_where_no_ad_is_better_nothing_is_promised(file: Path) -> None:
    found = rehearse(file, replace(PLAIN, markets=["null"], nights=6), RICH)
    assert abs(found.plan.together.lift[0]) < 1e-3 and found.plan.together.ahead == 0
    assert as_dict(found)["verdict"]["tone"] == "stop"


def test_much_more_budget_learns_more_where_there_is_something_to_learn(file: Path) -> None:
    choice = Choice(markets=["additive"], scenarios=["budget=0.02"], runs=3, nights=7)
    plan, poor = rehearse(file, choice, RICH).rows
    assert poor.change is not None and poor.change.points < 0
    assert plan.together.right >= poor.together.right
    assert plan.least is not None and poor.least is not None and plan.least < poor.least


def test_with_too_little_traffic_the_advice_is_not_to_test(file: Path) -> None:
    found = rehearse(
        file, replace(PLAIN, markets=["faint", "additive"]), Stated(daily_impressions=30, ctr=0.001)
    )
    assert "Do not run this as a test" in text(found)


@pytest.mark.parametrize(
    ("ask", "stated", "error", "said"),
    [
        (Choice(markets=["nul"]), Stated(), UnknownName, "did you mean 'null'"),
        (Choice(scenarios=["star=3"]), Stated(), UnknownName, "did you mean 'start'"),
        (Choice(scenarios=["start"]), Stated(), BadInput, "expected KEY=NUMBER"),
        (Choice(scenarios=["start=0"]), Stated(), BadInput, "from 2 to 12"),
        (Choice(scenarios=["start=13"]), Stated(), BadInput, "guardrails.max_live"),
        (Choice(scenarios=["budget=-1"]), Stated(), BadInput, "multiple of the planned budget"),
        (Choice(scenarios=["budget=nan"]), Stated(), BadInput, "got 'nan'"),
        (Choice(scenarios=["new=1,new=2"]), Stated(), BadInput, "there twice"),
        (Choice(scenarios=["nights=1.5"]), Stated(), BadInput, "a whole number"),
        (Choice(runs=0), Stated(), BadInput, "--runs: expected a whole number from 1"),
        (Choice(nights=-3), Stated(), BadInput, "--nights: .*got -3"),
        (Choice(seed=-1), Stated(), BadInput, "--seed"),
        (Choice(approval_nights=0), Stated(), BadInput, "--approval-nights"),
        (Choice(), Stated(ctr=0.8), BadInput, "--ctr: .*write 0.008 for 0.8 %"),
        (Choice(), Stated(cvr=-0.1), BadInput, "--cvr"),
        (Choice(), Stated(cpm=float("nan")), BadInput, "--cpm"),
        (Choice(), Stated(order_value=0.0), BadInput, "--order-value"),
        (Choice(), Stated(daily_impressions=-5), BadInput, "--daily-impressions"),
        (Choice(), Stated(daily_impressions=1), BadInput, "fewer than one a segment"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_simulated(
    ask: Choice, stated: Stated, error: type[DcoError], said: str, file: Path
) -> None:
    with pytest.raises(error, match=said):
        rehearse(file, ask, stated)
    assert not (file.parent / "store").exists() and not (file.parent / "outbox").exists()


def test_neighbours_fit_the_guardrails_and_what_is_left_out_is_said() -> None:
    plan = chosen(campaign(), Choice())
    assert [s.differs(plan.scenarios[0]) for s in plan.scenarios] == [
        {}, {"start": 3}, {"new": 0}, {"new": 1}, {"new": 4}, {"budget": 0.5}, {"budget": 2.0}, {"nights": 28},
    ]  # fmt: skip
    assert any("12 starting creatives" in line for line in plan.left_out)
    assert any("nights 43 to 91" in line for line in plan.left_out)
    short = chosen(campaign(("end: 2026-11-30", "end: 2026-09-14")), Choice())
    assert {"nights": 28} in [s.differs(short.scenarios[0]) for s in short.scenarios]
    quick = chosen(campaign(), Choice(quick=True))
    assert len(quick.scenarios) == 4 and quick.scenarios[0].nights == 21 and quick.scenarios[0].flight == 91


def test_a_person_takes_longer_to_approve_than_a_rule() -> None:
    by_rule = (
        "  by: person\n  # standing_rules:", "  standing_rules:\n    - {name: r, by: Jane, until: 2026-12-01}\n  # old:"
    )  # fmt: skip
    assert chosen(campaign(), Choice()).approval_nights == 2
    assert chosen(campaign(by_rule), Choice()).approval_nights == 1
    assert chosen(campaign(by_rule), Choice(approval_nights=5)).approval_nights == 5


def test_money_lasts_for_the_flight_and_becomes_impressions() -> None:
    found = expected(campaign(), Stated(cpm=6.0), None)
    assert planned_daily(campaign())[0] == pytest.approx(30_000 / 91)
    assert sum(found.traffic.impressions) == pytest.approx(1000 * 30_000 / 91 / 6.0, abs=3)
    assert planned_daily(campaign(("total: 30000", "total: 0")))[0] == 900
    both = expected(campaign(), Stated(daily_impressions=90_000, cpm=2.0), None)
    assert both.daily == 180 and both.traffic.impressions == (30_000,) * 3


def test_a_currency_without_a_default_price_asks_for_one() -> None:
    yen = campaign(("currency: EUR", "currency: JPY"))
    with pytest.raises(BadInput, match="--cpm: there is no default in JPY"):
        expected(yen, Stated(), None)
    assert expected(yen, Stated(cpm=600.0), None).cpm == pytest.approx(600, rel=1e-3)
    sales = campaign(("currency: EUR", "currency: JPY"), ("name: ctr  ", "name: roas  "))
    with pytest.raises(BadInput, match="--order-value: there is no default in JPY"):
        expected(sales, Stated(cpm=600.0), None)
    nothing = campaign(("total: 30000", "total: 0"), ("daily: 900", "daily: 0"))
    with pytest.raises(BadInput, match="states no budget"):
        expected(nothing, Stated(), None)


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ([], lambda e: 0.05 / 0.40),
        ([("  click_value: 0.40", "  # click_value: 0.40")], lambda e: 0.05 / e.cpm * 1000 * e.traffic.ctr),
        ([("name: ctr  ", "name: roas  ")], lambda e: 0.05),
        ([("creation_per_creative: 0.05", "creation_per_creative: 0")], lambda e: 0.0),
    ],
)  # fmt: skip
def test_a_creative_costs_what_its_money_is_worth_in_the_kpi(
    changes: list[tuple[str, str]], cost: Callable[[Expected], float]
) -> None:
    found = expected(campaign(*changes), Stated(), None)
    assert creation_in_kpi(campaign(*changes), found)[0] == pytest.approx(cost(found), rel=1e-3)


def test_the_workspaces_own_reports_are_measured_and_the_user_may_overrule_them(file: Path) -> None:
    plan = load_campaign(file)
    keys = tuple(s.key for s in plan.segments)
    market: BaseMarket = registry.load("markets", "null")(
        seed=2, segments=keys, daily_impressions=(40_000, 20_000, 5_000), base_ctr=0.02, base_cvr=0.1, week_sd=0.0,
        segment_levels=(1.0, 0.5, 2.0),
    )  # fmt: skip
    pool = market.starting_pool(2)
    shares = {(str(a["segment"]), str(a["arm_id"])): 0.5 for a in pool}
    served = [s for t in range(5) for s in market.serve(t, pool, shares, {}, np.random.default_rng(t))]
    place = plan.placements[0]
    groups = {s.key: s.platform_ids[place.platform][0] for s in plan.segments}
    outlet = Outlet(place.platform, place.account, plan.currency, plan.key, groups)
    rows = report_rows(served, outlet, [outlet], 30)
    write = registry.load("formats", place.platform).write
    path = file.parent / "last-season.csv"
    path.write_bytes(write(rows, stamp=morning(30, plan.zone), currency=plan.currency, title="Ad report"))
    with open_desk(file) as desk:
        ingest_file(desk, path, now=datetime(2026, 9, 1, tzinfo=UTC))
        reports = seen(desk)
    assert reports is not None and (reports.first, reports.last, reports.days) == (day_of(0), day_of(4), 5)
    total = sum(s.impressions for s in served)
    clicks = sum(s.clicks for s in served)
    found = expected(plan, Stated(), reports)
    assert found.traffic.ctr == pytest.approx(clicks / total)
    assert found.traffic.cvr == pytest.approx(sum(sum(s.conversions) for s in served) / clicks, rel=1e-6)
    assert found.cpm == pytest.approx(4.0, rel=1e-3), "as the simulated platform charges"
    parts = np.array(found.traffic.impressions) / sum(found.traffic.impressions)
    np.testing.assert_allclose(parts, np.array([40, 20, 5]) / 65, atol=0.01)
    levels = np.array(found.traffic.levels)
    np.testing.assert_allclose(levels / levels[0], [1.0, 0.5, 2.0], rtol=0.1)
    sources = {b.name: b.source for b in found.basis}
    assert sources["click-through rate"] == sources["impressions by segment"] == "measured"
    over = expected(plan, Stated(ctr=0.001, daily_impressions=650), reports)
    assert over.traffic.ctr == 0.001 and over.traffic.impressions == pytest.approx((400, 200, 50), abs=4)
    told = rehearse(file, replace(PLAIN, nights=1))
    assert "measured" in {b.source for b in told.basis}, "the command finds the same store"
