"""What cannot be read to the cent is refused in one line that names the file, the place and a way out."""

from __future__ import annotations

import gzip
import json

import pytest

from dco.errors import BadReport, TotalMismatch
from dco.platforms import sniff
from dco.platforms.read import read_report, recognise
from tests.platforms.conftest import deliver, google

META = "Day,Campaign name,Ad name,Ad ID,Amount spent (USD),Impressions,Link clicks,Purchases\n"


def refusal(text: str | bytes, name: str = "march.csv", **options: object) -> str:
    with pytest.raises(BadReport) as caught:
        deliver(text, name, **options)
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    return message


def test_a_bad_amount_is_named_by_line_and_column() -> None:
    text = google("2026-09-01,spring,10,1,1.00,0.00", "2026-09-02,spring,10,1,abc,0.00")
    assert refusal(text) == "march.csv, line 5, column 'Cost': expected an amount like 1,234.56, got 'abc'"


def test_a_line_after_a_line_break_in_a_cell_is_still_named_right() -> None:
    text = google('2026-09-01,"spr\ning",10,1,1.00,0', "2026-09-02,spring,ten,1,1.00,0")
    assert "line 6, column 'Impr.'" in refusal(text)


def test_a_report_without_days_says_how_to_get_them() -> None:
    assert "Segment > Time > Day" in refusal(google("spring,10,1,1.00", header="Campaign,Impr.,Clicks,Cost"))


@pytest.mark.parametrize("segment", ["Week", "Month", "Woche", "Semaine"])
def test_weeks_and_months_are_not_days(segment: str) -> None:
    message = refusal(google("2026-09-01,spring,10,1,1.00", header=f"{segment},Campaign,Impr.,Clicks,Cost"))
    assert segment in message
    assert "cannot be cut into days" in message


def test_a_meta_range_of_days_is_no_fact() -> None:
    text = "Reporting starts,Reporting ends,Ad name,Amount spent (USD),Impressions,Link clicks\n2026-09-01,2026-09-30,a,1.00,10,1\n"
    assert "covers 2026-09-01 to 2026-09-30, not one day" in refusal(text)


def test_rows_that_miss_their_total_are_never_summed() -> None:
    rows = ("2026-09-01,spring,10,1,1.00,0.50", "2026-09-02,spring,20,2,2.00,0.50")
    with pytest.raises(TotalMismatch) as caught:
        deliver(google(*rows, total="Total: Campaigns, --,30,3,3.50,1.00"))
    message = str(caught.value)
    assert "column 'Cost'" in message
    for part in ("sum to 3.00", "says 3.50", "difference -0.50", "line 6"):
        assert part in message


def test_a_lost_row_is_noticed_by_its_count_alone() -> None:
    with pytest.raises(TotalMismatch, match=r"column 'Impr\.'"):
        deliver(google("2026-09-01,spring,10,1,1.00,0", total="Total: Campaigns, --,11,1,1.00,0"))


def test_rows_above_the_account_total_are_refused() -> None:
    with pytest.raises(TotalMismatch, match="more than the whole"):
        deliver(google("2026-09-01,spring,10,1,1.00,0", total="Total: Account, --,9,1,1.00,0"))


def test_meta_summary_is_a_checksum() -> None:
    text = META + ",,,,5.00,100,3,1\n2026-09-01,c,a,1,1.00,100,3,1\n"
    with pytest.raises(TotalMismatch, match="Amount spent"):
        deliver(text)


def test_a_slash_date_that_could_be_two_days_is_refused() -> None:
    assert "no day above 12" in refusal(google("03/04/2026,spring,10,1,1.00,0"))


def test_slash_dates_in_both_orders_are_refused() -> None:
    assert "both orders" in refusal(google("23/09/2026,spring,10,1,1.00,0", "09/23/2026,spring,10,1,1.00,0"))


def test_a_cost_that_is_a_thousand_or_little_more_than_one_is_refused() -> None:
    assert "which mark is the decimal one" in refusal(google('2026-09-01,spring,10,1,"1,234",0'))


def test_two_decimal_marks_in_one_file_are_refused() -> None:
    text = google('2026-09-01,spring,10,1,"1,50",0', "2026-09-02,spring,10,1,1.50,0")
    assert "one decimal mark in the whole file" in refusal(text)


@pytest.mark.parametrize("broken", ["1.20253E+17", "1,20253E+17", "120253000000000001.0"])
def test_an_id_that_a_spreadsheet_rounded_is_refused(broken: str) -> None:
    message = refusal(META + f'2026-09-01,c,a,"{broken}",1.00,100,3,1\n')
    assert "column 'Ad ID'" in message
    assert "all its digits" in message


def test_equal_headers_over_different_numbers_are_refused() -> None:
    text = META.strip() + ",Purchases\n2026-09-01,c,a,1,1.00,100,3,1,2\n"
    assert "two columns of this name differ" in refusal(text)


@pytest.mark.parametrize(
    "header",
    ["id,created_time,full_name,email,phone_number", "Vorname,Nachname,E-Mail", "Lead ID,Email,City"],
)
def test_a_lead_export_leaves_no_trace_of_its_values(header: str) -> None:
    message = refusal(header + "\nl:1,Ada Lovelace,ada@example.org,+4930123456,x\n")
    assert "personal data" in message
    for value in ("Ada", "Lovelace", "example.org", "4930123456"):
        assert value not in message


def test_an_unknown_file_with_people_in_its_first_line_repeats_none_of_them() -> None:
    message = refusal(
        "Ada Lovelace,ada@example.org,+4930123456\nGrace Hopper,grace@example.org,+1212123456\n"
    )
    assert "Ada" not in message
    assert "example.org" not in message


def test_an_address_in_a_number_column_is_not_repeated() -> None:
    message = refusal(google("2026-09-01,spring,10,1,ada@example.org,0"))
    assert "line 4" in message
    assert "ada" not in message


def test_an_unknown_table_lists_the_known_formats_and_its_headers() -> None:
    message = refusal("colour,weight\nred,3\n")
    for word in ("google_ads", "meta", "connector", "'colour'", "'weight'", "mapping"):
        assert word in message


def test_a_file_two_formats_claim_is_refused() -> None:
    text = "Date,Campaign Name,Amount spent (USD),Spend,Impressions,Clicks,7 Day Total Sales\n2026-09-01,c,1,1,1,1,1\n"
    with pytest.raises(BadReport, match="looks like a file of amazon_ads and meta"):
        recognise("march.csv", text.encode())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04rest", "save the sheet as CSV"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\x1f\x8b\x08\x00broken", "damaged"),
        (b"Day,Impr.\n\x00\x00\x00", "line 2: a NUL byte"),
        (b"Day,Impr.\n\xff\xfe\xfd", "UTF-8"),
        (b"\xff\xfea", "UTF-16"),
        (b"{\"data\": [", "not valid JSON"),
        (b"[" * 100_000, "JSON"),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_report_is_refused_in_one_line(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_a_packed_report_cut_short_is_refused() -> None:
    packed = gzip.compress(google("2026-09-01,spring,10,1,1.00,0").encode())
    assert "cut short" in refusal(packed[:-20], "march.csv.gz")


def test_a_file_above_the_limit_is_refused_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MAX_BYTES", 2**20)
    assert "larger than 1 MB" in refusal(b"a" * (2**20 + 1))
    assert "larger than 1 MB" in refusal(gzip.compress(b"a" * 2**24))


def test_too_many_columns_are_refused() -> None:
    wide = ",".join(f"x{i}" for i in range(1000))
    assert "1006 columns" in refusal(google(header="Day,Campaign,Impr.,Clicks,Cost,Conversions," + wide))


def test_a_row_cut_in_the_middle_is_named() -> None:
    message = refusal(google("2026-09-01,spring,10,1,1.00,0") + "2026-09-02,spr")
    assert "line 5" in message
    assert "2 cells where the header has 6" in message


def test_a_web_export_cut_in_its_last_cell_is_noticed() -> None:
    whole = google("2026-09-01,spring,10,1,1.00,0.00", "2026-09-02,spring,10,1,1.00,40.50")
    assert "cut short" in refusal(whole[:-3])


def test_a_quote_that_never_closes_is_named() -> None:
    assert "never closed" in refusal(google("2026-09-01,spring,10,1,1.00,0", '2026-09-02,"spr,10,1,1.00,0'))


def test_two_currencies_never_add_up() -> None:
    text = google(
        "2026-09-01,a,1,1,1.00,EUR",
        "2026-09-01,b,1,1,1.00,USD",
        header="Day,Campaign,Impr.,Clicks,Cost,Currency code",
    )
    assert "EUR, USD" in refusal(text)


def test_two_currency_symbols_never_add_up() -> None:
    assert "one currency" in refusal(google("2026-09-01,a,1,1,€1.00,0", "2026-09-01,b,1,1,$1.00,0"))


def test_days_outside_the_files_own_range_are_refused() -> None:
    assert "outside the file's own range" in refusal(google("2026-10-01,a,1,1,1.00,0"))


def test_rows_of_two_accounts_are_not_one_delivery() -> None:
    text = google(
        "2026-09-01,a,1,1,1.00,111-111-1111",
        "2026-09-01,b,1,1,1.00,222-222-2222",
        header="Day,Campaign,Impr.,Clicks,Cost,Customer ID",
    )
    assert "one account at a time" in refusal(text)


def test_a_file_of_another_account_is_refused() -> None:
    text = google("2026-09-01,a,1,1,1.00,111-111-1111", header="Day,Campaign,Impr.,Clicks,Cost,Customer ID")
    assert deliver(text, account="111-111-1111").account == "1111111111"
    assert "expected 2222222222" in refusal(text, account="2222222222")


@pytest.mark.parametrize("value", ["-3", "0.5", "--", "", "1e3", "12 3", "1,23"])
def test_impressions_are_whole_numbers(value: str) -> None:
    assert "column 'Impr.'" in refusal(google(f'2026-09-01,a,"{value}",1,1.00,0'))


def test_negative_conversions_are_refused() -> None:
    assert "column 'Conversions'" in refusal(google("2026-09-01,a,1,1,1.00,-0.50"))


def test_one_page_of_several_is_refused_without_its_token() -> None:
    page = {
        "data": [{"impressions": "1", "date_start": "2026-09-01"}],
        "paging": {"next": "https://x/?access_token=SECRET"},
    }
    message = refusal(json.dumps(page), "insights.json")
    assert "fetch all pages" in message
    assert "SECRET" not in message


def test_insights_over_several_days_are_refused() -> None:
    rows = [
        {
            "impressions": "1",
            "clicks": "1",
            "spend": "1",
            "date_start": "2026-09-01",
            "date_stop": "2026-09-07",
        }
    ]
    assert "time_increment=1" in refusal(json.dumps(rows), "insights.json")


def test_a_file_made_after_it_arrived_is_refused() -> None:
    assert "after it arrived" in refusal(google("2026-09-01,a,1,1,1.00,0"), "ads_20271001T000000Z.csv")


def test_a_missing_path_and_a_folder_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadReport, match="no readable file"):
        read_report(tmp_path / "none.csv")
    with pytest.raises(BadReport, match="is a folder"):
        read_report(tmp_path)
