"""Short ways to write report files by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from dco.platforms.read import read_delivery
from dco.records import Delivery

ARRIVED = datetime(2026, 10, 2, 3, tzinfo=UTC)


def deliver(text: str | bytes, name: str = "march.csv", **options: object) -> Delivery:
    """Read text as a file that arrived on 2 October 2026."""
    data = text.encode() if isinstance(text, str) else text
    return read_delivery(name, data, arrived=ARRIVED, **options)  # type: ignore[arg-type]


@pytest.fixture
def read():  # type: ignore[no-untyped-def]
    return deliver


def google(
    *rows: str,
    header: str = "Day,Campaign,Impr.,Clicks,Cost,Conversions",
    title: bool = True,
    total: str = "",
) -> str:
    """A Google Ads web export with the given rows."""
    head = 'Ad report\n"September 1, 2026 - September 30, 2026"\n' if title else ""
    return head + "\n".join([header, *rows, *([total] if total else [])]) + "\n"


def column(delivery: Delivery, name: str) -> list[object]:
    return pa.Table.from_batches(delivery.rows.to_batches())[name].to_pylist()
