"""TikTok Ads Manager: '(destination)' metrics, '-' for missing, and a last row 'Total of N results'. Days are UTC days.

The total row's wording was seen in one source only; a file without it is read all the same. The default download is
.xlsx, which has to be saved as CSV.
"""

from __future__ import annotations

from dco.platforms.columns import Count, Day, Exact, Id, Micros, Text
from dco.platforms.report import Format, Report
from dco.platforms.totals import Totals

TABLE = Report(
    "tiktok",
    {
        "account": Id("Account ID", "Advertiser ID"),
        "day": Day("By Day", "Date"),
        "currency": Text("Currency"),
        "campaign_id": Id("Campaign ID"),
        "campaign": Text("Campaign name"),
        "ad_group_id": Id("Ad group ID"),
        "ad_group": Text("Ad group name"),
        "ad_id": Id("Ad ID"),
        "ad": Text("Ad name"),
        "impressions": Count("Impressions"),
        "clicks": Count("Clicks (destination)", "Destination clicks", "Clicks (all)"),
        "conversions": Exact("Conversions"),
        "revenue_micros": Micros("Complete payment (value)"),
        "spend_micros": Micros("Cost"),
    },
    needs=("impressions", "spend_micros"),
    marks=("Clicks (destination)", "CTR (destination)", "CPC (destination)", "Destination clicks"),
    periods=("By Week", "By Month", "Week", "Month", "By Hour"),
    totals=Totals(
        label=r"(?i)^total of \d+ results?$", blank=("campaign_id", "campaign", "ad_group", "ad_id", "ad")
    ),
    day_hint="in TikTok Ads Manager choose the dimension Day and export again",
    zone="UTC",
)

FORMAT = Format("tiktok", "TikTok Ads Manager CSV by day", (TABLE,))
