"""`dco shadow`: from a ledger or from exports of ads that are not ours, to sentences, a page, and no change at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select

from dco import registry, schemas
from dco.cli.main import main
from dco.errors import BadData, BadInput, BadReport
from dco.jobs.desk import open_desk
from dco.jobs.init import init
from dco.jobs.shadow import shadow
from dco.records import Campaign, Lever
from dco.reports.shadow import render, table
from dco.reports.shadow_facts import ShadowReport
from dco.store import ledger
from dco.store.arms import save_creative
from dco.store.tables import Base
from tests.plan.shadow_market import Past, past
from tests.store.examples import creative, delivery, row

FIRST = date(2026, 6, 1)
NOW = datetime(2026, 6, 20, 9, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\x1b[31m ad"


def rows(of: Past, *, names: dict[int, str] | None = None, conversions: bool = False) -> list[dict[str, Any]]:
    """A simulated past as lines of an export: ads of somebody else's, known by id and name."""
    arms = {arm: i for i, (_, arm) in enumerate(of.arms)}
    found: dict[tuple[int, date], dict[str, Any]] = {}
    start = min(of.history["day"].to_pylist())
    for r in of.history.to_pylist():  # later versions overwrite earlier ones
        arm, day = arms[r["arm_id"]], FIRST + (r["day"] - start)
        said = {"conversions": r["conversions"]} if conversions else {}
        found[arm, day] = row(
            day, r["impressions"], clicks=r["clicks"], ad_id=str(7000 + arm), ad=(names or {}).get(arm, f"Ad {arm}"),
            ad_group_id="9001", ad_group="Hikers", campaign="Old", campaign_id="55", account="999-888-7777",
            spend_micros=1_000_000, line=len(found) + 2, **said,
        )  # fmt: skip
    return list(found.values())


def export(
    folder: Path, lines: Sequence[dict[str, Any]], *, stamp: datetime = NOW, name: str = "own.csv"
) -> Path:
    """A Google Ads export of these lines."""
    made = registry.load("formats", "google_ads").write(
        pa.Table.from_pylist(list(lines), schemas.REPORT), stamp=stamp, currency="EUR", title="Ad report"
    )
    path = folder / name
    path.write_bytes(made)
    return path


@pytest.fixture(scope="module")
def own() -> Past:
    """Twelve days of a simulated market that somebody else served."""
    return past(11, nights=12, arms=4, size=12_000)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    return init(tmp_path / "c")[0]


def of_export(campaign: Path, own: Past, lever: Lever | None = None, **how: Any) -> ShadowReport:
    return shadow(campaign, now=NOW, reports=[export(campaign.parent, rows(own, **how))], lever=lever)


def files(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


# -- exports of any ads -----------------------------------------------------------------------------------------------


def test_history_that_a_platform_chose_is_described_and_never_valued(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own)
    assert found.licence == "platform-chosen" and found.valued is not None and found.valued.value is None
    page, text = render(found), table(found)
    for shown in (page, text):
        assert "cannot be told from these data" in shown
        assert "let the ads rotate evenly" in shown
        assert "would have earned more" not in shown and "would have earned less" not in shown
    assert "Difference so far" not in page and "Inverse propensity" not in page
    assert found.valued.nights_of_test["rotation"] is not None
    assert f"{found.valued.nights_of_test['rotation']} nights of this traffic" in text
    said = json.loads(json.dumps(found.as_dict(), default=str))
    assert said["valued"][0]["value"] is None and "gain" not in json.dumps(said["valued"])


def test_a_rotation_is_valued_near_the_truth(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own, "rotation")
    assert found.valued is not None and found.valued.value is not None
    value = found.valued.value
    start = min(own.history["day"].to_pylist())
    arms = {str(7000 + i): key for i, key in enumerate(own.arms)}
    total: dict[date, int] = {}
    for r in found.worth.arm_days:
        total[r.day] = total.get(r.day, 0) + r.impressions
    engine, served = (
        sum(
            total[r.day] * getattr(r, of) * own.truth(arms[r.arm_id], start + (r.day - FIRST))
            for r in found.worth.arm_days
        )
        for of in ("engine", "served")
    )
    assert value.low <= engine / served - 1 <= value.high
    assert "as you said by naming the lever" in table(found)
    assert "Difference so far" in render(found)


def test_a_budget_split_says_what_delivery_would_have_to_explain(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own, "budget")
    for text in (table(found), render(found)):
        assert "Mix-adjusted at best" in text and "The sign would turn if" in text
        assert "the delivery may explain the difference" in text


def test_ads_without_attributes_are_arms_and_ad_groups_are_audiences(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own)
    assert found.segments == ("Hikers",) and set(found.labels.values()) == {f"Ad {i}" for i in range(4)}
    assert len(found.nights) == 11 and found.first_day == FIRST
    assert not found.proposals, "nothing new can be made of ads without attributes"
    assert not (campaign.parent / "store").exists(), "the store is not even opened"


def test_two_exports_of_the_same_days_count_once_and_the_newer_counts(campaign: Path, own: Past) -> None:
    lines = rows(own)
    old = export(
        campaign.parent, [r | {"clicks": 0} for r in lines], stamp=NOW - timedelta(days=2), name="old.csv"
    )
    new = export(campaign.parent, lines, name="new.csv")
    found = shadow(campaign, now=NOW, reports=[new, old])
    assert found.nights == of_export(campaign, own).nights
    assert any("nothing of old.csv counts" in note for note in found.notes)


def test_late_conversions_are_not_known_before_their_window_has_passed(campaign: Path, own: Past) -> None:
    """By conversions, a night may not move by what came in later: nights within the window know clicks alone."""
    campaign.write_text(campaign.read_text().replace("  name: ctr", "  name: cpa"))
    lines = rows(own, conversions=True)
    told = shadow(campaign, now=NOW, reports=[export(campaign.parent, lines)])
    assert told.kpi == "cpa" and told.worth.measure == "conversions"
    edge = FIRST + timedelta(days=told.window_days)
    doubled = [
        r | {"conversions": r["conversions"] * 2 if int(r["ad_id"]) % 2 else r["conversions"]} for r in lines
    ]
    other = shadow(campaign, now=NOW, reports=[export(campaign.parent, doubled)])
    early = [n.day for n in told.nights if n.day < edge]
    assert early and [n for n in other.nights if n.day < edge] == [n for n in told.nights if n.day < edge]
    assert other.nights != told.nights, "later they are known"


def test_names_from_outside_are_shown_and_not_obeyed(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own, "rotation", names={0: EVIL})
    page = render(found)
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in table(found)


@pytest.mark.parametrize(
    ("lines", "error", "says"),
    [
        (lambda rows: [r | {"ad_id": None, "ad": None} for r in rows], BadReport, "names no ads"),
        (lambda rows: [r for r in rows if r["day"] == FIRST], BadData, "on 1 day"),
        (lambda rows: [r | {"impressions": 0, "clicks": 0} for r in rows], BadData, "on 0 day"),
        (lambda rows: [], BadReport, "own.csv"),
    ],
    ids=["no ads", "one day", "nothing shown", "empty"],
)
def test_exports_that_cannot_be_replayed_are_one_clear_error(
    campaign: Path, own: Past, lines: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        shadow(campaign, now=NOW, reports=[export(campaign.parent, lines(rows(own)))])
    assert "\n" not in str(caught.value)


def test_a_real_export_is_replayed(campaign: Path, real_data: Path) -> None:
    """Two months of five real ads in one ad group, from a warehouse's table; sums by the csv module."""
    import csv

    file = real_data / "platform_api_tables" / "reddit_ads_ad_report_data.csv"
    found = shadow(campaign, now=NOW, reports=[file])
    with file.open(newline="", encoding="utf-8") as open_file:
        real = list(csv.DictReader(open_file))
    first = min(r["date"][:10] for r in real)
    shown = sum(int(r["impressions"]) for r in real if r["date"][:10] > first)
    assert sum(r.impressions for r in found.worth.arm_days) == shown
    assert found.licence == "platform-chosen" and "cannot be told from these data" in table(found)


# -- the ledger -------------------------------------------------------------------------------------------------------


def fill(campaign: Path, days: int = 6) -> Campaign:
    """A ledger of four approved creatives, reported every morning; simulated counts."""
    rng = np.random.default_rng(4)
    with open_desk(campaign) as desk:
        space, link = desk.campaign.space.attributes, desk.campaign
        made = [
            creative(f"x{i}", "commuters", **{a: options[i % len(options)] for a, options in space.items()})
            for i in range(4)
        ]
        account = link.placements[0].account
        group = link.segment("commuters").platform_ids["google_ads"][0]
        lines: list[dict[str, Any]] = []
        with desk.workspace.write() as conn:
            for one in made:
                save_creative(conn, link.key, one, FIRST, True, NOW - timedelta(days=30))
            for t in range(days):
                n = rng.multinomial(9000, rng.dirichlet(np.full(4, 10.0)))
                lines += [
                    row(
                        FIRST + timedelta(days=t), int(k), clicks=int(rng.binomial(k, 0.01 * (i + 1))),
                        arm_id=one.arm_id, ad_group_id=group, account=account, spend_micros=1_000_000,
                    )
                    for i, (one, k) in enumerate(zip(made, n, strict=True))
                ]  # fmt: skip
                stamp = datetime.combine(FIRST + timedelta(days=t + 1), datetime.min.time(), UTC) + timedelta(
                    hours=2
                )
                ledger.apply(conn, delivery(lines, stamp=stamp, account=account), stamp)
    return link


def dump(campaign: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with open_desk(campaign) as desk, desk.workspace.read() as conn:
        return {t.name: [tuple(r) for r in conn.execute(select(t))] for t in Base.metadata.sorted_tables}


def test_a_ledger_is_replayed_and_the_store_is_unchanged(campaign: Path) -> None:
    fill(campaign)
    before = dump(campaign)
    kept = {n: h for n, h in files(campaign.parent).items() if not n.startswith("store/dco.db")}
    told: list[tuple[int, int]] = []
    found = shadow(campaign, now=NOW, progress=lambda done, of: told.append((done, of)))
    render(found)
    assert dump(campaign) == before and before["cells"], "there is something that could have changed"
    assert {n: h for n, h in files(campaign.parent).items() if not n.startswith("store/dco.db")} == kept
    assert told == [(i, 5) for i in range(1, 6)]
    assert [n.day for n in found.nights] == [FIRST + timedelta(days=t) for t in range(1, 6)]
    best = max(found.nights[-1].shares.items(), key=lambda item: item[1].share)[0]
    assert found.labels[best[1]].startswith("dco"), "our own ads go by their names"
    assert found.licence == "randomised", "the first placement rotates"
    assert found.proposals > 0 and "nothing here credits them" in table(found)


def test_a_campaign_without_a_ledger_is_one_clear_error_and_makes_none(campaign: Path) -> None:
    with pytest.raises(BadInput, match=r"no ledger yet; .*--reports FILE"):
        shadow(campaign, now=NOW)
    assert not (campaign.parent / "store").exists()


def test_an_empty_ledger_is_one_clear_error(campaign: Path) -> None:
    with open_desk(campaign):
        pass
    with pytest.raises(BadInput, match="fewer than two days"):
        shadow(campaign, now=NOW)


# -- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return int(done.value.code or 0)


def test_the_command_prints_writes_its_page_and_answers_programs(
    campaign: Path, own: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = export(campaign.parent, rows(own)), str(campaign.parent)
    assert run("shadow", folder, "--reports", str(file), "--lever", "rotation") == 0
    text = capsys.readouterr().out
    assert "What it would have done differently" in text and "look at " in text
    page = campaign.parent / "outbox" / "shadow.html"
    assert page.read_text().startswith("<!doctype html>")
    assert run("shadow", folder, "--reports", str(file), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["valued"][0]["licence"] == "platform-chosen" and len(said["nights"]) == 11


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--reports", "nothing.csv"], "nothing.csv: cannot be read"),
        (["--lever", "rotation"], "--lever: belongs to --reports"),
        ([], "no ledger yet"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("shadow", str(campaign.parent), *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("dco: ") and says in error and error.count("\n") == 1


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_and_the_same_every_time(campaign: Path, own: Past) -> None:
    found = of_export(campaign, own, "rotation")
    page = render(found)
    assert page == render(found)
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""


@pytest.fixture
def page(campaign: Path, own: Past) -> Iterator[Path]:
    file = campaign.parent / "shadow.html"
    file.write_text(render(of_export(campaign, own, "rotation")), encoding="utf-8")
    yield file


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
def test_no_width_needs_scrolling_sideways(page: Path) -> None:
    frame = page.with_name("frame.html")
    frame.write_text(
        '<body><iframe src="shadow.html" style="width:390px;height:900px;border:0"></iframe><script>'
        "onload=()=>{const r=document.querySelector('iframe').contentDocument.documentElement;"
        "document.body.textContent=r.scrollWidth}</script>"
    )
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--dump-dom",
    ]
    done = subprocess.run([*command, frame.as_uri()], capture_output=True, text=True, timeout=120)
    width = int(done.stdout.split("<body>")[1].split("</body>")[0])
    assert width <= 390
