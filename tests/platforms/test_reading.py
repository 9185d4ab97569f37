"""What a report says is what is read: marks, scopes, missing values, stamps, accounts."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pytest

import dco
from dco.errors import BadReport, TotalMismatch
from dco.platforms.summary import summarise
from tests.platforms.conftest import ARRIVED, column, deliver, google

REPORTS = Path(__file__).parents[1] / "data" / "reports"


def test_missing_is_null_and_zero_is_zero() -> None:
    found = deliver(google("2026-09-01,a,1,0, --,--", "2026-09-02,a,1,0,0.00,0.00"))
    assert column(found, "spend_micros") == [None, 0]
    assert column(found, "conversions") == [None, Decimal("0.000000")]


def test_a_blank_meta_result_is_a_zero() -> None:
    found = deliver(
        "Day,Ad name,Amount spent (USD),Impressions,Link clicks,Purchases\n2026-09-01,a,1.00,10,,\n"
    )
    assert column(found, "clicks") == [0]
    assert column(found, "conversions") == [Decimal("0.000000")]


@pytest.mark.parametrize(
    ("cost", "micros"),
    [
        ('"1,234.56"', 1_234_560_000), ('"1.234,56"', 1_234_560_000), ('"1 234,56"', 1_234_560_000), ("1234.5", 1_234_500_000),
        ("0.1", 100_000), ('"0,1"', 100_000), ('"1,234,567.89"', 1_234_567_890_000), ('"12,34,567.89"', 1_234_567_890_000),
        ("€1.50", 1_500_000), ('"1,50 €"', 1_500_000), ("US$1.92", 1_920_000), ("-3.25", -3_250_000), ('"1\u202f234,56\u00a0€"', 1_234_560_000),
        ("0.123", 123_000), ("1.2345", 1_234_500), ("999999999999.99", 999_999_999_999_990_000),
    ],
)  # fmt: skip
def test_an_amount_is_read_in_the_files_own_spelling(cost: str, micros: int) -> None:
    assert column(deliver(google(f"2026-09-01,a,1,1,{cost},0")), "spend_micros") == [micros]


def test_whole_counts_decide_where_costs_are_silent() -> None:
    found = deliver(google('2026-09-01,a,"12,034",1,"1,234",0'))
    assert column(found, "spend_micros") == [1_234_000_000]


def test_yen_have_no_cents_so_their_marks_group() -> None:
    header = "Day,Campaign,Impr.,Clicks,Cost,Currency code"
    assert column(deliver(google('2026-09-01,a,10,1,"1,234",JPY', header=header)), "spend_micros") == [
        1_234_000_000
    ]
    with pytest.raises(BadReport, match="decimal"):
        deliver(google('2026-09-01,a,10,1,"1,234",EUR', header=header))


def test_averages_never_pass_for_their_total() -> None:
    header = "Day,Campaign,Avg. cost,Cost / conv.,All conv.,Impr.,Clicks,Cost,Conversions"
    found = deliver(google("2026-09-01,a,9.99,8.88,7.77,10,1,1.00,2.50", header=header))
    assert column(found, "spend_micros") == [1_000_000]
    assert column(found, "conversions") == [Decimal("2.500000")]


def test_rounding_of_shown_cents_is_allowed_and_no_more() -> None:
    rows = [f"2026-09-{d:02d},a,10,1,0.33,0" for d in range(1, 5)]  # four times 0.334 = 1.336
    assert deliver(google(*rows, total="Total: Campaigns, --,40,4,1.34,0")).rows.num_rows == 4
    with pytest.raises(TotalMismatch):
        deliver(google(*rows, total="Total: Campaigns, --,40,4,1.35,0"))


def test_one_row_leaves_no_room_for_rounding() -> None:
    with pytest.raises(TotalMismatch):
        deliver(google("2026-09-01,a,10,1,0.33,0", total="Total: Campaigns, --,10,1,0.34,0"))


@pytest.mark.parametrize(
    ("totals", "good"),
    [
        (["Total: Account, --,99,9,9.00,0", "Total: Campaigns, --,10,1,1.00,0"], True),
        (["Total: Campaigns in your current view, --,10,1,1.00,0"], True),
        (["Total: Search campaigns, --,3,0,0.50,0", "Total: Campaigns, --,10,1,1.00,0"], True),
        (["Total: Campaigns, --,11,1,1.00,0", "Total: Account, --,10,1,1.00,0"], False),
        (["Total, --,10,1,1.00,0"], True),
        (["Gesamt: Kampagnen, --,10,1,1.00,0"], True),
        (["Total : campagnes, --,12,1,1.00,0"], False),
        (["Total: Something new, --,10,1,1.00,0", "Total: Account, --,99,9,9.00,0"], True),
        (["Total: Something new, --,12,1,1.00,0"], False),
        (["Total: Account, --,99,9,9.00,0"], True),
        (["Total: Campaigns, --, --, --, --, --"], True),
    ],
)
def test_only_the_listed_scope_is_the_checksum(totals: list[str], good: bool) -> None:
    text = google(
        "2026-09-01,a,10,1,1.00,0", *totals, header="Campaign,Day,Impr.,Clicks,Cost,Conversions"
    ).replace("2026-09-01,a", "a,2026-09-01")
    if good:
        assert deliver(text).rows.num_rows == 1
    else:
        with pytest.raises(TotalMismatch):
            deliver(text)


def test_a_campaign_called_total_is_a_campaign() -> None:
    found = deliver(
        google("Total: Recall,2026-09-01,10,1,1.00,0", header="Campaign,Day,Impr.,Clicks,Cost,Conversions")
    )
    assert column(found, "campaign") == ["Total: Recall"]


def test_results_count_only_where_the_indicator_names_them() -> None:
    header = "Day,Ad name,Amount spent (USD),Impressions,Link clicks,Results,Result indicator\n"
    rows = "2026-09-01,a,1,10,1,5,actions:link_click\n2026-09-01,b,1,10,1,2,actions:offsite_conversion.fb_pixel_purchase\n"
    rows += "2026-09-01,c,1,10,1,3,actions:lead\n2026-09-01,d,1,10,1,7,actions:misleading\n"
    assert column(deliver(header + rows), "conversions") == [None, Decimal(2), Decimal(3), None]


def test_eighteen_digit_ids_stay_three_different_ids() -> None:
    rows = "".join(f"2026-09-01,a,12025300000000000{i},1.00,10,1\n" for i in range(3))
    found = deliver("Day,Ad name,Ad ID,Amount spent (USD),Impressions,Link clicks\n,,,3.00,30,3\n" + rows)
    assert len(set(column(found, "ad_id"))) == 3


def test_arm_and_size_come_out_of_the_ad_name() -> None:
    names = [
        "c|s|dco0123456789abcdef|300x250",
        "c|s|dco0123456789abcdef|728x90 - Copy",
        "dco0123456789abcdef0",
        "banner|300x250",
    ]
    rows = [f"2026-09-01,c,10,1,1.00,{n}" for n in names]
    found = deliver(google(*rows, header="Day,Campaign,Impr.,Clicks,Cost,Ad name"))
    assert column(found, "arm_id") == ["dco0123456789abcdef"] * 2 + [None] * 2
    assert column(found, "size") == ["300x250", "728x90", None, None]


def test_a_size_column_wins_over_the_name() -> None:
    row = "2026-09-01,c,10,1,1.00,c|s|dco0123456789abcdef|300x250,160 × 600"
    assert column(deliver(google(row, header="Day,Campaign,Impr.,Clicks,Cost,Ad name,Ad size")), "size") == [
        "160x600"
    ]


@pytest.mark.parametrize(
    "day",
    [
        "2026-09-23",
        "2026/09/23",
        "23.09.2026",
        "23/09/2026",
        "09/23/2026",
        '"Sep 23, 2026"',
        '"Wed, 23 Sep 2026"',
        "23 septembre 2026",
        "20260923",
    ],
)
def test_a_day_is_read_in_every_spelling_that_is_clear(day: str) -> None:
    assert column(deliver(google(f"{day},a,1,1,1.00,0")), "day") == [date(2026, 9, 23)]


def test_the_stamp_is_the_files_own_else_its_arrival() -> None:
    text = google("2026-09-01,a,1,1,1.00,0")
    assert deliver(text).stamp == ARRIVED
    assert deliver(text, "ads_20260915T031500Z.csv").stamp == datetime(2026, 9, 15, 3, 15, tzinfo=UTC)


def test_the_range_in_the_title_is_what_the_file_covers() -> None:
    found = deliver(google("2026-09-05,a,1,1,1.00,0"))
    assert (found.first_day, found.last_day) == (date(2026, 9, 1), date(2026, 9, 30))


def test_identity_is_that_of_the_bytes() -> None:
    text = google("2026-09-05,a,1,1,1.00,0")
    assert deliver(text, "a.csv").sha256 == deliver(text, "b.csv").sha256 != deliver(text + "\n").sha256


def test_a_dv360_filter_is_a_scope_of_its_own() -> None:
    text = (REPORTS / "dv360" / "daily_with_footer.csv").read_text()
    assert deliver(text + "Filter by Country:,US\n").scope == "Country = US"


def test_a_cm360_file_names_its_zone() -> None:
    assert deliver((REPORTS / "cm360" / "grand_total.csv").read_bytes()).zone == "America/New_York"


def test_the_public_door_reads_a_path_and_keeps_what_the_file_says() -> None:
    rows = dco.read_report(REPORTS / "google_ads" / "english_utf8.csv")
    assert b"agrees with 'Total: Ads'" in rows.schema.metadata[b"dco.delivery"]
    assert pc.sum(rows["spend_micros"]).as_py() == 12_588_170_000


def test_the_summary_shows_totals_to_the_cent() -> None:
    found = summarise(deliver((REPORTS / "google_ads" / "english_utf8.csv").read_bytes(), "ads.csv"))
    shown = repr(found)
    for part in ("12,588.17 EUR", "1,029,673", "174.5", "agrees with 'Total: Ads'", "3 with an arm id"):
        assert part in shown
    assert found.as_dict()["spend_micros"] == 12_588_170_000


def test_a_million_rows_worth_of_spelling_agrees_with_the_csv_module() -> None:
    """Twenty thousand rows by an independent reader: quotes, thousands, missing values."""
    rows = []
    for i in range(20_000):
        cost = f'"{i * 7 % 900000 / 100:,.2f}"' if i % 11 else " --"
        rows.append(
            f'2026-09-{i % 30 + 1:02d},"spring, {i % 5}","{i * 13 % 9000:,}",{i % 7},{cost},{i % 400 / 100:.2f}'
        )
    text = google(*rows)
    found = deliver(text)
    cells = list(csv.reader(io.StringIO(text)))[3:]
    cost = sum(Decimal(c[4].replace(",", "")) for c in cells if c[4] != " --")
    assert pc.sum(found.rows["spend_micros"]).as_py() == cost * 1_000_000
    assert pc.sum(found.rows["impressions"]).as_py() == sum(int(c[2].replace(",", "")) for c in cells)
    assert pc.sum(found.rows["conversions"]).as_py() == sum(Decimal(c[5]) for c in cells)
    assert column(found, "line") == list(range(4, 20_004))


def test_a_report_in_another_currency_than_the_campaign_is_refused() -> None:
    class Campaign:
        currency = "USD"

    with pytest.raises(BadReport, match="amounts in EUR, but the campaign counts in USD"):
        dco.read_report(REPORTS / "google_ads" / "english_utf8.csv", campaign=Campaign())  # type: ignore[arg-type]
