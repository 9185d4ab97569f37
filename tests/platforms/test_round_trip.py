"""What a writer wrote, the reader reads back: for any rows a platform can report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco import registry, schemas
from dco.errors import BadData
from dco.platforms.cells import MISSING
from dco.platforms.read import read_delivery, recognise

STAMP = datetime(2026, 10, 1, 3, 15, tzinfo=UTC)
WRITERS = [n for n in registry.names("formats") if registry.load("formats", n).write]

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs", "Cf"]),
    min_size=1,
    max_size=12,
)
names = texts.filter(lambda t: t not in MISSING and "dco" not in t)
ids = st.integers(1, 10**18).map(str)
money = st.integers(0, 10**9).map(lambda c: c * 10_000) | st.integers(0, 10**12)
arms = st.integers(0, 2**64 - 1).map(lambda i: f"dco{i:016x}")
sizes = st.sampled_from(["300x250", "728x90", "1080x1920"])


@st.composite
def reports(draw: st.DrawFn, platform: str) -> pa.Table:
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        ours = draw(st.booleans())
        arm, size = draw(arms), draw(sizes)
        conversions = st.integers(0, 10**8).map(lambda n: Decimal(n).scaleb(-6))
        rows.append(
            {
                "platform": platform,
                "account": "1234567890",
                "day": date(2026, 9, 1) + timedelta(days=draw(st.integers(0, 40))),
                "currency": "EUR",
                "campaign_id": draw(ids),
                "campaign": draw(names),
                "ad_group_id": draw(ids),
                "ad_group": draw(names),
                "ad_id": draw(ids),
                "ad": f"spring|{draw(names)}|{arm}|{size}".replace("||", "|x|") if ours else draw(names),
                "arm_id": arm if ours else None,
                "size": size if ours else None,
                "impressions": draw(st.integers(0, 10**9)),
                "viewable": draw(st.none() | st.integers(0, 10**9)) if platform == "google_ads" else None,
                "clicks": draw(st.integers(0, 10**6)),
                "conversions": draw(conversions | st.none() if platform == "google_ads" else conversions),
                "revenue_micros": draw(money | st.none() if platform == "google_ads" else money),
                "spend_micros": draw(money | st.none() if platform == "google_ads" else money),
                "line": 1,
            }
        )
    return pa.Table.from_pylist(rows, schema=schemas.REPORT)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_reading_what_was_written_gives_the_same_rows(name: str, data: st.DataObject) -> None:
    rows = data.draw(reports(name))
    written = registry.load("formats", name).write(rows, stamp=STAMP, currency="EUR", title="Ad report")
    assert recognise("x.csv", written) == name
    found = read_delivery("x.csv", written, arrived=STAMP + timedelta(hours=1))
    assert found.rows.drop_columns(["line"]).to_pylist() == rows.drop_columns(["line"]).to_pylist()
    lines = found.rows["line"].to_pylist()
    assert lines == sorted(set(lines))
    assert "agrees with" in found.rows.schema.metadata[b"dco.delivery"].decode()


def test_a_google_export_carries_its_stamp() -> None:
    rows = _one("google_ads")
    written = registry.load("formats", "google_ads").write(rows, stamp=STAMP, currency="EUR", title="Nightly")
    assert written.startswith(b'Nightly 2026-10-01T03:15:00Z\n"September 1, 2026 - September 1, 2026"\n')
    assert read_delivery("x.csv", written, arrived=STAMP + timedelta(days=3)).stamp == STAMP


@pytest.mark.parametrize("name", WRITERS)
def test_rows_of_another_currency_are_not_written(name: str) -> None:
    with pytest.raises(BadData, match="EUR cannot go into a file in USD"):
        registry.load("formats", name).write(_one(name), stamp=STAMP, currency="USD", title="x")


def _one(platform: str) -> pa.Table:
    row = {
        "platform": platform,
        "day": date(2026, 9, 1),
        "currency": "EUR",
        "ad": "a",
        "impressions": 10,
        "clicks": 1,
        "line": 1,
    }
    row |= {"spend_micros": 1_230_000}
    return pa.Table.from_pylist([row], schema=schemas.REPORT)
