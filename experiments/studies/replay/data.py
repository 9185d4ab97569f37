"""The Open Bandit Dataset's two logs of one shop and week, decided by two policies in parallel."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dco.bandits.beliefs import indicators

ITEMS, POSITIONS, DAYS = 46, 3, 7
FIRST_DAY = np.datetime64("2019-11-24")


class Log(NamedTuple):
    """One row per impression: clicked 0/1, item shown, its logged propensity, position 0-2, day 0-6."""

    click: np.ndarray
    item: np.ndarray
    propensity: np.ndarray
    position: np.ndarray
    day: np.ndarray

    def where(self, which: np.ndarray) -> Log:
        return Log(*(column[which] for column in self))

    @property
    def cell(self) -> np.ndarray:
        """(day, position) as one index."""
        return self.day * POSITIONS + self.position


def folder() -> Path:
    """The logs' folder below the one that DCO_REAL_DATA names."""
    given = os.environ.get("DCO_REAL_DATA", "")
    path = Path(given) / "obd_women"
    if not given or not path.is_dir():
        raise SystemExit("replay: set DCO_REAL_DATA to the folder that holds obd_women (see data/SOURCES.md)")
    return path


def load(path: Path) -> Log:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    day = np.array([np.datetime64(r["timestamp"][:10]) for r in rows]) - FIRST_DAY
    return Log(
        np.array([float(r["click"]) for r in rows]),
        np.array([int(r["item_id"]) for r in rows]),
        np.array([float(r["propensity_score"]) for r in rows]),
        np.array([int(r["position"]) - 1 for r in rows]),
        day.astype(int),
    )


def item_options(path: Path) -> np.ndarray:
    """float[item, feature]: indicators of the items' three categorical features."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda r: int(r["item_id"]))
    return indicators([{f"feature {k}": r[f"item_feature_{k}"] for k in (1, 2, 3)} for r in rows])


def shares_served(log: Log) -> np.ndarray:
    """float[cell, item]: how often each item was served on each day and position; the policy's mean there."""
    count = np.zeros((DAYS * POSITIONS, ITEMS))
    np.add.at(count, (log.cell, log.item), 1.0)
    return count / count.sum(axis=1, keepdims=True)
