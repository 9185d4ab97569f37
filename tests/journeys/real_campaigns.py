"""Campaigns on real things: a shop's product photos, and the accounts, ad groups and ads of real connector tables."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from ruamel.yaml import YAML

from dco import registry, schemas
from dco.jobs.init import init, template

GOOGLE = "google_ads_ad_stats_data.csv"
META = "facebook_ads_basic_ad_data.csv"

GOOGLE_PLACEMENT = {"key": "display", "platform": "google_ads", "lever": "rotation", "sizes": ["300x250"]}
META_PLACEMENT = {"key": "feed", "platform": "meta", "lever": "budget", "sizes": ["1200x628"]}


def on_photo(folder: Path, photo: Path, **changes: Any) -> Path:
    """The written example around a real photo: procedural backdrops, one segment, two sizes. Returns the campaign file.

    `changes` replace whole top-level entries of the file.
    """
    file = init(folder)[0]
    shutil.copyfile(photo, folder / "brand" / "product.png")
    yaml = YAML(typ="safe")
    said = yaml.load(template())
    said["segments"] = said["segments"][:1]
    said["placements"] = [
        GOOGLE_PLACEMENT | {"account": "123-456-7890"},
        META_PLACEMENT | {"account": "act_5550001"},
    ]
    said["creatives"] = {"starting_per_segment": 2}
    said["model"]["backend"] = "procedural"
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(said | changes, out)
    return file


def rows_of(table: Path) -> list[dict[str, str]]:
    """A connector table by the csv module alone."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sums(
    rows: Sequence[Mapping[str, str]], clicks: str, spend: str, micros_per_unit: int
) -> dict[str, dict[str, int]]:
    """Impressions, clicks and spend in micros per ad id, in exact decimals."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        ad = found.setdefault(
            row["ad_id"], dict.fromkeys(("impressions", "clicks", "spend_micros"), Decimal(0))
        )
        ad["impressions"] += Decimal(row["impressions"])
        ad["clicks"] += Decimal(row[clicks])
        ad["spend_micros"] += Decimal(row[spend]) * micros_per_unit
    return {ad: {name: int(value) for name, value in measures.items()} for ad, measures in found.items()}


def named_export(
    platform: str, account: str, day: date, stamp: datetime, ads: Sequence[Mapping[str, str]]
) -> tuple[bytes, dict[str, int]]:
    """A day of ads as the platform's own export tells it, and what one ad had on it.

    Args:
        ads: ad_group_id, ad_id and ad (the name) of each; every ad gets the same counts.
    """
    counts = {"impressions": 1_200, "clicks": 18, "spend_micros": 9_870_000}
    rows = [
        {"platform": platform, "account": account, "day": day, "currency": "USD", "line": i, **ad, **counts}
        for i, ad in enumerate(ads, 1)
    ]
    write = registry.load("formats", platform).write
    return write(pa.Table.from_pylist(rows, schemas.REPORT), stamp=stamp, currency="USD"), counts
