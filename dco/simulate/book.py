"""What a run's reports have said so far: running sums for who wants numbers, Arrow tables for who wants every version.

Both show only what was known on the asked night; tables are built when somebody asks, one batch per night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dco import schemas
from dco.records import MICROS
from dco.simulate.stage import Drawn, Floats, Ints, Stage

FIRST_DAY = date(2026, 3, 2)
"""Day 0 of every simulation, a Monday; an arbitrary constant, not a clock."""

CPM_MICROS = 4 * MICROS
"""Media cost of 1,000 simulated impressions."""


@dataclass(frozen=True)
class Counts:
    """Newest counts per arm that ever was live, arrays aligned to `arm_id`; what young days still owe is not in them.

    `row[segment, arm_id]` is an arm's place. `segment` are positions in the market's segments, `codes`
    int[arm, attribute] are positions in the space's options, `first_day` is -1 where an arm was not served yet.
    """

    arm_id: tuple[str, ...]
    row: Mapping[tuple[str, str], int]
    segment: Ints
    codes: Ints
    first_day: Ints
    impressions: Floats
    clicks: Floats
    conversions: Floats
    revenue: Floats


class Cells(NamedTuple):
    """Newest counts per arm and day, aligned arrays; `arm` is the place in `Counts`, money in currency units."""

    arm: Ints
    day: Ints
    impressions: Ints
    clicks: Ints
    conversions: Floats
    revenue: Floats


class _Day(NamedTuple):
    arms: Ints
    drawn: Drawn
    orders: Ints  # cumulative over lags
    money: Floats  # cumulative over lags
    intended: Floats
    delivered: Floats


class Book:
    """Served days as they were drawn, read as of any night."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._window = stage, stage.market.window_days
        self._attributes = tuple(stage.market.space.attributes)
        self._schema = schemas.history(self._attributes)
        self._days: list[_Day] = []
        self._sums = np.zeros((4, 0))
        self._batches: list[pa.RecordBatch] = []

    def add(self, arms: Ints, drawn: Drawn, intended: Floats, delivered: Floats) -> None:
        """Book the next day; conversions of earlier days that arrive on it are added to the sums."""
        self._days.append(
            _Day(arms, drawn, drawn.orders.cumsum(axis=1), drawn.money.cumsum(axis=1), intended, delivered)
        )
        self._grow(len(self._stage.rows))
        self._sums[0, arms] += drawn.impressions
        self._sums[1, arms] += drawn.clicks
        for lag, day in enumerate(self._days[: -self._window - 1 : -1]):
            self._sums[2, day.arms] += day.drawn.orders[:, lag]
            self._sums[3, day.arms] += day.drawn.money[:, lag]

    def _grow(self, n: int) -> None:
        missing = n - self._sums.shape[1]
        if missing:
            self._sums = np.concatenate([self._sums, np.zeros((4, missing))], axis=1)

    def counts(self) -> Counts:
        """Sums per arm as of the last booked day; a copy that later days do not change."""
        stage = self._stage
        self._grow(len(stage.rows))
        sums = self._sums.copy()
        names = tuple(str(r["arm_id"]) for r in stage.rows)
        return Counts(names, dict(stage.index), stage.segment, stage.codes, stage.first.copy(), *sums)

    def cells(self, as_of: int) -> Cells:
        """Every arm-day with impressions or a share, as known on `as_of`."""
        parts = [self._read(d, as_of) for d in range(as_of + 1)]
        columns = [np.concatenate(c) for c in zip(*(p[:6] for p in parts))]
        return Cells(*columns)

    def arrived(self, as_of: int) -> Floats:
        """float[day, lag]: conversions of each day's clicks that became known by lag, NaN where that lies ahead."""
        found = np.full((as_of + 1, self._window), np.nan)
        for d, day in enumerate(self._days[: as_of + 1]):
            known = min(as_of - d + 1, self._window)
            found[d, :known] = day.drawn.orders[:, :known].sum(axis=0)
        return found

    def table(self, as_of: int) -> pa.Table:
        """All as-of versions up to `as_of`, in `schemas.history(attributes)`; placement, size and lever are null."""
        while len(self._batches) <= as_of:
            self._batches.append(self._version(len(self._batches)))
        return pa.Table.from_batches(self._batches[: as_of + 1], self._schema)

    def _read(self, d: int, as_of: int) -> tuple[Any, ...]:
        """(arm, day, impressions, clicks, conversions, revenue, intended, delivered) of one day as known on `as_of`."""
        day = self._days[d]
        kept = (day.drawn.impressions > 0) | (day.intended > 0)
        lag = min(as_of - d, self._window - 1)
        arms = day.arms[kept]
        return (
            arms, np.full(len(arms), d), day.drawn.impressions[kept], day.drawn.clicks[kept],
            day.orders[kept, lag].astype(float), day.money[kept, lag], day.intended[kept], day.delivered[kept],
        )  # fmt: skip

    def _version(self, as_of: int) -> pa.RecordBatch:
        """What a report read on `as_of` says about all days within the conversion window."""
        days = [self._read(d, as_of) for d in range(max(0, as_of - self._window + 1), as_of + 1)]
        arm, day, impressions, clicks, orders, money, intended, delivered = map(np.concatenate, zip(*days))
        columns: dict[str, Any] = {
            "arm_id": _take([str(r["arm_id"]) for r in self._stage.rows], arm),
            "segment": _take(list(self._stage.market.segments), self._stage.segment[arm]),
            "day": _dates(day),
            "as_of": _dates(np.full(len(arm), as_of)),
            "impressions": pa.array(impressions, pa.int64()),
            "clicks": pa.array(clicks, pa.int64()),
            "conversions": pa.array(orders, pa.float64()),
            "revenue_micros": pa.array(np.round(money * MICROS).astype(np.int64)),
            "spend_micros": pa.array(impressions * CPM_MICROS // 1000, pa.int64()),
            "intended_share": pa.array(intended, pa.float64()),
            "delivered_share": pa.array(delivered, pa.float64()),
            "attributes": self._genomes(arm),
        }
        arrays = [columns.get(f.name, pa.nulls(len(arm), f.type)) for f in self._schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _genomes(self, arm: Ints) -> pa.StructArray:
        options, codes = self._stage.market.alphabet.options, self._stage.codes[arm]
        texts = [_take(list(o), codes[:, a]) for a, o in enumerate(options)]
        return pa.StructArray.from_arrays(texts, fields=list(self._schema.field("attributes").type))


def _take(texts: list[str], where: Ints) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(where))


def _dates(day: Ints) -> pa.Array:
    start = (FIRST_DAY - date(1970, 1, 1)) // timedelta(days=1)
    return pa.array((day + start).astype(np.int32)).cast(pa.date32())
