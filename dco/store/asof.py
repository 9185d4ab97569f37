"""What is known, from what was delivered: the one rule that decides which delivery speaks for a day.

A slice is (platform, account, scope, day). Within a slice the newest delivery wins whole; where a full-scope delivery
covers a day of an account, filtered ones add nothing to that day. Nothing here touches the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

FULL = "full"
"""The scope of a file without filters."""


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One day of one delivery. `rank` orders deliveries from old to new."""

    delivery: int
    platform: str
    account: str
    scope: str
    day: date
    stamp: datetime
    arrived: datetime
    sha256: str
    as_of: date
    rows: int
    digest: str

    @property
    def rank(self) -> tuple[datetime, datetime, str]:
        """Newest stamp wins. Equal stamps happen (a file name may carry only a date): then the later arrival wins."""
        return self.stamp, self.arrived, self.sha256


def newest(slices: Iterable[SliceRow]) -> list[SliceRow]:
    """The slices that are known when all of `slices` have been delivered, in whatever order they came."""
    by_day: dict[tuple[str, str, date], dict[str, SliceRow]] = defaultdict(dict)
    for row in slices:
        _take(by_day[row.platform, row.account, row.day], row)
    return [row for scopes in by_day.values() for row in _speaking(scopes)]


def versions(
    slices: Iterable[SliceRow], group: Callable[[SliceRow], Hashable]
) -> Iterator[tuple[Hashable, date, date, list[SliceRow]]]:
    """Yield (group, day, as_of, slices known then) for every date on which a group's knowledge of a day changed.

    Several deliveries of one `as_of` date make one version: what was known at the end of that date.
    """
    grouped: dict[tuple[Hashable, date], list[SliceRow]] = defaultdict(list)
    for row in slices:
        grouped[group(row), row.day].append(row)
    for (key, day), rows in grouped.items():
        rows.sort(key=lambda row: row.as_of)
        accounts: dict[tuple[str, str], dict[str, SliceRow]] = defaultdict(dict)
        for i, row in enumerate(rows):
            _take(accounts[row.platform, row.account], row)
            if i + 1 == len(rows) or rows[i + 1].as_of != row.as_of:
                yield key, day, row.as_of, [r for scopes in accounts.values() for r in _speaking(scopes)]


def _take(scopes: dict[str, SliceRow], row: SliceRow) -> None:
    held = scopes.get(row.scope)
    if held is None or row.rank > held.rank:
        scopes[row.scope] = row


def _speaking(scopes: dict[str, SliceRow]) -> list[SliceRow]:
    return [scopes[FULL]] if FULL in scopes else list(scopes.values())
