"""Amazon Ads (sponsored products and brands): names with trailing blanks, the attribution window in the name, '$' in cells.

Sponsored products report a 7-day window, sponsored brands a 14-day one; a file has the one or the other. There is no id
below the campaign name in these exports. 'Start Date' and 'End Date' of a daily report are the same day.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadReport
from dco.platforms.columns import Count, Day, Exact, Id, Micros, Text
from dco.platforms.report import Format, Report, Values
from dco.platforms.totals import Totals

_DAY_HINT = "create the report with the time unit Daily"


def _derive(source: str, values: Values, lines: pa.Array) -> Values:
    out = {k: v for k, v in values.items() if not k.startswith("_")}
    if "day" not in out:
        same = pc.fill_null(pc.equal(values["_starts"], values.get("_ends", values["_starts"])), False)
        if not pc.all(same, min_count=0).as_py():
            row = pc.index(same, pa.scalar(False)).as_py()
            raise BadReport(source, f"a row covers several days; {_DAY_HINT}", line=lines[row].as_py())
        out["day"] = values["_starts"]
    return out


TABLE = Report(
    "amazon_ads",
    {
        "day": Day("Date"),
        "_starts": Day("Start Date"),
        "_ends": Day("End Date"),
        "currency": Text("Currency"),
        "campaign_id": Id("Campaign ID"),
        "campaign": Text("Campaign Name"),
        "ad_group": Text("Ad Group Name"),
        "ad_id": Id("Ad ID"),
        "ad": Text("Creative Name", "Advertised ASIN"),
        "impressions": Count("Impressions"),
        "clicks": Count("Clicks"),
        "conversions": Exact("7 Day Total Orders (#)", "14 Day Total Orders (#)"),
        "revenue_micros": Micros("7 Day Total Sales", "14 Day Total Sales"),
        "spend_micros": Micros("Spend"),
    },
    needs=("impressions", "spend_micros"),
    marks=("7 Day Total Sales", "14 Day Total Sales", "Total Return on Advertising Spend (ROAS)"),
    totals=Totals(label=r"(?i)^total$"),
    day_hint=_DAY_HINT,
    derive=_derive,
)

FORMAT = Format("amazon_ads", "Amazon Ads sponsored products and brands CSV by day", (TABLE,))
