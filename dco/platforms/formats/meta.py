"""Meta: the Ads Manager's CSV, and Insights JSON as the Marketing API returns it.

The first data row may be the summary (empty names): a checksum, never a fact. Blank means zero. `Results` mixes events, so
it counts only where its indicator names a purchase or a lead. Reach and frequency do not add up and are not read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadReport
from dco.platforms.cells import Cells
from dco.platforms.columns import Column, Count, Day, Exact, Id, Micros, Text
from dco.platforms.report import Format, Reading, Report, Values, build
from dco.platforms.sniff import Sheet
from dco.platforms.totals import Totals
from dco.platforms.writing import Sheetful, amount, check_rows, total, written

_DAY_HINT = "in Ads Manager choose Breakdown > By time > Day and export again"


def _derive(source: str, values: Values, lines: pa.Array) -> Values:
    """Day from a range of one day; conversions from Results where the indicator allows it."""
    out = {k: v for k, v in values.items() if not k.startswith("_")}
    if "day" not in values:
        out["day"] = _one_day(source, values, lines)
    if "conversions" not in values and "_results" in values and "_indicator" in values:
        counts = pc.match_substring_regex(
            pc.fill_null(values["_indicator"], ""), r"(?i)purchase|(?:^|[._:])lead"
        )
        out["conversions"] = pc.if_else(counts, values["_results"], pa.scalar(None, values["_results"].type))
    return out


def _one_day(source: str, values: Values, lines: pa.Array) -> pa.Array:
    starts, ends = values["_starts"], values.get("_ends", pa.nulls(len(lines), pa.date32()))
    same = pc.fill_null(pc.equal(starts, ends), False)
    if not pc.all(same, min_count=0).as_py():
        row = pc.index(same, pa.scalar(False)).as_py()
        raise BadReport(
            source,
            f"a row covers {starts[row].as_py()} to {ends[row].as_py()}, not one day; {_DAY_HINT}",
            line=lines[row].as_py(),
        )
    return starts


MANAGER = Report(
    "meta",
    {
        "account": Id("Account ID", "Werbekonto-ID", "ID du compte publicitaire", "ID de la cuenta"),
        "day": Day("Day", "Tag", "Jour", "Día"),
        "_starts": Day("Reporting starts", "Berichtsstart", "Début des rapports", "Inicio del informe"),
        "_ends": Day("Reporting ends", "Berichtsende", "Fin des rapports", "Fin del informe"),
        "currency": Text("Currency", "Währung", "Devise", "Moneda", "Divisa"),
        "campaign_id": Id("Campaign ID", "Kampagnen-ID", "ID de la campagne", "Identificador de la campaña"),
        "campaign": Text("Campaign name", "Kampagnenname", "Nom de la campagne", "Nombre de la campaña"),
        "ad_group_id": Id("Ad set ID", "Ad Set ID", "Anzeigengruppen-ID", "ID de l'ensemble de publicités"),
        "ad_group": Text(
            "Ad set name", "Anzeigengruppenname", "Name der Anzeigengruppe", "Nom de l'ensemble de publicités",
            "Nombre del conjunto de anuncios",
        ),
        "ad_id": Id("Ad ID", "Anzeigen-ID", "ID de la publicité", "Identificador del anuncio"),
        "ad": Text("Ad name", "Anzeigenname", "Nom de la publicité", "Nombre del anuncio"),
        "impressions": Count("Impressions", "Impressionen", "Impresiones"),
        "clicks": Count(
            "Link clicks", "Link-Klicks", "Clics sur un lien", "Clics en el enlace", "Clicks (all)", "Klicks (alle)",
            "Clics (tous)", "Clics (todos)",
        ),
        "conversions": Exact("Purchases", "Website purchases", "Käufe", "Website-Käufe", "Achats", "Compras"),
        "_results": Exact("Results", "Ergebnisse", "Résultats", "Resultados"),
        "_indicator": Text("Result indicator", "Result type", "Ergebnisindikator", "Indicateur de résultats"),
        "revenue_micros": Micros(
            "Purchases conversion value", "Purchase conversion value", "Website purchases conversion value",
            "Conversion-Wert für Käufe", "Valeur de conversion des achats", "Valor de conversión de compras",
        ),
        "spend_micros": Micros(
            "Amount spent (*)", "Ausgegebener Betrag (*)", "Montant dépensé (*)", "Importe gastado (*)", "Amount spent",
        ),
    },
    needs=("impressions", "spend_micros"),
    periods=("Week", "Month", "Woche", "Monat", "Semaine", "Mois", "Semana", "Mes"),
    totals=Totals(blank=("campaign_id", "campaign", "ad_group_id", "ad_group", "ad_id", "ad")),
    blank_is_zero=(Count, Exact, Micros),
    day_hint=_DAY_HINT,
    derive=_derive,
)  # fmt: skip

_FIELDS: Mapping[str, tuple[str, Column]] = {
    "account": ("account_id", Id("account_id")),
    "day": ("date_start", Day("date_start")),
    "_ends": ("date_stop", Day("date_stop")),
    "currency": ("account_currency", Text("account_currency")),
    "campaign_id": ("campaign_id", Id("campaign_id")),
    "campaign": ("campaign_name", Text("campaign_name")),
    "ad_group_id": ("adset_id", Id("adset_id")),
    "ad_group": ("adset_name", Text("adset_name")),
    "ad_id": ("ad_id", Id("ad_id")),
    "ad": ("ad_name", Text("ad_name")),
    "impressions": ("impressions", Count("impressions")),
    "spend_micros": ("spend", Micros("spend")),
}

_ACTIONS = (
    "omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase", "onsite_web_purchase",
    "lead", "offsite_conversion.fb_pixel_lead", "onsite_conversion.lead_grouped",
)  # fmt: skip
"""In order of preference. One event is listed under several of these: one is chosen for the whole file, never their sum."""


@dataclass(frozen=True, slots=True)
class Insights:
    """Rows of the Marketing API's insights edge: every number a string, conversions inside `actions`.

    JSON has no lines worth naming: `line` is the row's place in the list, from 1.
    """

    platform: str = "meta"

    def claims(self, sheet: Sheet) -> bool:
        rows = _rows_in(sheet.json) if sheet.is_json else None
        return bool(rows and all("impressions" in r and "date_start" in r for r in rows[:20]))

    def read(self, sheet: Sheet) -> Reading:
        document = sheet.json
        rows = _rows_in(document) or []
        if (
            isinstance(document, dict)
            and isinstance(document.get("paging"), dict)
            and "next" in document["paging"]
        ):
            raise BadReport(
                sheet.source,
                "one page of several ('paging.next' is set); fetch all pages into one list 'data'",
            )
        lines = pa.array(range(1, len(rows) + 1), pa.int64())
        values = {
            name: self._column(sheet, rows, key, c, lines)
            for name, (key, c) in _FIELDS.items()
            if _has(rows, key)
        }
        clicks = "inline_link_clicks" if _has(rows, "inline_link_clicks") else "clicks"
        values["clicks"] = self._column(sheet, rows, clicks, Count(clicks), lines)
        for name in ("impressions", "clicks", "spend_micros"):
            if name in values:
                values[name] = pc.fill_null(values[name], pa.scalar(0, pa.int64()))
        self._whole_days(sheet, values)
        values |= self._conversions(sheet, rows, lines)
        values.pop("_ends", None)
        return Reading(build(sheet.source, self.platform, values, lines))

    def _column(
        self, sheet: Sheet, rows: list[dict[str, Any]], key: str, column: Column, lines: pa.Array
    ) -> pa.Array:
        texts = [_text(sheet, r.get(key), key, i) for i, r in enumerate(rows, 1)]
        values: pa.Array = column.read(Cells(sheet.source, key, pa.array(texts, pa.string()), lines))
        return values

    def _whole_days(self, sheet: Sheet, values: Values) -> None:
        if values["day"].null_count:
            raise BadReport(
                sheet.source, "a row without date_start; fetch the insights again", column="date_start"
            )
        if "_ends" in values and not pc.all(pc.equal(values["day"], values["_ends"]), min_count=0).as_py():
            raise BadReport(
                sheet.source, "rows cover several days; fetch them with time_increment=1", column="date_stop"
            )

    def _conversions(self, sheet: Sheet, rows: list[dict[str, Any]], lines: pa.Array) -> Values:
        kinds = {a.get("action_type") for r in rows for a in _listed(r, "actions")}
        kind = next((k for k in _ACTIONS if k in kinds), None)
        if kind is None:
            return {}
        out: Values = {}
        columns: tuple[tuple[str, str, Column], ...] = (
            ("conversions", "actions", Exact("actions")),
            ("revenue_micros", "action_values", Micros("action_values")),
        )
        for name, key, column in columns:
            if _has(rows, key):
                picked = [{"x": _picked(sheet, r, key, kind, i)} for i, r in enumerate(rows, 1)]
                out[name] = self._column(sheet, picked, "x", column, lines)
        return out


def _rows_in(document: Any) -> list[dict[str, Any]] | None:
    rows = document.get("data") if isinstance(document, dict) else document
    return rows if isinstance(rows, list) and all(isinstance(r, dict) for r in rows) else None


def _has(rows: Iterable[Mapping[str, Any]], key: str) -> bool:
    return any(key in r for r in rows)


def _text(sheet: Sheet, value: Any, key: str, row: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadReport(sheet.source, f"row {row}: expected text or a number in {key!r}")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _listed(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = row.get(key)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _picked(sheet: Sheet, row: Mapping[str, Any], key: str, kind: str, number: int) -> Any:
    found = [e for e in _listed(row, key) if e.get("action_type") == kind]
    if len(found) > 1:
        raise BadReport(
            sheet.source, f"row {number}: {key!r} lists {kind!r} twice; fetch it without action breakdowns"
        )
    return found[0].get("value") if found else "0"


def write(rows: pa.Table, *, stamp: datetime, currency: str, title: str = "") -> bytes:
    """Rows (`schemas.REPORT`) as Ads Manager would export them by day: BOM, summary row first, blank for zero results.

    Meta's file has no title and no creation stamp (both are unused) and no viewable impressions. Where no row reports
    conversions or their value, the column is left out, as a user who did not pick it would.
    """
    check_rows(rows, "meta", currency, stamp)
    optional = {"Purchases": "conversions", "Purchases conversion value": "revenue_micros"}
    present = {h: n for h, n in optional.items() if rows[n].null_count < len(rows)}
    names = {"Campaign name": "campaign", "Campaign ID": "campaign_id", "Ad set name": "ad_group", "Ad set ID": "ad_group_id",
             "Ad name": "ad", "Ad ID": "ad_id", "Account ID": "account"}  # fmt: skip
    sheet = Sheetful(
        (
            "Day",
            *names,
            "Impressions",
            "Link clicks",
            f"Amount spent ({currency})",
            *present,
            "Reporting starts",
            "Reporting ends",
        )
    )
    days = rows["day"].to_pylist()
    first, last = (min(days).isoformat(), max(days).isoformat()) if days else (None, None)
    sheet.add([*[None] * (1 + len(names)), *_measures(total(rows), present), first, last])
    for row in rows.to_pylist():
        day = row["day"].isoformat()
        sheet.add([day, *(row[n] for n in names.values()), *_measures(row, present), day, day])
    return b"\xef\xbb\xbf" + written(sheet, missing="", quoting=csv.QUOTE_MINIMAL)


def _measures(row: Mapping[str, Any], present: Mapping[str, str]) -> list[str | None]:
    plain = [str(row["impressions"]), str(row["clicks"]), amount(row["spend_micros"])]
    for name in present.values():
        value = row[name]
        plain.append(amount(value if name != "conversions" or value is None else int(value * 1_000_000)))
    return [None if text is None else text.replace(",", "") for text in plain]


FORMAT = Format("meta", "Meta: Ads Manager CSV by day, Insights JSON", (MANAGER, Insights()), write)
