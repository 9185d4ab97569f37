"""`dco check`: a report file's totals to the cent, or the one line that is wrong. Nothing is stored."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dco.errors import BadInput
from dco.platforms.read import read_delivery
from dco.platforms.summary import Summary, summarise
from dco.records import Delivery


def read_file(path: Path, *, now: datetime) -> Delivery:
    """One platform file as a delivery; a missing or unreadable file is one clear line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from None
    return read_delivery(path.name, data, arrived=now)


def check(path: Path, *, now: datetime) -> Summary:
    """Totals, days, currency and ids of a report file."""
    return summarise(read_file(path, now=now))
