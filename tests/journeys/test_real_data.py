"""Real product photos through drafting and composition, and real connector tables through the loop, file to report."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dco.errors import DcoError
from dco.jobs import draft
from dco.jobs.approve import approve
from dco.jobs.create import Batch
from dco.jobs.desk import Desk, open_desk
from dco.jobs.facts import arm_days
from dco.jobs.ingest import Taken, ingest_file, ingest_inbox
from dco.jobs.nightly import Night, nightly
from dco.jobs.simulated import morning
from dco.jobs.status import status
from dco.platforms.names import ad_name
from dco.store.arms import ArmRow, arms
from dco.store.ledger import freshness

from .real_campaigns import (
    GOOGLE,
    GOOGLE_PLACEMENT,
    META,
    META_PLACEMENT,
    named_export,
    on_photo,
    rows_of,
    sums,
)

pytestmark = pytest.mark.realdata

PHOTOS = (
    "solidus_bottles_1", "solidus_bottles_2", "solidus_cap_red_1", "solidus_dark_tee", "solidus_mug_set",
    "solidus_notebook", "solidus_sticker", "solidus_tshirt", "coffee_cc0",
)  # fmt: skip
ZONE = "America/Los_Angeles"
"""The Google account's own, by google_ads_account_history_data.csv."""
MEASURES = ("impressions", "clicks", "spend_micros")


# -- photos ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drafted(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Batch | str]:
    """Photo -> its first creatives, or the words of the refusal."""
    photos = {name: real_data / "brand_assets" / "products" / f"{name}.png" for name in PHOTOS}
    file = on_photo(tmp_path_factory.mktemp("photos") / "campaign", photos[PHOTOS[0]])
    found: dict[str, Batch | str] = {}
    # One desk, so that the backdrops are painted once: the same ideas stand behind every photo.
    with open_desk(file) as desk:
        for name, photo in photos.items():
            shutil.copyfile(photo, desk.root / desk.campaign.product_photo)
            try:
                found[name] = draft.start(desk, now=morning(-1, "Europe/Berlin"))
            except DcoError as error:
                found[name] = str(error)
    return found


@pytest.mark.parametrize("name", PHOTOS)
def test_an_ad_shows_the_real_product_unaltered_or_says_why_there_is_none(
    name: str, drafted: Mapping[str, Batch | str]
) -> None:
    """A reason names the size or the file, the part of the ad, and what was measured."""
    batch = drafted[name]
    made, reasons = (
        ((), [batch]) if isinstance(batch, str) else (batch.made, [n.reason for n in batch.not_made])
    )
    assert made or reasons
    for one in made:
        assert set(one.ads) == {"300x250", "1200x628"}
        for size, ad in one.ads.items():
            assert ad.measures["product_max_abs_diff"] == 0, size
            assert f"{ad.raster.shape[1]}x{ad.raster.shape[0]}" == size
    for reason in reasons:
        assert re.search(r"\b(\d+x\d+, \w+|product\.png): .*\d", reason), reason


def test_nearly_every_real_photo_gives_ads(drafted: Mapping[str, Batch | str]) -> None:
    given = [name for name, batch in drafted.items() if isinstance(batch, Batch) and batch.made]
    assert len(given) >= 7, {name: batch for name, batch in drafted.items() if name not in given}


# -- the loop -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A campaign whose ads are those of the real tables, after the night that read them."""

    file: Path
    before: Path
    """A copy of the campaign's folder from before any report came in; both exports lie in its inbox."""
    named: list[Taken]
    """The earlier exports, which tell the ads' names."""
    night: Night
    now: datetime
    arm_of: Mapping[str, ArmRow]
    """Real ad id -> arm."""
    on_the_named_days: Mapping[str, int]
    """What each ad had on the earlier exports' day."""
    tables: Mapping[str, Path]


def three_in_the_morning(day: date) -> datetime:
    return datetime.combine(day, time(3), ZoneInfo(ZONE))


@pytest.fixture(scope="module")
def told(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = real_data / "platform_api_tables"
    tables = {name: folder / name for name in (GOOGLE, META)}
    google, meta = rows_of(tables[GOOGLE]), rows_of(tables[META])
    (google_account,), (meta_account,) = {r["customer_id"] for r in google}, {r["account_id"] for r in meta}
    # The resource name ends in the ad group's id; a Meta ad's ad set stands only in the history table.
    group_of = {r["ad_id"]: r["ad_group"].rpartition("/")[2] for r in google}
    ads = rows_of(folder / "facebook_ads_ad_history_data.csv")
    set_of = {r["id"]: r["ad_set_id"] for r in ads if r["id"] in {m["ad_id"] for m in meta}}
    first = min(date.fromisoformat(r["date"]) for r in google + meta)
    last = max(date.fromisoformat(r["date"]) for r in google + meta)

    halves = sorted(set_of.values())
    file = on_photo(
        tmp_path_factory.mktemp("loop") / "campaign",
        real_data / "brand_assets" / "products" / "solidus_mug_set.png",
        segments=[
            {
                "key": "searchers",
                "description": "Looking for a mug",
                "platform_ids": {"google_ads": sorted(set(group_of.values())), "meta": halves[:2]},
            },
            {"key": "scrollers", "description": "Looking at friends", "platform_ids": {"meta": halves[2:]}},
        ],
        placements=[
            GOOGLE_PLACEMENT | {"account": google_account},
            META_PLACEMENT | {"account": meta_account},
        ],
        flight={"start": first - timedelta(days=1), "end": last + timedelta(days=30), "zone": ZONE},
        budget={"currency": "USD", "total": 30_000, "daily": 900, "creation_per_creative": 0.05},
    )
    with open_desk(file) as desk:
        eve = three_in_the_morning(desk.campaign.start - timedelta(days=1))
        draft.start(desk, now=eve)
        approve(desk, ["all"], by="Jane Doe", now=eve)
        first_night = nightly(file, now=three_in_the_morning(desk.campaign.start))
        assert first_night.version == 1

        arm_of = dressed(desk, {"google_ads": group_of, "meta": set_of})
        counts = tell_the_names(desk, desk.campaign.start, group_of, set_of, arm_of)
    before = shutil.copytree(file.parent, file.parent.with_name("before"))
    with open_desk(file) as desk:
        named = ingest_inbox(desk, now=three_in_the_morning(first))
        for name, table in tables.items():
            shutil.copyfile(table, desk.inbox / name)
    now = three_in_the_morning(last + timedelta(days=1))
    return Told(file, before, named, nightly(file, now=now), now, arm_of, counts, tables)


def dressed(desk: Desk, groups: Mapping[str, Mapping[str, str]]) -> dict[str, ArmRow]:
    """Real ad id -> the live arm it shows: each in turn, of the segment that the ad's group belongs to."""
    live: dict[str, list[ArmRow]] = defaultdict(list)
    with desk.workspace.read() as conn:
        for row in arms(conn, desk.campaign.key, state="live"):
            live[row.segment].append(row)
    found: dict[str, ArmRow] = {}
    for platform, group_of in groups.items():
        for i, (ad, group) in enumerate(sorted(group_of.items())):
            (segment,) = (s.key for s in desk.campaign.segments if group in s.platform_ids.get(platform, ()))
            found[ad] = live[segment][i % len(live[segment])]
    return found


def tell_the_names(
    desk: Desk,
    day: date,
    group_of: Mapping[str, str],
    set_of: Mapping[str, str],
    arm_of: Mapping[str, ArmRow],
) -> dict[str, int]:
    """Both platforms' exports of the day before the tables begin, the only ones that carry ad names, into the inbox."""
    counts: dict[str, int] = {}
    for placement, groups in zip(desk.campaign.placements, (group_of, set_of), strict=True):
        ads = [
            {
                "ad_id": ad,
                "ad_group_id": group,
                "ad": ad_name(desk.campaign.key, arm_of[ad].segment, arm_of[ad].arm_id, placement.sizes[0]),
            }
            for ad, group in groups.items()
        ]
        stamp = three_in_the_morning(day + timedelta(days=1))
        data, counts = named_export(placement.platform, placement.account, day, stamp, ads)
        (desk.inbox / f"{placement.platform}-{day}.csv").write_bytes(data)
    return counts


def known_by_arm(desk: Desk, *, since: date) -> dict[str, dict[str, int]]:
    """Totals per arm from the store."""
    found: dict[str, dict[str, int]] = {}
    with desk.workspace.read() as conn:
        for row in arm_days(conn, desk).to_pylist():
            if row["day"] >= since:
                arm = found.setdefault(row["arm_id"], dict.fromkeys(MEASURES, 0))
                for name in MEASURES:
                    arm[name] += row[name]
    return found


def test_every_real_row_is_taken_for_an_arm_though_the_tables_name_no_ad(told: Told) -> None:
    assert [(t.status, t.rows, t.ours) for t in told.named] == [("applied", 1, 1), ("applied", 4, 4)]
    taken = {f["name"]: f for f in told.night.files}
    assert {name: taken[name]["status"] for name in told.tables} == dict.fromkeys(told.tables, "applied")
    for name in told.tables:
        assert taken[name]["ours"] == taken[name]["rows"] > 0
    assert not told.night.alerts
    assert not told.night.held


def test_what_the_store_knows_of_our_arms_is_what_the_csv_module_sums(told: Told) -> None:
    """Oracle: the csv module and exact decimals over the files as they lie in the data folder."""
    by_ad = sums(rows_of(told.tables[GOOGLE]), "clicks", "cost_micros", 1)
    by_ad |= sums(rows_of(told.tables[META]), "inline_link_clicks", "spend", 1_000_000)
    expected: dict[str, dict[str, int]] = {}
    for ad, measures in by_ad.items():
        arm = expected.setdefault(told.arm_of[ad].arm_id, dict.fromkeys(MEASURES, 0))
        for name in MEASURES:
            arm[name] += measures[name]
    assert all(sum(arm[name] for arm in expected.values()) for name in MEASURES), "the tables say something"
    with open_desk(told.file) as desk:
        start = desk.campaign.start
        assert known_by_arm(desk, since=start + timedelta(days=1)) == expected
        whole = known_by_arm(desk, since=start)
    for name in MEASURES:
        before = told.on_the_named_days[name] * len(told.arm_of)
        assert sum(arm[name] for arm in whole.values()) == before + sum(
            arm[name] for arm in expected.values()
        )


def fingerprint(file: Path) -> tuple[str, dict[str, str]]:
    """What the database says, and every other file of a campaign's folder."""
    with closing(sqlite3.connect(file.parent / "store" / "dco.db")) as conn:
        said = hashlib.sha256("\n".join(conn.iterdump()).encode()).hexdigest()
    return said, {
        str(p.relative_to(file.parent)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(file.parent.rglob("*"))
        if p.is_file() and not p.name.startswith("dco.db")
    }


def test_the_night_after_the_tables_decides_once(told: Told) -> None:
    assert told.night.version == 2
    before = fingerprint(told.file)
    again = nightly(told.file, now=told.now + timedelta(hours=2))
    assert again.already_done
    assert again.sentence() == told.night.sentence()
    assert fingerprint(told.file) == before


def test_the_same_real_tables_delivered_again_count_once(told: Told) -> None:
    with open_desk(told.file) as desk:
        before = known_by_arm(desk, since=desk.campaign.start)
        for name, table in told.tables.items():
            shutil.copyfile(table, desk.inbox / f"again-{name}")
        again = ingest_inbox(desk, now=told.now + timedelta(hours=3))
        assert [t.status for t in again] == ["duplicate", "duplicate"]
        assert known_by_arm(desk, since=desk.campaign.start) == before


def test_tables_that_arrive_together_with_the_names_of_their_ads_count_the_same(told: Told) -> None:
    """By name the Meta table comes before the export that tells whose its ads are."""
    with open_desk(told.before / told.file.name) as desk:
        for name, table in told.tables.items():
            shutil.copyfile(table, desk.inbox / name)
        taken = ingest_inbox(desk, now=told.now)
        together = known_by_arm(desk, since=desk.campaign.start)
    assert all(t.ours == t.rows for t in taken), taken
    with open_desk(told.file) as desk:
        assert together == known_by_arm(desk, since=desk.campaign.start)


def test_the_report_stands_alone_and_names_both_real_files_by_their_bytes(told: Told) -> None:
    page = (told.file.parent / told.night.outputs["report"]).read_text(encoding="utf-8")
    for name, table in told.tables.items():
        assert hashlib.sha256(table.read_bytes()).hexdigest() in page
        assert name in page
    assert page.rstrip().endswith("</html>")
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]{0,60}', page)
    assert not re.findall(r"url\((?!['\"]?(?:data:|#))[^)]{0,60}|@import", page)
    assert "simulated market" not in page


def test_status_tells_how_new_the_real_tables_are_and_what_was_spent(told: Told) -> None:
    with open_desk(told.file) as desk:
        found = status(desk, now=told.now)
        spent = sum(arm["spend_micros"] for arm in known_by_arm(desk, since=desk.campaign.start).values())
    assert found.state.version == 2
    assert found.state.newest_day == told.now.date() - timedelta(days=1)
    assert found.state.spend_micros == spent > 0
    assert found.nights[0] == told.night.sentence()
    assert found.state.live >= 4


def test_a_real_table_that_names_no_account_is_the_only_accounts(real_data: Path, tmp_path: Path) -> None:
    """TikTok's hourly table has no account column."""
    table = real_data / "platform_api_tables" / "tiktok_ad_report_hourly_data.csv"
    photo = real_data / "brand_assets" / "products" / "coffee_cc0.png"
    placement = META_PLACEMENT | {"platform": "tiktok", "account": "7050381212345"}
    audience = {"key": "all", "description": "Everybody", "platform_ids": {"tiktok": ["1"]}}
    file = on_photo(tmp_path / "campaign", photo, placements=[placement], segments=[audience])
    with open_desk(file) as desk:
        taken = ingest_file(desk, table, now=morning(0, ZONE))
        with desk.workspace.read() as conn:
            (fresh,) = freshness(conn)
    assert taken.status == "applied"
    assert taken.rows == len({(r["AD_ID"], r["STAT_TIME_HOUR"][:10]) for r in rows_of(table)})
    assert (fresh.platform, fresh.account) == ("tiktok", "7050381212345")
