"""One campaign's desk: its file, its store, its inbox and outbox. Every job starts from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dco.records import Campaign
from dco.settings import load_campaign
from dco.store.workspace import Workspace

DATABASE_URL = "DCO_DATABASE_URL"
"""Environment variable that names another database, e.g. postgresql+psycopg://user@host/dco. Default: SQLite."""


@dataclass(frozen=True)
class Desk:
    """A campaign and its workspace. The store lies beside the campaign file."""

    campaign: Campaign
    workspace: Workspace

    @property
    def root(self) -> Path:
        return Path(self.campaign.root)

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"


@contextmanager
def open_desk(path: str | Path) -> Iterator[Desk]:
    """Validate the campaign file, then open (or create) its store."""
    campaign = load_campaign(path)
    root = Path(campaign.root)
    with Workspace.open(root / "store", os.environ.get(DATABASE_URL) or None) as workspace:
        for folder in ("inbox", "outbox"):
            (root / folder).mkdir(exist_ok=True)
        yield Desk(campaign, workspace)
