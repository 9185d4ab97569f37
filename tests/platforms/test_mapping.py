"""Connector tables by mapping: seven built in, a user's own, each error by name."""

from __future__ import annotations

import csv
import io
import os
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pytest

from dco.errors import BadReport, UnknownName
from dco.platforms.mapping import built_in, load_mapping
from dco.platforms.read import read_report, recognise
from tests.platforms.conftest import column, deliver

REAL = os.environ.get("DCO_REAL_DATA", "")

OWN = """
name: warehouse
platform: meta
currency: EUR
where: {objective: [SALES, LEADS]}
columns:
  day: {hour: ts}
  ad_id: {id: ad_key}
  ad: {text: ad_label}
  impressions: {count: [imp_feed, imp_story]}
  clicks: {count: clicks}
  conversions: {exact: orders}
  spend_micros: {units: spend}
"""
TABLE = """ts,ad_key,ad_label,objective,imp_feed,imp_story,clicks,orders,spend
2026-09-01 10:00:00,1,a|b|dco0123456789abcdef|300x250,SALES,100,20,3,0.5,1.25
2026-09-01 11:00:00,1,a|b|dco0123456789abcdef|300x250,SALES,,5,1,,0.75
2026-09-01 11:00:00,2,x,AWARENESS,999,999,99,9,99
2026-09-02 00:00:00,1,a|b|dco0123456789abcdef|300x250,LEADS,7,,0,,
"""


def own(tmp_path: Path, text: str = OWN) -> Path:
    path = tmp_path / "warehouse.yaml"
    path.write_text(text)
    return path


def test_a_users_table_is_read_by_its_mapping(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TABLE)
    rows = read_report(table, mapping=own(tmp_path))
    assert rows["impressions"].to_pylist() == [125, 7]
    assert rows["clicks"].to_pylist() == [4, 0]
    assert rows["conversions"].to_pylist() == [Decimal("0.500000"), None]
    assert rows["spend_micros"].to_pylist() == [2_000_000, None]
    assert rows["line"].to_pylist() == [2, 5]
    assert set(rows["currency"].to_pylist()) == {"EUR"}
    assert rows["arm_id"].to_pylist() == ["dco0123456789abcdef"] * 2


def test_a_filter_of_the_mapping_is_the_scope(tmp_path: Path) -> None:
    found = deliver(TABLE, mapping=load_mapping(own(tmp_path)))
    assert found.scope == "objective = SALES or LEADS"
    assert found.platform == "meta"


def test_a_table_that_lacks_columns_names_them(tmp_path: Path) -> None:
    with pytest.raises(BadReport, match="columns not found: clicks, orders"):
        deliver(TABLE.replace("clicks,orders", "klicks,order"), mapping=load_mapping(own(tmp_path)))


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("currency:", "curency:", UnknownName, "did you mean 'currency'"),
        ("  clicks: {count", "  klicks: {count", UnknownName, "did you mean 'clicks'"),
        ("{units: spend}", "{cents: spend}", UnknownName, "unit of spend_micros"),
        ("  clicks: {count: clicks}\n", "", BadReport, "where 'clicks' is"),
        ("{id: ad_key}", "{id: [a, b]}", BadReport, "ad_id"),
        ("name: warehouse", "name: a b", BadReport, "name"),
        ("platform: meta", "platform: meta\nplatform: x", BadReport, "line"),
        ("{id: ad_key}", "{id: ", BadReport, "YAML"),
        ("platform: meta", "platform: !!python/object:os.system x", BadReport, "YAML"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(
    tmp_path: Path, old: str, new: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        load_mapping(own(tmp_path, OWN.replace(old, new)))


def test_built_in_mappings_do_not_claim_each_others_tables() -> None:
    names = [m.name for m in built_in()]
    assert len(names) == len(set(names)) == 7


KEYED = "date,pin_promotion_id,ad_group_id,campaign_id,advertiser_id,impression_1,impression_2,clickthrough_1,clickthrough_2,spend_in_micro_dollar,total_conversions,total_conversions_value_in_micro_dollar"


def test_a_finer_table_of_the_same_connector_is_not_taken_for_the_ads_table() -> None:
    row = "\n2026-09-01,1,2,3,4,10,20,1,2,5000000,1,7000000\n"
    found = deliver(KEYED + row)
    assert (column(found, "impressions"), column(found, "spend_micros")) == ([30], [5_000_000])
    with pytest.raises(BadReport, match="no format knows"):
        deliver((KEYED + row).replace("date,", "keyword_id,date,").replace("\n2026", "\n9,2026"))


# -- the real tables, against the csv module ------------------------------------------------------------------------

REAL_TABLES = {
    "google_ads_ad_stats_data.csv": ("impressions", "clicks", "conversions", ("cost_micros", 1), ("conversions_value", 10**6)),
    "facebook_ads_basic_ad_data.csv": ("impressions", "inline_link_clicks", None, ("spend", 10**6), None),
    "microsoft_ads_ad_performance_daily_report_data.csv": ("impressions", "clicks", "conversions", ("spend", 10**6), ("revenue", 10**6)),
    "tiktok_ad_report_hourly_data.csv": ("IMPRESSIONS", "CLICKS", "CONVERSION", ("SPEND", 10**6), ("TOTAL_PURCHASE_VALUE", 10**6)),
    "reddit_ads_ad_report_data.csv": ("impressions", "clicks", None, ("spend", 1), None),
    "pinterest_pin_promotion_report_data.csv": (
        "impression_1 impression_2", "clickthrough_1 clickthrough_2", "total_conversions", ("spend_in_micro_dollar", 1),
        ("total_conversions_value_in_micro_dollar", 1),
    ),
    "linkedin_ad_analytics_by_creative_data.csv": (
        "impressions", "clicks", "external_website_conversions", ("cost_in_local_currency", 10**6),
        ("conversion_value_in_local_currency", 10**6),
    ),
}  # fmt: skip


@pytest.mark.realdata
@pytest.mark.skipif(not REAL, reason="DCO_REAL_DATA names no folder")
@pytest.mark.parametrize("name", REAL_TABLES)
def test_a_real_table_sums_to_what_the_csv_module_sums(name: str) -> None:
    data = (Path(REAL) / "platform_api_tables" / name).read_bytes()
    assert recognise(name, data) == "connector"
    impressions, clicks, conversions, spend, revenue = REAL_TABLES[name]
    cells = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))

    def total(columns: str, unit: int = 1) -> Decimal:
        return (
            sum((Decimal(r[c]) for r in cells for c in columns.split() if r[c] not in ("", "-")), Decimal(0))
            * unit
        )

    rows = deliver(data, name).rows
    assert pc.sum(rows["impressions"]).as_py() == total(impressions)
    assert pc.sum(rows["clicks"]).as_py() == total(clicks)
    assert pc.sum(rows["spend_micros"]).as_py() == total(*spend)
    if conversions:
        assert pc.sum(rows["conversions"]).as_py() == total(conversions)
    if revenue:
        assert pc.sum(rows["revenue_micros"]).as_py() == total(*revenue)
    keys = rows.group_by(["account", "day", "campaign_id", "ad_group_id", "ad_id"]).aggregate(
        [([], "count_all")]
    )
    assert keys["count_all"].to_pylist() == [1] * len(keys)


@pytest.mark.realdata
@pytest.mark.skipif(not REAL, reason="DCO_REAL_DATA names no folder")
def test_every_other_real_table_is_refused_in_one_line() -> None:
    folders = [Path(REAL) / "platform_api_tables", Path(REAL) / "dv360_report_fixture"]
    others = [p for f in folders for p in sorted(f.glob("*.csv")) if p.name not in REAL_TABLES]
    assert len(others) > 70
    for path in others:
        with pytest.raises(BadReport) as caught:
            deliver(path.read_bytes(), path.name)
        assert "\n" not in str(caught.value)


@pytest.mark.realdata
@pytest.mark.skipif(not REAL, reason="DCO_REAL_DATA names no folder")
def test_the_real_dv360_footer_and_total_row_are_left_out() -> None:
    """The fixture has no dates; with one added it must give 28, its own total, not 56."""
    lines = (Path(REAL) / "dv360_report_fixture" / "dv360_impressions.csv").read_text().splitlines()
    dated = [f"2022/09/05,{x},0" if x and x[0] in "UIC" else x for x in lines]
    dated[0] = "Date," + lines[0] + ",Clicks"
    text = "\n".join("," + x + ",0" if x == ",,28.00" else x for x in dated) + "\n"
    rows = deliver(text).rows
    assert (rows.num_rows, pc.sum(rows["impressions"]).as_py()) == (8, 28)
