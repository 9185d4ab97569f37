"""What leaves the house: upload sheet, ad files, gallery and report. Each is a function of the store, written whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dco import registry
from dco.errors import StoreError
from dco.jobs import licences, rasters
from dco.jobs.desk import Desk
from dco.jobs.facts import Extra, arm_card, campaign_report, measured
from dco.platforms.sheets import google_ads_editor
from dco.records import MICROS
from dco.reports.campaign import render
from dco.reports.gallery import GalleryCard, gallery
from dco.store import sheets, versions
from dco.store.arms import ArmRow, arms

EDITOR = "google-ads-editor"


def deliver(desk: Desk, *, now: datetime, night: Mapping[str, Any], sheet: bool = True) -> dict[str, str]:
    """Write everything a night hands over; paths by name, relative to the campaign's folder. Without `sheet`, no upload."""
    written = {"gallery": write_gallery(desk), "report": write_report(desk, now=now)}
    if sheet and night["version"] is not None:
        table, changes = write_sheet(desk, int(night["version"]), now=now, budgets=night.get("budgets", ()))
        written |= {"sheet": table, "changes": changes}
    return {name: path.relative_to(desk.root).as_posix() for name, path in written.items()}


def write_report(desk: Desk, *, now: datetime, extra: Extra | None = None) -> Path:
    """The campaign report, one self-contained HTML file."""
    with desk.workspace.read() as conn:
        page = render(campaign_report(conn, desk, now=now, extra=extra))
    return write_whole(desk.outbox / "report.html", page.encode())


def write_gallery(desk: Desk) -> Path:
    """The approval gallery: every creative that waits, at true size, with its parents and the command that decides."""
    campaign, files = desk.campaign, desk.workspace.files
    with desk.workspace.read() as conn:
        pending = arms(conn, campaign.key, state="drafted")
    # A creative is drafted only when every check passed; the list of checks is the family's own.
    checks = ", ".join(name.replace("_", " ") for name in registry.names("checks"))
    passed = f"all checks passed: {checks}, file weight"
    cards = [
        GalleryCard(
            arm_card(files, row, {}, measured(desk, row)),
            {size: rasters.jpeg(files, name, size) for size, name in row.creative.rasters.items()},
            (passed,),
        )
        for row in pending
    ]
    page = gallery(cards, title=f"{campaign.brand.name}: {campaign.key}", campaign=campaign.root)
    return write_whole(desk.outbox / "gallery.html", page.encode())


def write_sheet(
    desk: Desk, number: int, *, now: datetime, budgets: Iterable[Mapping[str, Any]] = ()
) -> tuple[Path, Path]:
    """The Google Ads Editor sheet of a version, the files it names, and what changed since the last one, with the night's
    `budgets` (`schemas.BUDGETS`) as advice: budgets are set by a person.

    Raises:
        Unlicensed: no licence on record allows a served creative's model to go live.
    """
    campaign = desk.campaign
    with desk.workspace.read() as conn:
        shares = {
            (r["segment"], r["arm_id"]): r["share"]
            for r in versions.at(conn, campaign.key, number).shares.to_pylist()
        }
        rows = [row for row in arms(conn, campaign.key) if (row.segment, row.arm_id) in shares]
        previous = _previous(conn, campaign.key, number)
    with desk.workspace.write() as conn:
        enabled = (row for row in rows if shares[row.segment, row.arm_id] > 0)
        licences.require(conn, desk, enabled, now=now)
    sheet = google_ads_editor(_ads(desk, rows, shares), previous)
    with desk.workspace.write() as conn:
        sheets.save(conn, campaign.key, number, sheet.text, name=EDITOR)
    _export(desk, rows)
    lines = [f"version {number}", *(sheet.changes or ("nothing changes",)), *_money_lines(desk, budgets)]
    changes = "\n".join(lines) + "\n"
    return (
        write_whole(desk.outbox / f"{EDITOR}.csv", sheet.text.encode()),
        write_whole(desk.outbox / f"{EDITOR}.changes.txt", changes.encode()),
    )


def _money_lines(desk: Desk, budgets: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"money {b['segment']}, {b['placement'] or 'all placements'}: {b['money_micros'] / MICROS:,.2f} "
        f"{desk.campaign.currency} a day; {b['why']}"
        for b in budgets
    ]


def _previous(conn: Any, campaign: str, number: int) -> str | None:
    """The last sheet handed over before this version."""
    for earlier in range(number - 1, 0, -1):
        for sheet in sheets.of_version(conn, campaign, earlier):
            if sheet.name == EDITOR:
                return sheet.text
    return None


def _ads(desk: Desk, rows: list[ArmRow], shares: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    campaign = desk.campaign
    sizes = [size for p in campaign.placements if p.platform == "google_ads" for size in p.sizes]
    return [
        {
            "campaign": campaign.key,
            "ad_group": group,
            "segment": row.segment,
            "arm_id": row.arm_id,
            "size": size,
            "image": _file_name(row.arm_id, size),
            "final_url": row.creative.link,
            "status": "Enabled" if shares[row.segment, row.arm_id] > 0 else "Paused",
            "share": shares[row.segment, row.arm_id] or None,
        }
        for row in rows
        for group in campaign.segment(row.segment).platform_ids.get("google_ads", ())
        for size in sizes
        if size in row.creative.rasters
    ]


def _file_name(arm: str, size: str) -> str:
    return f"{arm}-{size}.jpg"


def _export(desk: Desk, rows: list[ArmRow]) -> None:
    """The JPEG of every size of every served creative; what is there already is not made again."""
    for row in rows:
        for size, name in row.creative.rasters.items():
            path = desk.outbox / "ads" / _file_name(row.arm_id, size)
            if not path.exists():
                write_whole(path, rasters.jpeg(desk.workspace.files, name, size))


def write_whole(path: Path, data: bytes) -> Path:
    """A file that is either the old one or the new one, never half of either."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).chmod(0o644)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); free space and run again") from None
    return path
