"""Google Ads: the web's CSV in four languages, its 'Excel CSV' (UTF-16, tabs), European re-saves, and API/BigQuery names.

The last rows are totals, one per scope; only the scope that is listed is the sum of the rows. 'Total: Account' may
exceed them (campaign types that serve above the ad level, removed campaigns). Headers outside English were read in other
people's importers, not in Google's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from dco.platforms.columns import AccountId, Count, Day, Exact, Id, Micros, RawMicros, Text
from dco.platforms.report import Format, Report
from dco.platforms.totals import Choice, Totals
from dco.platforms.writing import Sheetful, amount, check_rows, check_title, long_day, number, total, written

_SCOPES = {
    "ad_group": r"ad groups?|groupes? d'annonces|anzeigengruppen?|grupos? de anuncios",
    "ad": r"ads?|annonces|anzeigen|anuncios",
    "campaign": r"campaigns?|campagnes|kampagnen|campañas",
    "account": r"account|compte|konto|cuenta",
}
_PART = r"search|display|video|shopping|performance max|demand gen|discovery|apps?|smart|local|recherche|suche|búsqueda"
_ORDER = ("ad", "ad_group", "campaign")


def _scope(label: str) -> str:
    """What a total row is the total of: a level, 'filtered', 'part' (one campaign type), 'listed' or 'unknown'."""
    words = re.sub(r"^\w+\s*[:\-–]?\s*", "", label.casefold().replace("’", "'"))
    if re.search(r"filter|filtr|gefiltert", words):
        return "filtered"
    if not words:
        return "listed"
    for scope, pattern in _SCOPES.items():
        if re.search(rf"\b(?:{pattern})\b", words):
            return "part" if re.search(rf"\b(?:{_PART})\b", words) else scope
    return "part" if re.fullmatch(_PART, words) else "unknown"


def choose(labels: Sequence[str], level: str) -> Choice:
    """The total rows that are the sum of the listed rows: of the filter, else of the rows' own level, else a coarser."""
    scopes = [_scope(label) for label in labels]
    coarser = _ORDER[_ORDER.index(level) :] if level in _ORDER else ()
    for wanted in ("filtered", *coarser, "listed"):
        found = tuple(i for i, s in enumerate(scopes) if s == wanted)
        if found:
            scope = "filtered" if wanted == "filtered" else "full"
            return Choice(found, scope=scope) if len(found) == 1 else Choice((), any_of=found, scope=scope)
    unknown = "unknown" in scopes or scopes.count("part") == 1
    if unknown:
        return Choice((), any_of=tuple(range(len(labels))))
    return Choice((), bound=tuple(i for i, s in enumerate(scopes) if s == "account"))


WEB = Report(
    "google_ads",
    {
        "account": AccountId("Customer ID", "Kundennummer", "Numéro client", "ID de cliente"),
        "day": Day("Day", "Tag", "Jour", "Día"),
        "currency": Text(
            "Currency code", "Currency", "Währungscode", "Währung", "Code de devise", "Code de la devise", "Devise",
            "Código de moneda", "Moneda",
        ),
        "campaign_id": Id("Campaign ID", "Kampagnen-ID", "ID de campagne", "ID de la campagne", "ID de campaña", "ID de la campaña"),
        "campaign": Text("Campaign", "Kampagne", "Campagne", "Campaña"),
        "ad_group_id": Id(
            "Ad group ID", "Anzeigengruppen-ID", "ID du groupe d'annonces", "ID de groupe d'annonces",
            "ID de grupo de anuncios", "ID del grupo de anuncios",
        ),
        "ad_group": Text("Ad group", "Anzeigengruppe", "Groupe d'annonces", "Grupo de anuncios"),
        "ad_id": Id("Ad ID", "Anzeigen-ID", "ID d'annonce", "ID de l'annonce", "ID de anuncio", "ID del anuncio"),
        "ad": Text("Ad name", "Image ad name", "Anzeigenname", "Nom de l'annonce", "Nombre del anuncio"),
        "size": Text("Ad size", "Image ad size", "Size"),
        "impressions": Count("Impr.", "Impressions", "Impressionen", "Impresiones"),
        "viewable": Count("Viewable impr.", "Sichtbare Impr.", "Impr. visibles"),
        "clicks": Count("Clicks", "Klicks", "Clics"),
        "conversions": Exact("Conversions", "Konversionen", "Conversiones"),
        "revenue_micros": Micros(
            "Conv. value", "Conversion value", "Conv.-Wert", "Conversion-Wert", "Valeur de conv.", "Valeur conv.",
            "Valor de conv.", "Valor conv.",
        ),
        "spend_micros": Micros("Cost", "Kosten", "Coût", "Coste", "Costo"),
    },
    needs=("impressions", "spend_micros"),
    marks=(
        "Campaign", "Ad group", "Ad ID", "Campaign ID", "Kampagne", "Anzeigengruppe", "Campagne", "Groupe d'annonces",
        "Campaña", "Grupo de anuncios",
    ),
    foreign=("Clicks (destination)", "Ad group name", "Ad set name", "Placement"),
    periods=(
        "Week", "Month", "Quarter", "Year", "Woche", "Monat", "Quartal", "Jahr", "Semaine", "Mois", "Trimestre", "Année",
        "Semana", "Mes", "Año", "Day of the week", "Hour of the day",
    ),
    totals=Totals(label=r"(?i)^(?:total|gesamt|insgesamt|totales)\s*(?:[:\-–].*)?$", choose=choose),
    day_hint="in Google Ads choose Segment > Time > Day and download again",
)  # fmt: skip


def _api(*names: str) -> tuple[str, ...]:
    """API names in GAQL (`metrics.clicks`) and as BigQuery columns (`metrics_clicks`)."""
    return tuple(spelling for n in names for spelling in (n, n.replace(".", "_")))


API = Report(
    "google_ads",
    {
        "account": AccountId(*_api("customer.id"), "customer_id"),
        "day": Day(*_api("segments.date")),
        "currency": Text(*_api("customer.currency_code")),
        "campaign_id": Id(*_api("campaign.id")),
        "campaign": Text(*_api("campaign.name")),
        "ad_group_id": Id(*_api("ad_group.id")),
        "ad_group": Text(*_api("ad_group.name")),
        "ad_id": Id(*_api("ad_group_ad.ad.id")),
        "ad": Text(*_api("ad_group_ad.ad.name", "ad_group_ad.ad.image_ad.name")),
        "impressions": Count(*_api("metrics.impressions")),
        "viewable": Count(*_api("metrics.active_view_impressions")),
        "clicks": Count(*_api("metrics.clicks")),
        "conversions": Exact(*_api("metrics.conversions")),
        "revenue_micros": Micros(*_api("metrics.conversions_value")),
        "spend_micros": RawMicros(*_api("metrics.cost_micros")),
    },
    needs=("impressions", "spend_micros"),
    periods=_api("segments.week", "segments.month", "segments.quarter", "segments.year"),
    machine=True,
    day_hint="add segments.date to the query",
)


def write(rows: pa.Table, *, stamp: datetime, currency: str, title: str = "Ad report") -> bytes:
    """Rows (`schemas.REPORT`) as the web would export them: title, range, headers, rows, 'Total:' rows.

    The title carries `stamp` (UTC), as a saved report's own name may; the reader takes it for the file's creation stamp.
    Amounts finer than a cent keep their digits, so that what is read back is what was written.
    """
    check_rows(rows, "google_ads", currency, stamp)
    sheet = Sheetful(
        ("Ad status", "Day", "Customer ID", "Campaign", "Campaign ID", "Ad group", "Ad group ID", "Ad name", "Ad ID", "Ad size",
         "Currency code", "Impr.", "Viewable impr.", "Clicks", "CTR", "Avg. CPC", "Cost", "Conversions", "Cost / conv.",
         "Conv. value")
    )  # fmt: skip
    for row in rows.to_pylist():
        sheet.add(
            ["Enabled", row["day"].isoformat(), row["account"], row["campaign"], row["campaign_id"], row["ad_group"],
             row["ad_group_id"], row["ad"], row["ad_id"], row["size"], currency, *_measures(row)]
        )  # fmt: skip
    sums = total(rows)
    for label in ("Total: Ads", "Total: Account"):
        sheet.add([label, *[None] * 9, currency, *_measures(sums)])
    days = rows["day"].to_pylist()
    span = f'"{long_day(min(days))} - {long_day(max(days))}"' if days else '"All time"'
    head = f"{check_title(title)} {stamp.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n{span}\n"
    return head.encode() + written(sheet, missing=" --")


def _measures(row: dict) -> list[str | None]:  # type: ignore[type-arg]
    impressions, clicks, cost = row["impressions"], row["clicks"], row["spend_micros"]
    ctr = f"{clicks / impressions:.2%}" if impressions else None
    cpc = f"{cost / clicks / 1e6:.2f}" if clicks and cost is not None else None
    cpa = f"{cost / float(row['conversions']) / 1e6:.2f}" if row["conversions"] and cost is not None else None
    return [
        number(impressions), number(row["viewable"]), number(clicks), ctr, cpc, amount(cost),
        amount(None if row["conversions"] is None else int(row["conversions"] * 1_000_000)), cpa,
        amount(row["revenue_micros"]),
    ]  # fmt: skip


FORMAT = Format("google_ads", "Google Ads: web CSV, Excel CSV, API and BigQuery rows", (WEB, API), write)
