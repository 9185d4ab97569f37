"""The closed loop on a simulated market: serve, report, decide, night after night, with expected-value accounting.

A decider is a function of one `Night`; it returns anything with `shares`, `proposals` and `retire` (tables or lists of
mappings), for instance a `Plan`; it may have `withdraw` (waiting arms that nobody needs to judge any more). Days are
integers inside and dates in the tables it sees. All of it is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from dco.errors import BadData
from dco.simulate.book import CPM_MICROS, FIRST_DAY, Book, Cells, Counts
from dco.simulate.gate import Gate
from dco.simulate.oracle import reference
from dco.simulate.stage import Floats, Ints, MarketLike, Stage

__all__ = [
    "CPM_MICROS", "FIRST_DAY", "Choice", "Decision", "MarketLike", "Night", "Result", "equal_shares", "run",
]  # fmt: skip

MAX_NEW = 8
"""Creatives that may be made per segment and night."""


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
    """What is known when a night decides about tomorrow.

    `counts` are the newest sums per arm, for deciders that need no table; `history`, `cells` and `arrived` are made
    when asked for. `waiting[i]` is how many nights `pending[i]` has waited.
    """

    index: int
    day: date
    live: list[dict[str, object]]
    pending: list[dict[str, object]]
    rejected: list[dict[str, object]]
    rng: np.random.Generator
    counts: Counts
    book: Book = field(repr=False)
    waiting: tuple[int, ...] = ()

    @cached_property
    def history(self) -> pa.Table:
        """Every as-of version of every arm-day, in `schemas.history`."""
        return self.book.table(self.index)

    @cached_property
    def cells(self) -> Cells:
        """The newest version of every arm-day, as arrays."""
        return self.book.cells(self.index)

    @cached_property
    def arrived(self) -> Floats:
        """float[day, lag]: when conversions became known, over all arms (the reporting triangle)."""
        return self.book.arrived(self.index)


@dataclass(frozen=True)
class Choice:
    """A plain decision, for baselines."""

    shares: list[dict[str, object]]
    proposals: list[dict[str, object]] = field(default_factory=list)
    retire: list[dict[str, object]] = field(default_factory=list)
    withdraw: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """Expected value per night, float64[night], in the KPI's unit; costs of making are subtracted (all but `equal`).

    `equal` splits the starting pool equally for ever; `oracle` is the clairvoyant of `dco.simulate.oracle`. A day `n`
    in a method means the first n nights together; None means all.
    """

    engine: np.ndarray
    equal: np.ndarray
    oracle: np.ndarray
    created: np.ndarray  # int[night], new creatives proposed that night
    live: np.ndarray  # int[night], arms live
    refused: np.ndarray = field(
        default_factory=lambda: np.zeros(0, int)
    )  # int[night], ideas a person refused
    segments: int = 1

    def oracle_share_at(self, day: int | None = None) -> float:
        """Share of the oracle's gain over the equal split, cumulative; NaN where there is nothing to gain."""
        engine, equal, oracle = (float(v[:day].sum()) for v in (self.engine, self.equal, self.oracle))
        return (engine - equal) / (oracle - equal) if oracle - equal > 1e-3 * abs(equal) else float("nan")

    def lift_at(self, day: int | None = None, over: Result | None = None) -> float:
        """Net relative gain over the equal split, or over another decider's run: 0.10 = +10 %."""
        other = self.equal if over is None else over.engine
        return float(self.engine[:day].sum() / other[:day].sum() - 1.0)

    def made_per_segment_day(self, after: int = 30) -> float:
        """New creatives per segment and day, from day `after` on; NaN if the run was shorter."""
        late = self.created[after:]
        return float(late.sum() / (len(late) * self.segments)) if len(late) else float("nan")

    @property
    def oracle_share(self) -> float:
        """`oracle_share_at` the end."""
        return self.oracle_share_at()

    @property
    def lift(self) -> float:
        """`lift_at` the end, over the equal split."""
        return self.lift_at()


def run(
    market: MarketLike,
    decide: Callable[[Night], Decision],
    nights: int,
    rng: np.random.Generator,
    *,
    kpi: str | None = None,
    start_per_segment: int = 6,
    creation_cost: float = 0.0,
    approval_nights: int | None = None,
    max_new: int = MAX_NEW,
) -> Result:
    """Drive a decider through `nights`; the same `rng` state gives the same run.

    A proposal makes a creative: the first of an idea in a segment is its take 0, another proposal of the same idea its
    next take, with luck and wear of its own.

    Args:
        kpi: what value is measured in; None: what the market is meant to be judged by.
        creation_cost: in the KPI's value unit, paid when a creative is proposed (made); see `BaseMarket.creation_cost`.
        approval_nights: nights a new creative waits before a night may give it a share; None: as the market says.
        max_new: creatives that may be made per segment and night.

    Raises:
        BadData: shares of arms that are not live, or that do not sum to 1 per segment; too many proposals.
    """
    kpi = market.kpi if kpi is None else kpi
    start = market.starting_pool(start_per_segment)
    known = reference(
        market, start, nights, kpi, creation_cost=creation_cost, approval_nights=approval_nights
    )
    stage = Stage(market)
    stage.enter(start)
    gate = Gate(market, market.approval_nights if approval_nights is None else approval_nights)
    gate.remember(start)
    book = Book(stage)
    live = list(start)
    shares = equal_shares(live)
    engine = np.zeros(nights)
    made, alive, refused = (np.zeros(nights, int) for _ in range(3))
    for t in range(nights):
        arms, intended = _split(stage, live, shares)
        standing, truth = stage.deliver(arms, intended, t)
        engine[t] = stage.value(standing, truth, kpi)
        drawn = market.draw(standing, truth, rng)
        stage.close(arms, intended, standing, drawn.impressions, drawn.clicks, t)
        book.add(arms, drawn, intended, standing.share)
        approved = gate.answers(t)
        stage.enter(approved)
        live = live + approved
        night = Night(
            t, FIRST_DAY + timedelta(days=t), live, gate.pending, gate.rejected, rng, book.counts(), book,
            gate.waiting(t),
        )  # fmt: skip
        decision = decide(night)
        gate.withdraw(rows(getattr(decision, "withdraw", ())))
        gone = {(str(r["segment"]), str(r["arm_id"])) for r in rows(decision.retire)}
        live = [a for a in live if (str(a["segment"]), str(a["arm_id"])) not in gone]
        made[t] = gate.ask(list(rows(decision.proposals)), t, max_new)
        engine[t] -= creation_cost * made[t]
        alive[t], refused[t] = len(live), gate.refused(t)
        shares = {(str(r["segment"]), str(r["arm_id"])): float(r["share"]) for r in rows(decision.shares)}
        _check(shares, live)
    return Result(engine, known.equal, known.oracle, made, alive, refused, len(market.segments))


def rows(table: Any) -> Iterable[Mapping[str, Any]]:
    """Rows of an Arrow table or of a list of mappings."""
    return table.to_pylist() if isinstance(table, pa.Table) else table


def equal_shares(arms: Sequence[Mapping[str, object]]) -> dict[tuple[str, str], float]:
    """An equal split within each segment."""
    count: dict[str, int] = {}
    for arm in arms:
        count[str(arm["segment"])] = count.get(str(arm["segment"]), 0) + 1
    return {(str(a["segment"]), str(a["arm_id"])): 1.0 / count[str(a["segment"])] for a in arms}


def _split(
    stage: Stage, live: Sequence[Mapping[str, object]], shares: Mapping[tuple[str, str], float]
) -> tuple[Ints, Floats]:
    """Numbers and intended shares of the arms that are live."""
    names = [(str(a["segment"]), str(a["arm_id"])) for a in live]
    arms = np.array([stage.index[name] for name in names], np.int64)
    return arms, np.array([shares.get(name, 0.0) for name in names])


def _check(shares: Mapping[tuple[str, str], float], live: Sequence[Mapping[str, object]]) -> None:
    known = {(str(a["segment"]), str(a["arm_id"])) for a in live}
    total: dict[str, float] = {}
    for key, share in shares.items():
        if key not in known:
            raise BadData(f"decision: a share for {key}, which is not live tonight")
        if not share >= 0:
            raise BadData(f"decision: a share of {share!r} for {key}, expected 0 or more")
        total[key[0]] = total.get(key[0], 0.0) + share
    for segment, sum_ in total.items():
        if abs(sum_ - 1.0) > 1e-9:
            raise BadData(f"decision, segment {segment!r}: shares sum to {sum_!r}, expected 1")
