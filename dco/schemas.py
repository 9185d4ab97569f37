"""Arrow schemas of every table that travels between steps. Units and meaning stand beside each column.

A null is "the platform did not say"; a zero is a count of zero. Money is integer micros of the row's currency. Ids are text.
"""

from __future__ import annotations

import pyarrow as pa

CONVERSIONS = pa.decimal128(18, 6)
"""Platforms report fractional conversions; they are kept exact."""

REPORT = pa.schema(
    [
        pa.field("platform", pa.string(), nullable=False),  # google_ads, meta, ... (name of the format)
        pa.field("account", pa.string()),  # account id as the file states it; null when it does not
        pa.field("day", pa.date32(), nullable=False),  # in the account's own zone
        pa.field("currency", pa.string()),
        pa.field("campaign_id", pa.string()),
        pa.field("campaign", pa.string()),
        pa.field("ad_group_id", pa.string()),  # ad group (Google), ad set (Meta): what a segment maps to
        pa.field("ad_group", pa.string()),
        pa.field("ad_id", pa.string()),
        pa.field("ad", pa.string()),  # ad name; carries the arm id
        pa.field("arm_id", pa.string()),  # parsed from the ad name; null for ads that are not ours
        pa.field("size", pa.string()),  # 300x250 when the file breaks down by size
        pa.field("impressions", pa.int64(), nullable=False),
        pa.field("viewable", pa.int64()),
        pa.field("clicks", pa.int64(), nullable=False),
        pa.field("conversions", CONVERSIONS),
        pa.field("revenue_micros", pa.int64()),
        pa.field("spend_micros", pa.int64()),
        pa.field("line", pa.int64(), nullable=False),  # 1-based line of the file the row began on
    ]
)
"""One row per line of a platform file, total rows and footers removed. `dco.read_report` returns this."""


def history(attributes: list[str] | tuple[str, ...] = ()) -> pa.Schema:
    """One row per (arm, segment, placement, size, day, as_of): what was known on `as_of` about `day`.

    All as-of versions are there, so that late conversions can be modelled from the reporting triangle.
    """
    return pa.schema(
        [
            pa.field("arm_id", pa.string(), nullable=False),
            pa.field("segment", pa.string(), nullable=False),
            pa.field("placement", pa.string()),
            pa.field("size", pa.string()),
            pa.field("day", pa.date32(), nullable=False),
            pa.field("as_of", pa.date32(), nullable=False),
            pa.field("impressions", pa.int64(), nullable=False),
            pa.field("viewable", pa.int64()),
            pa.field("clicks", pa.int64(), nullable=False),
            pa.field("conversions", pa.float64()),
            pa.field("revenue_micros", pa.int64()),
            pa.field("spend_micros", pa.int64()),
            pa.field(
                "intended_share", pa.float64()
            ),  # of the segment's impressions, by the version live that day
            pa.field("delivered_share", pa.float64()),
            pa.field("lever", pa.string()),
            pa.field("attributes", genome(attributes)),
        ]
    )


FEATURES = pa.field("features", pa.list_(pa.float64()))
"""Optional column of the history and of arms given to the optimizer: what a creative looks like, as numbers of one length."""


def genome(attributes: list[str] | tuple[str, ...]) -> pa.DataType:
    """The arm's options as a struct with one text field per attribute."""
    return pa.struct([pa.field(a, pa.string()) for a in attributes])


def arms(attributes: list[str] | tuple[str, ...] = ()) -> pa.Schema:
    """Arms as given to the optimizer: live, pending (made, not yet approved) or rejected ones."""
    return pa.schema(
        [
            pa.field("arm_id", pa.string(), nullable=False),
            pa.field("segment", pa.string(), nullable=False),
            pa.field("control", pa.bool_()),  # a starting arm that the holdout keeps serving
            pa.field("attributes", genome(attributes)),
        ]
    )


SHARES = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("arm_id", pa.string(), nullable=False),
        pa.field(
            "share", pa.float64(), nullable=False
        ),  # of the segment's impressions; sums to 1 per segment
        pa.field("control_share", pa.float64(), nullable=False),  # the part of `share` owed to the holdout
        pa.field("p_best", pa.float64()),  # posterior probability of being the best live arm
        pa.field("mean", pa.float64()),  # posterior mean of the KPI's rate
        pa.field("low", pa.float64()),  # 90 % credible interval
        pa.field("high", pa.float64()),
        pa.field("why", pa.string()),  # one sentence: what it gets, what it earns, of what, what held it back
    ]
)


def proposals(attributes: list[str] | tuple[str, ...] = ()) -> pa.Schema:
    """New ideas: what to make for which segment, what it is expected to gain, and from whom it descends."""
    return pa.schema(
        [
            pa.field("segment", pa.string(), nullable=False),
            pa.field("attributes", genome(attributes)),
            pa.field("expected_gain", pa.float64()),  # relative to the live average, 0.10 = +10 %
            pa.field("parents", pa.list_(pa.string())),
            pa.field("why", pa.string()),
        ]
    )


RETIRE = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("arm_id", pa.string(), nullable=False),
        pa.field("why", pa.string(), nullable=False),
    ]
)

BUDGETS = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("placement", pa.string(), nullable=False),  # '' where the history names none
        pa.field("lever", pa.string()),
        pa.field("money_micros", pa.int64(), nullable=False),  # tonight's; sums to the night's money
        pa.field("why", pa.string()),
    ]
)
"""Money of a night per segment and placement: advice where the lever is 'budget' or 'served', else only what is expected."""

ARM_DAYS = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("arm_id", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("impressions", pa.int64(), nullable=False),
        pa.field("clicks", pa.int64(), nullable=False),
        pa.field("conversions", pa.float64(), nullable=False),
        pa.field("revenue_micros", pa.int64(), nullable=False),
        pa.field("spend_micros", pa.int64(), nullable=False),
        pa.field("share", pa.float64()),  # intended by the version live that day
    ]
)
"""Newest knowledge per arm and day, summed over placements and sizes: what reports and comparisons read."""
