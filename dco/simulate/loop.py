"""The closed loop on a simulated market: serve, report, decide, night after night, with expected-value accounting.

A decider is a function of one `Night`; it returns anything with `shares`, `proposals` and `retire` (tables or lists of
mappings), for instance a `Plan`. Days are integers inside and dates in the tables it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from dco import schemas
from dco.errors import BadData
from dco.records import MICROS, Space
from dco.simulate.market import Rates, Served, arm_row

FIRST_DAY = date(2026, 3, 2)
"""Day 0 of every simulation, a Monday; an arbitrary constant, not a clock."""


CPM_MICROS = 4 * MICROS
"""Media cost of 1,000 simulated impressions."""


class MarketLike(Protocol):
    """What the loop needs of a market; `dco.simulate.market.BaseMarket` has it."""

    segments: tuple[str, ...]
    space: Space
    daily_impressions: tuple[int, ...]
    window_days: int

    def starting_pool(self, n_per_segment: int) -> list[dict[str, object]]: ...

    def rate(self, segment: str, genome: Mapping[str, str], day: int, age: int) -> Rates: ...

    def value(self, rates: Rates, kpi: str) -> float: ...

    def oracle(self, segment: str, day: int, kpi: str) -> float: ...

    def serve(
        self,
        day: int,
        arms: Sequence[Mapping[str, object]],
        shares: Mapping[tuple[str, str], float],
        born: Mapping[str, int],
        rng: np.random.Generator,
    ) -> list[Served]: ...


class Decision(Protocol):
    """What a decider returns."""

    @property
    def shares(self) -> Any: ...
    @property
    def proposals(self) -> Any: ...
    @property
    def retire(self) -> Any: ...


@dataclass(frozen=True)
class Night:
    """What is known when a night decides about tomorrow."""

    index: int
    day: date
    history: pa.Table
    live: list[dict[str, object]]
    pending: list[dict[str, object]]
    rejected: list[dict[str, object]]
    rng: np.random.Generator


@dataclass(frozen=True)
class Choice:
    """A plain decision, for baselines."""

    shares: list[dict[str, object]]
    proposals: list[dict[str, object]] = field(default_factory=list)
    retire: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """Expected value per night, float64[night], in the KPI's unit; costs subtracted in `engine` only.

    `equal` splits the starting pool equally for ever; `oracle` is the market's upper bound.
    """

    engine: np.ndarray
    equal: np.ndarray
    oracle: np.ndarray
    created: np.ndarray  # int[night], new creatives proposed that night
    live: np.ndarray  # int[night], arms live

    @property
    def oracle_share(self) -> float:
        """Share of the oracle's gain over the equal split; NaN where there is nothing to gain."""
        gain = float(self.oracle.sum() - self.equal.sum())
        ok = gain > 1e-3 * abs(float(self.equal.sum()))
        return float(self.engine.sum() - self.equal.sum()) / gain if ok else float("nan")

    @property
    def lift(self) -> float:
        """Relative gain over the equal split, 0.10 = +10 %."""
        return float(self.engine.sum() / self.equal.sum() - 1.0)


def run(
    market: MarketLike,
    decide: Callable[[Night], Decision],
    nights: int,
    rng: np.random.Generator,
    *,
    kpi: str = "ctr",
    start_per_segment: int = 6,
    creation_cost: float = 0.0,
    approval_nights: int = 1,
) -> Result:
    """Drive a decider through `nights`; the same `rng` state gives the same run.

    Args:
        creation_cost: in the KPI's value unit, paid when a creative is proposed (made).
        approval_nights: nights a new creative waits before a night may give it a share.
    """
    live = market.starting_pool(start_per_segment)
    start = list(live)
    born: dict[str, int] = {}
    waiting: list[tuple[int, dict[str, object]]] = []
    book = Book(market.window_days, tuple(market.space.attributes))
    shares = equal_shares(live)
    totals = np.zeros((5, nights))
    for t in range(nights):
        for arm in live:
            if shares.get((str(arm["segment"]), str(arm["arm_id"])), 0.0) > 0:
                born.setdefault(str(arm["arm_id"]), t)
        totals[:3, t] = _expected(market, live, start, shares, born, t, kpi)
        book.add(market.serve(t, live, shares, born, rng), live, t)
        live = live + [arm for ready, arm in waiting if ready <= t]
        waiting = [(ready, arm) for ready, arm in waiting if ready > t]
        night = Night(t, FIRST_DAY + timedelta(days=t), book.table(), live, [a for _, a in waiting], [], rng)
        decision = decide(night)
        gone = {(str(r["segment"]), str(r["arm_id"])) for r in rows(decision.retire)}
        live = [a for a in live if (str(a["segment"]), str(a["arm_id"])) not in gone]
        made = [arm_row(str(p["segment"]), p["attributes"]) for p in rows(decision.proposals)]
        waiting += [(t + max(approval_nights, 1), arm) for arm in made]
        totals[0, t] -= creation_cost * len(made)
        totals[3:, t] = len(made), len(live)
        shares = {(str(r["segment"]), str(r["arm_id"])): float(r["share"]) for r in rows(decision.shares)}
        _check(shares, live)
    return Result(totals[0], totals[1], totals[2], totals[3].astype(int), totals[4].astype(int))


def rows(table: Any) -> Iterable[Mapping[str, Any]]:
    """Rows of an Arrow table or of a list of mappings."""
    return table.to_pylist() if isinstance(table, pa.Table) else table


def equal_shares(arms: Sequence[Mapping[str, object]]) -> dict[tuple[str, str], float]:
    """An equal split within each segment."""
    count: dict[str, int] = {}
    for arm in arms:
        count[str(arm["segment"])] = count.get(str(arm["segment"]), 0) + 1
    return {(str(a["segment"]), str(a["arm_id"])): 1.0 / count[str(a["segment"])] for a in arms}


def _check(shares: Mapping[tuple[str, str], float], live: Sequence[Mapping[str, object]]) -> None:
    known = {(str(a["segment"]), str(a["arm_id"])) for a in live}
    stray = [key for key in shares if key not in known]
    if stray:
        raise BadData(f"decision: a share for {stray[0]}, which is not live tonight")
    total: dict[str, float] = {}
    for (segment, _), share in shares.items():
        total[segment] = total.get(segment, 0.0) + share
    for segment, sum_ in total.items():
        if abs(sum_ - 1.0) > 1e-9:
            raise BadData(f"decision, segment {segment!r}: shares sum to {sum_!r}, expected 1")


def _expected(
    market: MarketLike,
    live: Sequence[Mapping[str, object]],
    start: Sequence[Mapping[str, object]],
    shares: Mapping[tuple[str, str], float],
    born: Mapping[str, int],
    t: int,
    kpi: str,
) -> tuple[float, float, float]:
    """Expected value of the day of the shares, of the equal split of the starting pool, and of the oracle."""

    def total(arms: Sequence[Mapping[str, Any]], split: Mapping[tuple[str, str], float], since: Any) -> float:
        value = 0.0
        for arm in arms:
            segment, name = str(arm["segment"]), str(arm["arm_id"])
            share = split.get((segment, name), 0.0)
            if share > 0:
                truth = market.rate(segment, arm["attributes"], t, t - since(name))
                value += share * traffic[segment] * market.value(truth, kpi)
        return value

    traffic = dict(zip(market.segments, market.daily_impressions))
    engine = total(live, shares, lambda name: born.get(name, t))
    equal = total(start, equal_shares(start), lambda name: 0)
    best = sum(market.oracle(s, t, kpi) * traffic[s] for s in market.segments)
    return engine, equal, best


class Book:
    """All as-of versions of all served rows, grown night by night into the history table of `dco.schemas`."""

    def __init__(self, window_days: int, attributes: tuple[str, ...]) -> None:
        self._window, self._attributes = window_days, attributes
        self._open: list[Served] = []
        self._genomes: dict[str, Mapping[str, str]] = {}
        self._table = schemas.history(attributes).empty_table()

    def add(self, served: Sequence[Served], arms: Sequence[Mapping[str, Any]], as_of: int) -> None:
        """Book a day's rows, and tonight's restated versions of the days still within the conversion window."""
        self._genomes |= {str(a["arm_id"]): a["attributes"] for a in arms}
        self._open = [r for r in (*self._open, *served) if as_of - r.day < self._window]
        self._table = pa.concat_tables(
            [self._table, known_rows(self._open, self._genomes, as_of, self._attributes)]
        )

    def table(self) -> pa.Table:
        """The history so far, in `schemas.history(attributes)`; placement, size and lever are null."""
        return self._table


def known_rows(
    served: Sequence[Served],
    genomes: Mapping[str, Mapping[str, str]],
    as_of: int,
    attributes: tuple[str, ...],
) -> pa.Table:
    """One as-of version of served rows: what a report read on `as_of` says about them, in `schemas.history`."""
    kept = [r for r in served if r.day <= as_of and (r.impressions or r.share > 0)]
    seen = [r.known(as_of) for r in kept]
    counts = [k for k in seen if k is not None]
    columns: dict[str, list[Any]] = {
        "arm_id": [r.arm_id for r in kept],
        "segment": [r.segment for r in kept],
        "day": [FIRST_DAY + timedelta(days=r.day) for r in kept],
        "as_of": [FIRST_DAY + timedelta(days=as_of)] * len(kept),
        "impressions": [k[0] for k in counts],
        "clicks": [k[1] for k in counts],
        "conversions": [float(k[2]) for k in counts],
        "revenue_micros": [round(k[3] * MICROS) for k in counts],
        "spend_micros": [k[0] * CPM_MICROS // 1000 for k in counts],
        "intended_share": [r.share for r in kept],
        "attributes": [dict(genomes[r.arm_id]) for r in kept],
    }
    schema = schemas.history(attributes)
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(len(kept), f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
