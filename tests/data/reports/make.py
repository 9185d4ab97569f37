"""Makes the sample reports from numbers, and states beside each what it must be read as.

The layouts are those of real exports; every name and number is invented. The expected totals are summed here from the
numbers themselves, never by the reader. `python tests/data/reports/make.py` writes the samples anew.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

MISSING = " --"


class Row(NamedTuple):
    """One ad on one day. None is 'not reported'."""

    day: str
    campaign_id: str
    campaign: str
    group_id: str
    group: str
    ad_id: str
    ad: str
    impressions: int
    clicks: int
    cost: Decimal | None
    conversions: Decimal | None
    value: Decimal | None


def row(day: str, ids: str, names: str, ad: str, impressions: int, clicks: int, *amounts: str) -> Row:
    campaign_id, group_id, ad_id = ids.split()
    campaign, group = names.split("/")
    return Row(
        day, campaign_id.strip("-"), campaign, group_id.strip("-"), group, ad_id.strip("-"), ad, impressions, clicks,
        *(None if a == "-" else Decimal(a) for a in amounts),
    )  # fmt: skip


ARMS = [f"dco{i * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in (1, 2, 3)]
HIKERS = [f"spring|hikers|{ARMS[0]}|300x250", f"spring|hikers|{ARMS[1]}|728x90"]
RUNNERS = f"spring|city runners|{ARMS[2]}|300x250"


def total(rows: Sequence[Row], field: str) -> Decimal | None:
    reported = [Decimal(v) for r in rows if (v := getattr(r, field)) is not None]
    return sum(reported, Decimal(0)) if reported else None


def table(rows: Sequence[Sequence[Any]], delimiter: str = ",", end: str = "\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue()


def save(path: Path, data: bytes | str, rows: Sequence[Row], **facts: Any) -> None:
    """The sample, and what it must be read as."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    days = [r.day for r in rows]
    amounts = {
        name: total(rows, field)
        for name, field in (("spend", "cost"), ("conversions", "conversions"), ("revenue", "value"))
    }
    expected = {
        "format": path.parent.name,
        "platform": path.parent.name,
        "currency": "",
        "account": "",
        "scope": "full",
        "rows": len(rows),
        "first_day": min(days),
        "last_day": max(days),
        "impressions": int(total(rows, "impressions") or 0),
        "clicks": int(total(rows, "clicks") or 0),
        **{name: None if amount is None else str(amount) for name, amount in amounts.items()},
        "arm_ids": sorted({r.ad.split("|")[2] for r in rows if "|dco" in r.ad}),
        "ad_ids": sorted({r.ad_id for r in rows if r.ad_id}),
        **facts,
    }
    text = json.dumps(expected, indent=1, ensure_ascii=False) + "\n"
    path.with_name(path.name + ".expected.json").write_text(text, encoding="utf-8")


# -- Google Ads --------------------------------------------------------------------------------------------------------

GOOGLE = [
    row("2026-09-01", "21554433221 160011223344 701122334455", "CPA | Leads Spring/hikers", HIKERS[0], 12034, 842, "1234.56", "40.50", "3048.00"),
    row("2026-09-01", "21554433221 160011223344 701122334466", "CPA | Leads Spring/hikers", HIKERS[1], 100, 10, "-", "-", "-"),
    row("2026-09-01", "21554433221 160011223355 701122334477", "CPA | Leads Spring/city runners", RUNNERS, 5310, 61, "98.10", "2.33", "150.25"),
    row("2026-09-02", "21554433221 160011223344 701122334455", "CPA | Leads Spring/hikers", HIKERS[0], 9876, 512, "1005.44", "31.50", "2210.10"),
    row("2026-09-02", "21554433221 160011223355 701122334488", "CPA | Leads Spring/city runners", 'Old banner "blue"', 8, 0, "0.00", "0.00", "0.00"),
    row("2026-09-03", "21554433221 160011223355 701122334477", "CPA | Leads Spring/city runners", RUNNERS, 1002345, 1205, "10250.07", "100.17", "9999.99"),
]  # fmt: skip

HEADERS = {
    "en": "Ad status,Day,Customer ID,Campaign,Campaign ID,Ad group,Ad group ID,Ad name,Ad ID,Currency code,Impr.,Clicks,CTR,Cost,Avg. CPC,Conversions,All conv.,Cost / conv.,Conv. value,Search impr. share",
    "fr": "État de l'annonce,Jour,Numéro client,Campagne,ID de campagne,Groupe d’annonces,ID du groupe d'annonces,Nom de l'annonce,ID de l'annonce,Code de devise,Impr.,Clics,CTR,Coût,CPC moy.,Conversions,Toutes les conv.,Coût/conv.,Valeur de conv.,Taux d'impr.",
    "de": "Anzeigenstatus,Tag,Kundennummer,Kampagne,Kampagnen-ID,Anzeigengruppe,Anzeigengruppen-ID,Anzeigenname,Anzeigen-ID,Währungscode,Impr.,Klicks,CTR,Kosten,Durchschn. CPC,Conversions,Alle Conv.,Kosten/Conv.,Conv.-Wert,Anteil an mögl. Impr.",
    "es": "Estado,Día,ID de cliente,Campaña,ID de campaña,Grupo de anuncios,ID de grupo de anuncios,Nombre del anuncio,ID del anuncio,Código de moneda,Impr.,Clics,CTR,Coste,CPC medio,Conversiones,Todas las conv.,Coste/conv.,Valor de conv.,Cuota de impr.",
}  # fmt: skip

Spelling = Callable[[Any, int], str]


def spelling(group: str, mark: str) -> Spelling:
    """How a locale writes numbers; None becomes ' --'."""

    def spell(value: Any, places: int) -> str:
        if value is None:
            return MISSING
        return f"{value:,.{places}f}".replace(",", "G").replace(".", mark).replace("G", group)

    return spell


def google_table(
    language: str, spell: Spelling, totals: dict[str, int], day: Callable[[str], str] = str
) -> list[list[str]]:
    """Header, rows, and a total row per label, each that many units above the listed sum."""
    out = [HEADERS[language].split(",")]
    for r in GOOGLE:
        ids = [
            "Enabled",
            day(r.day),
            "123-456-7890",
            r.campaign,
            r.campaign_id,
            r.group,
            r.group_id,
            r.ad,
            r.ad_id,
            "EUR",
        ]
        out.append(ids + google_measures(spell, r.impressions, r.clicks, r.cost, r.conversions, r.value))
    sums = [total(GOOGLE, f) or Decimal(0) for f in ("impressions", "clicks", "cost", "conversions", "value")]
    for label, above in totals.items():
        out.append([label, *[MISSING] * 8, "EUR", *google_measures(spell, *(s + above for s in sums))])
    return out


def google_measures(
    spell: Spelling, impressions: Any, clicks: Any, cost: Any, conversions: Any, value: Any
) -> list[str]:
    each = cost / clicks if cost and clicks else None
    per = cost / conversions if cost and conversions else None
    more = conversions + 3 if conversions else None
    return [
        spell(impressions, 0), spell(clicks, 0), spell(clicks * Decimal(100) / impressions, 2) + "%", spell(cost, 2), spell(each, 2),
        spell(conversions, 2), spell(more, 2), spell(per, 2), spell(value, 2), "< 10%",
    ]  # fmt: skip


def google(folder: Path) -> None:
    facts = {"currency": "EUR", "account": "1234567890", "first_day": "2026-09-01", "last_day": "2026-09-30"}
    english = spelling(",", ".")
    head = 'Ad report\n"September 1, 2026 - September 30, 2026"\n'
    rows = google_table("en", english, {"Total: Ads": 0, "Total: Account": 77, "Total: Display": -3})
    save(folder / "english_utf8.csv", head + table(rows), GOOGLE, **facts, lines=[4, 5, 6, 7, 8, 9])
    rows = google_table("en", english, {"Total: Account": 12, "Total: Ads": 0})
    text = 'Ad report\tSeptember\n"September 1, 2026 - September 3, 2026"\n' + table(rows, "\t", "\r\n")
    save(
        folder / "excel_utf16_tabs.csv",
        b"\xff\xfe" + text.encode("utf-16-le"),
        GOOGLE,
        **{**facts, "last_day": "2026-09-03"},
    )
    head = "Rapport sur les annonces\n1 septembre 2026 - 30 septembre 2026\n"
    rows = google_table("fr", spelling(" ", ","), {"Total : annonces": 0, "Total : compte": 9})
    save(folder / "french_semicolons.csv", head + table(rows, ";", "\r\n"), GOOGLE, **facts)
    rows = google_table("fr", spelling("\u00a0", ","), {"Total : annonces": 0})
    padded = head.replace("\n", ";;;;\n") + table(rows, ";", "\r\n") + ";" * 19 + "\r\n"
    save(folder / "french_excel_cp1252.csv", padded.encode("cp1252"), GOOGLE, **facts)
    rows = google_table(
        "de",
        spelling(".", ","),
        {"Gesamt: Anzeigen": 0, "Gesamt: Konto": 9},
        lambda d: f"{d[8:]}.{d[5:7]}.{d[:4]}",
    )
    save(
        folder / "german_semicolons.csv",
        "Anzeigenbericht\n1. September 2026 - 30. September 2026\n" + table(rows, ";"),
        GOOGLE,
        **facts,
    )
    rows = google_table("es", spelling(".", ","), {"Total: anuncios": 0, "Total: cuenta": 9})
    save(
        folder / "spanish_utf8.csv",
        "Informe de anuncios\n1 de septiembre de 2026 - 30 de septiembre de 2026\n" + table(rows),
        GOOGLE,
        **facts,
    )
    google_2016(folder)
    google_api(folder)


def google_2016(folder: Path) -> None:
    """UTF-16, one title line, three totals of which 'filtered' is the listed one."""
    lines = [
        "Campaign report",
        "Campaign status\tDay\tCampaign\tImpr.\tClicks\tCost\tConversions\tCost / conv.\tCurrency code",
        "Enabled\t2016-09-01\tTotal recall\t12,034\t842\t1,234.56\t40.50\t30.48\tUSD",
        "Paused\t2016-09-02\tBrand\t100\t10\t --\t --\t --\tUSD",
        "Total - filtered\t --\t --\t12,134\t852\t1,234.56\t40.50\t30.48\t --",
        "Total - all experiments\t --\t --\t22,134\t952\t2,234.56\t50.50\t30.48\t --",
        "Total\t --\t --\t22,134\t952\t2,234.56\t50.50\t30.48\t --",
    ]
    rows = [
        row("2016-09-01", "- - -", "Total recall/", "", 12034, 842, "1234.56", "40.50", "-"),
        row("2016-09-02", "- - -", "Brand/", "", 100, 10, "-", "-", "-"),
    ]
    data = b"\xff\xfe" + ("\n".join(lines) + "\n").encode("utf-16-le")
    save(folder / "campaigns_2016_filtered.csv", data, rows, currency="USD", scope="filtered", lines=[3, 4])


def google_api(folder: Path) -> None:
    header = [
        "customer.id",
        "segments.date",
        "campaign.id",
        "campaign.name",
        "ad_group.id",
        "ad_group.name",
        "ad_group_ad.ad.id",
        "ad_group_ad.ad.name",
        "metrics.impressions",
        "metrics.clicks",
        "metrics.conversions",
        "metrics.conversions_value",
        "metrics.cost_micros",
    ]

    def plain(value: Decimal | None) -> str:
        return "" if value is None else f"{value.normalize():f}"

    rows = [
        [
            "1234567890",
            *r[:9],
            plain(r.conversions),
            plain(r.value),
            "" if r.cost is None else int(r.cost * 1_000_000),
        ]
        for r in GOOGLE
    ]
    save(
        folder / "api_micros.csv",
        table([header, *rows]),
        GOOGLE,
        account="1234567890",
        lines=[2, 3, 4, 5, 6, 7],
    )
    text = table([[h.replace(".", "_") for h in header], *rows])
    save(
        folder / "bigquery_underscores.csv.gz",
        gzip.compress(text.encode(), mtime=0),
        GOOGLE,
        account="1234567890",
    )


# -- Meta --------------------------------------------------------------------------------------------------------------

META = [
    row("2026-09-01", "120250000000000001 120251000000000001 120253000000000001", "Spring/hikers", HIKERS[0], 4200, 61, "120.55", "3", "240.00"),
    row("2026-09-01", "120250000000000001 120251000000000001 120253000000000002", "Spring/hikers", HIKERS[1], 1234, 5, "10.00", "0", "0"),
    row("2026-09-02", "120250000000000001 120251000000000001 120253000000000001", "Spring/hikers", HIKERS[0], 3900, 44, "99.45", "2", "130.50"),
    row("2026-09-02", "120250000000000001 120251000000000002 120253000000000003", "Spring/city, runners", "line\nbreak name", 77, 0, "0.71", "0", "0"),
]  # fmt: skip
PURCHASE = "offsite_conversion.fb_pixel_purchase"


def meta(folder: Path) -> None:
    header = (
        "Campaign name,Campaign ID,Ad set name,Ad set ID,Ad name,Ad ID,Account ID,Day,Ad delivery,Results,Result indicator,Cost per results,"
        '"Amount spent (USD)",Impressions,Reach,Frequency,CPM (cost per 1|000 impressions) (USD),Link clicks,CTR (link click-through rate),'
        "Purchases,Purchases,Purchases conversion value,Reporting starts,Reporting ends"
    )
    names = [h.strip('"').replace("|", ",") for h in header.split(",")]
    sums = [total(META, f) for f in ("cost", "impressions", "conversions", "value")]
    summary = [
        *[""] * 12,
        sums[0],
        sums[1],
        7000,
        1.3,
        9,
        total(META, "clicks"),
        1.2,
        sums[2],
        sums[2],
        sums[3],
        "2026-09-01",
        "2026-09-02",
    ]
    lines = [names, summary]
    for r in META:
        sold = r.conversions or ""
        ids = [r.campaign, r.campaign_id, r.group, r.group_id, r.ad, r.ad_id, "9001002003", r.day, "active"]
        shown = [
            sold,
            f"actions:{PURCHASE}" if sold else "",
            "",
            r.cost,
            r.impressions,
            r.impressions - 9,
            1.05,
            10.1,
            r.clicks or "",
            1.2,
        ]
        lines.append([*ids, *shown, sold, sold, r.value or "", r.day, r.day])
    facts = {"currency": "USD", "account": "9001002003"}
    save(
        folder / "summary_row_bom.csv",
        b"\xef\xbb\xbf" + table(lines).encode(),
        META,
        **facts,
        lines=[3, 4, 5, 6],
    )
    document = {"data": [insight(r) for r in META], "paging": {"cursors": {"before": "x", "after": "y"}}}
    save(folder / "insights.json", json.dumps(document, indent=1), META, **facts)
    text = (
        "Berichtsstart,Berichtsende,Kampagnenname,Anzeigengruppenname,Anzeigenname,Auslieferung,Ergebnisse,Ergebnisindikator,"
        "Ausgegebener Betrag (EUR),Impressionen,Link-Klicks\n"
        f"2026-09-01,2026-09-01,Frühling,Wanderer,{HIKERS[0]},active,3,actions:{PURCHASE},1120.55,4200,61\n"
        f"2026-09-01,2026-09-01,Frühling,Wanderer,{HIKERS[1]},active,5,actions:link_click,10.00,900,5\n"
    )
    rows = [
        row("2026-09-01", "- - -", "Frühling/Wanderer", HIKERS[0], 4200, 61, "1120.55", "3", "-"),
        row("2026-09-01", "- - -", "Frühling/Wanderer", HIKERS[1], 900, 5, "10.00", "-", "-"),
    ]
    save(folder / "german_results_one_day.csv", text, rows, currency="EUR")


def insight(r: Row) -> dict[str, Any]:
    """A row of the insights edge; the same purchases stand under two action types, and a lead beside them."""
    out: dict[str, Any] = {
        "account_id": "9001002003", "account_currency": "USD", "campaign_id": r.campaign_id, "campaign_name": r.campaign,
        "adset_id": r.group_id, "adset_name": r.group, "ad_id": r.ad_id, "ad_name": r.ad, "impressions": str(r.impressions),
        "clicks": str(r.clicks + 7), "inline_link_clicks": str(r.clicks), "spend": str(r.cost), "ctr": "1.45", "reach": "100",
        "date_start": r.day, "date_stop": r.day,
    }  # fmt: skip
    if r.conversions:
        kinds = {
            "link_click": str(r.clicks),
            PURCHASE: str(r.conversions),
            "purchase": str(r.conversions),
            "lead": "9",
        }
        out["actions"] = [{"action_type": k, "value": v, "7d_click": v} for k, v in kinds.items()]
        out["action_values"] = [{"action_type": k, "value": str(r.value)} for k in (PURCHASE, "purchase")]
    return out


# -- the others --------------------------------------------------------------------------------------------------------


def dv360(folder: Path) -> None:
    rows = [
        row("2026-09-01", "1001 2001 3001", "Spring/hikers", HIKERS[0], 4200, 12, "8.400000", "1.00", "-"),
        row("2026-09-02", "1001 2001 3001", "Spring/hikers", HIKERS[0], 1800, 3, "3.612345", "0.00", "-"),
    ]
    text = "Date,Advertiser ID,Advertiser Currency,Insertion Order,Insertion Order ID,Line Item,Line Item ID,Creative,Creative ID,Creative Size,Impressions,Clicks,Total Conversions,Media Cost (Advertiser Currency)\n"  # fmt: skip
    for r in rows:
        text += f"{r.day.replace('-', '/')},55001,USD,Spring,1001,hikers,2001,{r.ad},3001,300 x 250,{r.impressions},{r.clicks},{r.conversions},{r.cost}\n"
    text += (
        ",,,,,,,,,,6000,15,1.00,12.012345\n\nReport Time:,2026/09/03 03:34 GMT\nDate Range:,2026/09/01 to 2026/09/02\nGroup By:,Date\n"
        "Group By:,Creative\nMRC Accredited Metrics,Active View metrics are accredited only when Measurement Source = Measured\n"
        '"Some numbers in reports may fluctuate for up to seven days before matching billing numbers."\nFilter by Partner ID:,995544\n'
    )
    facts = {"currency": "USD", "account": "55001", "lines": [2, 3], "stamp": "2026-09-03T03:34:00+00:00"}
    save(folder / "daily_with_footer.csv", text, rows, **facts)


def cm360(folder: Path) -> None:
    rows = [
        row("2026-09-01", "11 21 31", "Spring/P 1", HIKERS[0], 5000, 9, "12.50", "1.00", "80.00"),
        row("2026-09-02", "11 21 32", "Spring/P 1", HIKERS[1], 7000, 8, "17.50", "0.00", "0.00"),
    ]
    text = (
        "Campaign Manager 360 report\nDate/Time Generated,2026-09-03T03:34:00Z\nReport Time Zone,America/New_York\nAccount ID,777\n"
        "Date Range,2026-09-01 - 2026-09-02\nMRC Accredited Metrics,none\n\nReport Fields\nDate,Campaign,Campaign ID,Site (CM360),Placement,"
        "Placement ID,Creative,Creative ID,Creative Pixel Size,Impressions,Clicks,Total Conversions,Media Cost,Total Revenue\n"
    )
    for r in rows:
        text += f"{r.day},Spring,11,news.example,P 1,21,{r.ad},{r.ad_id},300x250,{r.impressions},{r.clicks},{r.conversions},{r.cost},{r.value}\n"
    text += "Grand Total:,,,,,,,,,12000,17,1.00,30.00,80.00\n"
    save(folder / "grand_total.csv", text, rows, lines=[10, 11], stamp="2026-09-03T03:34:00+00:00")


def tiktok(folder: Path) -> None:
    ids = "1790000000000000001 1790000000000000011 179000000000000002"
    rows = [
        row("2026-09-01", ids + "1", "Spring/hikers", HIKERS[0], 3000, 40, "25.10", "2", "60.00"),
        row("2026-09-02", ids + "2", "Spring/hikers", HIKERS[1], 1000, 4, "5.05", "0", "-"),
    ]
    text = "By Day,Campaign name,Campaign ID,Ad group name,Ad group ID,Ad name,Ad ID,Currency,Cost,Impressions,Clicks (destination),CTR (destination),CPC (destination),CPM,Reach,Frequency,Conversions,Cost per conversion,Complete payment (value)\n"  # fmt: skip
    for r in rows:
        names = f"{r.campaign},{r.campaign_id},{r.group},{r.group_id},{r.ad},{r.ad_id}"
        text += f"{r.day},{names},USD,{r.cost},{r.impressions},{r.clicks},1.33%,0.63,8.37,900,1.1,{r.conversions},-,{r.value or '-'}\n"
    text += "Total of 2 results,-,-,-,-,-,-,USD,30.15,4000,44,1.10%,0.69,7.54,1500,1.2,2,15.08,60.00\n"
    save(folder / "total_of_results.csv", text, rows, currency="USD", lines=[2, 3])


def amazon(folder: Path) -> None:
    rows = [
        row("2026-09-01", "- - -", "Spring/hikers", "", 12000, 55, "1044.00", "9", "2310.50"),
        row("2026-09-02", "- - -", "Spring/hikers", "", 8000, 31, "20.15", "0", "0.00"),
    ]
    text = "Start Date,End Date,Portfolio name,Currency,Campaign Name,Ad Group Name,Retailer,Country,Advertised SKU,Advertised ASIN,Impressions,Clicks,Click-Thru Rate (CTR),Cost Per Click (CPC),Spend,7 Day Total Sales ,Total Advertising Cost of Sales (ACOS) ,Total Return on Advertising Spend (ROAS),7 Day Total Orders (#),7 Day Total Units (#),7 Day Conversion Rate\n"  # fmt: skip
    for r in rows:
        day = f'"Sep {int(r.day[8:])}, 2026"'
        money = f'"${r.cost:,.2f}","${r.value:,.2f}"'
        text += f"{day},{day},All,USD,Spring,hikers,Amazon,US,SKU-1,B00EXAMPLE,{r.impressions},{r.clicks},0.4583%,$0.76,{money},45.18%,2.21,{r.conversions},9,16.36%\n"
    save(folder / "sponsored_products_daily.csv", text, rows, currency="USD", lines=[2, 3])


def connector(folder: Path) -> None:
    """Rows split by device and by hour, which add up to an ad's day."""
    keys = "150175881,359751135,1338105911256039,83631648270349,USD"
    text = (
        "date,account_id,campaign_id,ad_group_id,ad_id,currency_code,device_os,device_type,network,language,ad_distribution,bid_match_type,"
        "delivered_match_type,top_vs_other,clicks,impressions,spend,conversions_qualified,conversions,revenue\n"
        f"2026-09-01,{keys},Windows,Computer,Bing,English,Search,Broad,Broad,Top,1,4,6.5,1,2,0.01\n"
        f"2026-09-01,{keys},iOS,Smartphone,Bing,English,Search,Broad,Broad,Top,0,5,0.0,,,\n"
        f"2026-09-02,{keys},Windows,Computer,Bing,English,Search,Broad,Broad,Top,2,14,13.86,0,0,0.00\n"
    )
    rows = [
        row("2026-09-01", "- - 83631648270349", "/", "", 9, 1, "6.5", "2", "0.01"),
        row("2026-09-02", "- - 83631648270349", "/", "", 14, 2, "13.86", "0", "0.00"),
    ]
    facts = {"platform": "microsoft_ads", "currency": "USD", "account": "150175881", "lines": [2, 4]}
    save(folder / "microsoft_split_by_device.csv", text, rows, **facts)
    text = (
        "AD_ID,STAT_TIME_HOUR,IMPRESSIONS,CLICKS,CONVERSION,SPEND,TOTAL_PURCHASE_VALUE,RESULT_RATE\n7,2026-09-01 22:00:00,10,1,1,1.50,9.99,-\n"
        "7,2026-09-01 23:00:00,20,2,0,0.30,0.00,-\n7,2026-09-02 00:00:00,5,0,0,0.10,0.00,-\n"
    )
    rows = [
        row("2026-09-01", "- - 7", "/", "", 30, 3, "1.80", "1", "9.99"),
        row("2026-09-02", "- - 7", "/", "", 5, 0, "0.10", "0", "0.00"),
    ]
    save(folder / "tiktok_hourly.csv", text, rows, platform="tiktok")


def make(folder: Path) -> None:
    """Write every sample and its expected result below `folder`, one folder per format."""
    parts = {
        "google_ads": google,
        "meta": meta,
        "dv360": dv360,
        "cm360": cm360,
        "tiktok": tiktok,
        "amazon_ads": amazon,
        "connector": connector,
    }
    for name, part in parts.items():
        part(folder / name)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
