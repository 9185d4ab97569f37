"""Display & Video 360: a total row with empty dimensions, a blank line, then a footer with 'Report Time:' and filters.

The footer's length varies; it begins at the first blank line. The platform says numbers may change for seven days.
An insertion order is what others call a campaign, a line item an ad group, a creative an ad.
"""

from __future__ import annotations

from dco.platforms.columns import Count, Day, Exact, Id, Micros, Text
from dco.platforms.report import Format, Report
from dco.platforms.totals import Totals

TABLE = Report(
    "dv360",
    {
        "account": Id("Advertiser ID"),
        "day": Day("Date"),
        "currency": Text("Advertiser Currency"),
        "campaign_id": Id("Insertion Order ID"),
        "campaign": Text("Insertion Order"),
        "ad_group_id": Id("Line Item ID"),
        "ad_group": Text("Line Item"),
        "ad_id": Id("Creative ID"),
        "ad": Text("Creative"),
        "size": Text("Creative Size"),
        "impressions": Count("Impressions", "Billable Impressions"),
        "viewable": Count("Active View: Viewable Impressions"),
        "clicks": Count("Clicks"),
        "conversions": Exact("Total Conversions"),
        "spend_micros": Micros(
            "Media Cost (Advertiser Currency)", "Media Cost (Adv Currency)", "Revenue (Advertiser Currency)",
            "Revenue (Adv Currency)",
        ),
    },
    needs=("impressions",),
    marks=("Insertion Order", "Insertion Order ID", "Line Item", "Line Item ID"),
    periods=("Week", "Month"),
    totals=Totals(
        blank=("campaign_id", "campaign", "ad_group_id", "ad_group", "ad_id", "ad", "account"), ends_at_blank=True
    ),
    day_hint="add the dimension Date to the report and run it again",
)  # fmt: skip

FORMAT = Format("dv360", "Display & Video 360 report CSV", (TABLE,))
