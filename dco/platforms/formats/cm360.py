"""Campaign Manager 360: a preamble that ends in 'Report Fields', the table, and a 'Grand Total:' row."""

from __future__ import annotations

from dco.platforms.columns import Count, Day, Exact, Id, Micros, Text
from dco.platforms.report import Format, Report
from dco.platforms.totals import Totals

TABLE = Report(
    "cm360",
    {
        "account": Id("Advertiser ID"),
        "day": Day("Date"),
        "currency": Text("Currency"),
        "campaign_id": Id("Campaign ID"),
        "campaign": Text("Campaign"),
        "ad_group_id": Id("Placement ID"),
        "ad_group": Text("Placement"),
        "ad_id": Id("Creative ID"),
        "ad": Text("Creative"),
        "size": Text("Creative Size", "Creative Pixel Size"),
        "impressions": Count("Impressions"),
        "viewable": Count("Active View: Viewable Impressions"),
        "clicks": Count("Clicks"),
        "conversions": Exact("Total Conversions"),
        "revenue_micros": Micros("Total Revenue"),
        "spend_micros": Micros("Media Cost"),
    },
    needs=("impressions",),
    marks=("Placement", "Placement ID", "Site (CM360)", "Site ID (CM360)"),
    foreign=("Amount spent", "Cost", "Platform", "Insertion Order"),
    periods=("Week", "Month"),
    totals=Totals(label=r"(?i)^grand total\s*:?$"),
    day_hint="add the dimension Date to the report and run it again",
)

FORMAT = Format("cm360", "Campaign Manager 360 report CSV", (TABLE,))
