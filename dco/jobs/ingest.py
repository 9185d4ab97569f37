"""Report files from the inbox into the ledger: each whole or not at all, each once, the newest knowledge winning."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from dco.errors import BadInput, BadReport, DcoError
from dco.jobs.desk import Desk
from dco.platforms.read import read_delivery, recognise
from dco.records import Campaign, Delivery
from dco.store import ledger

READ, REFUSED = "read", "refused"


@dataclass(frozen=True)
class Taken:
    """What became of one file."""

    name: str
    status: str
    """'applied', 'duplicate' (these bytes are known), 'stale' (newer knowledge is there already) or 'refused'."""
    rows: int = 0
    ours: int = 0
    """Rows of ads that carry an arm id."""
    first_day: str = ""
    last_day: str = ""
    replaced: int = 0
    problem: str = ""


def ingest_inbox(desk: Desk, *, now: datetime) -> list[Taken]:
    """Every file of the inbox: those that name their ads first, then warehouse tables; each in order of name.

    Tables name no ads, so the files of the same morning that tell whose the ads are must be known before them. A
    refused file is set aside with the reason beside it.
    """
    files = sorted(p for p in desk.inbox.iterdir() if p.is_file() and not p.name.startswith("."))
    return [ingest_file(desk, path, now=now, move=True) for path in sorted(files, key=_is_table)]


def _is_table(path: Path) -> bool:
    """Whether a file is a connector's table; what cannot be read or recognised is refused in its own turn."""
    try:
        return recognise(path.name, path.read_bytes()) == "connector"
    except (DcoError, OSError):
        return False


def ingest_file(desk: Desk, path: Path, *, now: datetime, move: bool = False) -> Taken:
    """One report file. With `move` it is filed under inbox/read or inbox/refused afterwards."""
    try:
        delivery = read_for(desk.campaign, path, now=now)
        with desk.workspace.write() as conn:
            delivery = replace(delivery, rows=recognised(delivery, ledger.ad_names(conn, delivery.platform)))
            _known_ad_groups(desk.campaign, delivery)
            applied = ledger.apply(conn, delivery, now)
    except DcoError as error:
        if not move:
            raise
        _set_aside(desk, path, str(error))
        return Taken(path.name, "refused", problem=str(error))
    if move:
        _file_away(path, desk.inbox / READ)
    ours = len(delivery.rows) - delivery.rows.column("arm_id").null_count
    return Taken(
        path.name,
        applied.status,
        len(delivery.rows),
        ours,
        delivery.first_day.isoformat(),
        delivery.last_day.isoformat(),
        applied.replaced,
    )


def read_for(campaign: Campaign, path: Path, *, now: datetime) -> Delivery:
    """Read a file as this campaign's: its account and the ad groups of our ads must be the campaign file's.

    Raises:
        BadReport: also when the account is not one of the campaign's, or an ad of ours ran in an ad group that no
            segment names.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from None
    delivery = read_delivery(path.name, data, arrived=now, zone=campaign.zone)
    known = {p.account for p in campaign.placements if p.platform == delivery.platform}
    if not delivery.account and len(known) == 1:  # warehouse tables of some platforms name no account
        delivery = replace(delivery, account=next(iter(known)))
    if known and delivery.account not in known:
        raise BadReport(
            path.name,
            f"account '{delivery.account}' is none of this campaign's ({', '.join(sorted(known))}); "
            "correct placements[].account or take the file out of the inbox",
        )
    if delivery.currency and delivery.currency != campaign.currency:
        raise BadReport(
            path.name, f"amounts are in {delivery.currency}, the campaign's budget in {campaign.currency}"
        )
    return delivery


def recognised(delivery: Delivery, known: Mapping[str, str]) -> pa.Table:
    """The rows, those without an ad name taken for the arm that their ad id was seen with: warehouse tables name no ads."""
    arm, ad = delivery.rows["arm_id"].to_pylist(), delivery.rows["ad_id"].to_pylist()
    found = [a or known.get(i or "") for a, i in zip(arm, ad, strict=True)]
    at = delivery.rows.schema.get_field_index("arm_id")
    return delivery.rows.set_column(at, delivery.rows.schema.field("arm_id"), pa.array(found, pa.string()))


def _known_ad_groups(campaign: Campaign, delivery: Delivery) -> None:
    """An ad of ours in an ad group that no segment names would be counted for nobody."""
    known = {i for s in campaign.segments for i in s.platform_ids.get(delivery.platform, ())}
    rows = delivery.rows.select(["arm_id", "ad_group_id", "line"]).to_pylist()
    for row in rows:
        if row["arm_id"] and row["ad_group_id"] and row["ad_group_id"] not in known:
            raise BadReport(
                delivery.source,
                f"ad group '{row['ad_group_id']}' belongs to no segment; "
                f"add it to segments[].platform_ids.{delivery.platform}",
                line=row["line"],
            )


def _set_aside(desk: Desk, path: Path, reason: str) -> None:
    target = _file_away(path, desk.inbox / REFUSED)
    target.with_name(target.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")


def _file_away(path: Path, folder: Path) -> Path:
    """Move a file; a name that is taken gets a number, so that nothing is ever overwritten."""
    folder.mkdir(exist_ok=True)
    target, count = folder / path.name, Counter[str]()
    while target.exists():
        count[path.name] += 1
        target = folder / f"{path.stem}.{count[path.name]}{path.suffix}"
    shutil.move(path, target)
    return target
