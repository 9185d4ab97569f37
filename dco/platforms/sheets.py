"""Upload sheets: a night's decision as a file a media buyer imports, with the difference to the last one in words.

Image-ad and responsive-display column names were not verified in Google Ads Editor itself: before the first import, export
one ad of the kind from Editor and compare its headers ('Image name', 'Ad type') with this sheet's. Editor wants
English headers, ignores their case and blanks, and leaves alone what is blank.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dco.errors import BadData, Refused
from dco.platforms.names import ad_name, parse_ad_name

EDITOR_HEADER = (
    "Campaign",
    "Ad Group",
    "Ad type",
    "Ad name",
    "Image name",
    "Image size",
    "Final URL",
    "Status",
    "Labels",
)

ERASE = "[]"
"""What tells Editor to erase a value; a blank would leave the old share on a paused ad."""

_NEEDED = ("campaign", "ad_group", "segment", "arm_id", "size", "image", "final_url", "status", "share")
_STATUS = ("Enabled", "Paused")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A bulk sheet and what it changes. `changes` are sentences; empty means that nothing would change."""

    text: str
    changes: tuple[str, ...]

    def __repr__(self) -> str:
        rows = max(self.text.count("\n") - 1, 0)
        return "\n".join([f"{rows} ads", *(f"  {c}" for c in self.changes)])


def google_ads_editor(ads: pa.Table | Sequence[Mapping[str, Any]], previous: str | None = None) -> Sheet:
    """The Google Ads Editor CSV of a night's decision, one row per ad and size.

    Args:
        ads: rows with campaign, ad_group, segment, arm_id, size ('300x250'), image (file name), final_url, status
            ('Enabled' or 'Paused') and share (of the segment, 0 to 1; None for a paused ad). Google does not obey shares:
            the share goes into the label column, for people and for rules built on labels.
        previous: text of the last sheet sent. Ads it enabled that are missing now are written as Paused, because an
            import changes only what it lists.

    Raises:
        Refused: a value that a spreadsheet would run as a formula (CWE-1236). It is refused, not altered: altered
            names would no longer match in the platform.
        BadData: a row that lacks a value, or two rows with one ad name in one ad group.
    """
    rows = [_row(r, i) for i, r in enumerate(ads.to_pylist() if isinstance(ads, pa.Table) else ads, 1)]
    now = _keyed(rows)
    before = _keyed(_parse(previous)) if previous else {}
    left = {k: r for k, r in before.items() if k not in now and r["Status"] == "Enabled"}
    gone = {k: {**r, "Status": "Paused", "Labels": ERASE} for k, r in left.items()}
    for row in gone.values():
        _safe(row)
    everything = [*now.values(), *gone.values()]
    return Sheet(_text(everything), tuple(_changes(before, now, gone)))


def _row(ad: Mapping[str, Any], number: int) -> dict[str, str]:
    missing = [n for n in _NEEDED if n not in ad or (ad[n] is None and n != "share")]
    if missing:
        raise BadData(f"ad {number} of the sheet lacks {', '.join(missing)}")
    if ad["status"] not in _STATUS:
        raise BadData(f"ad {number} of the sheet: status {ad['status']!r} is neither Enabled nor Paused")
    share = ad["share"]
    if share is not None and not 0 <= share <= 1:
        raise BadData(f"ad {number} of the sheet: share {share!r} is not between 0 and 1")
    if not str(ad["final_url"]).startswith(("https://", "http://")):
        raise BadData(f"ad {number} of the sheet: final URL {ad['final_url']!r} is no web address")
    row = {
        "Campaign": str(ad["campaign"]),
        "Ad Group": str(ad["ad_group"]),
        "Ad type": "Image ad",
        "Ad name": ad_name(str(ad["campaign"]), str(ad["segment"]), str(ad["arm_id"]), str(ad["size"])),
        "Image name": str(ad["image"]),
        "Image size": str(ad["size"]),
        "Final URL": str(ad["final_url"]),
        "Status": str(ad["status"]),
        "Labels": ERASE if share is None else f"dco share {share:.1%}",
    }
    _safe(row)
    return row


def _safe(row: Mapping[str, str]) -> None:
    for column, value in row.items():
        if value.startswith(_FORMULA):
            raise Refused(
                f"upload sheet, column {column!r}: {value[:40]!r} begins like a spreadsheet formula; rename it in the campaign file"
            )
        if any(ord(c) < 32 for c in value):
            raise Refused(
                f"upload sheet, column {column!r}: {value[:40]!r} holds a line break or control character"
            )


def _keyed(rows: Iterable[dict[str, str]]) -> dict[tuple[str, str, str], dict[str, str]]:
    out: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        key = (row["Campaign"], row["Ad Group"], row["Ad name"])
        if key in out:
            raise BadData(
                f"upload sheet: the ad {row['Ad name']!r} stands twice in ad group {row['Ad Group']!r}"
            )
        out[key] = row
    return out


def _parse(text: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    if tuple(header) != EDITOR_HEADER:
        raise BadData("the previous sheet is not one that dco wrote; pass None to start afresh")
    rows = [dict(zip(EDITOR_HEADER, cells)) for cells in reader]
    if any(len(r) != len(EDITOR_HEADER) for r in rows):
        raise BadData("the previous sheet is cut short; pass None to start afresh")
    return rows


def _text(rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EDITOR_HEADER)
    writer.writerows([row[c] for c in EDITOR_HEADER] for row in rows)
    return out.getvalue()


def _changes(
    before: Mapping[Any, Mapping[str, str]], now: Mapping[Any, Mapping[str, str]], gone: Mapping[Any, Any]
) -> Iterable[str]:
    """Sentences, one per ad that changes, and one count of those that do not."""
    unchanged = 0
    for key, row in now.items():
        old = before.get(key)
        if old is None:
            yield f"added {_called(row)}, {row['Status'].lower()}" + _share(row)
        elif old == row:
            unchanged += 1
        else:
            yield f"{_verb(old, row)} {_called(row)}" + "; ".join(_moved(old, row))
    for row in gone.values():
        yield f"paused {_called(row)}: no longer in the decision"
    if unchanged:
        yield f"unchanged: {unchanged} ad{'s' if unchanged != 1 else ''}"


def _verb(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    if old["Status"] == new["Status"]:
        return "changed"
    return "paused" if new["Status"] == "Paused" else "enabled"


def _called(row: Mapping[str, str]) -> str:
    name = parse_ad_name(row["Ad name"])
    return f"{name.arm_id} {name.size} in {row['Ad Group']}" if name else row["Ad name"]


def _share(row: Mapping[str, str]) -> str:
    return f", {row['Labels'].removeprefix('dco ')}" if row["Labels"] != ERASE else ""


def _plain(value: str) -> str:
    return "none" if value in ("", ERASE) else value


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    moved = [c for c in EDITOR_HEADER if old[c] != new[c] and c != "Status"]
    return [": " + ", ".join(f"{c} {_plain(old[c])} -> {_plain(new[c])}" for c in moved)] if moved else []
