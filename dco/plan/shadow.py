"""Shadow mode: every past night decided again, with what was known on that night, among the arms that were really there.

Nothing is served: the market answered the split that was served, and only the engine's memory of its own shares differs
from the past. So a shadow engine learns from the past's traffic and not from its own, and its new ideas are counted and
described, never credited: what they would have earned cannot be told from data in which they were never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dco.errors import BadData
from dco.plan.optimizer import Optimizer
from dco.records import PlanSettings, Space

Ints = NDArray[np.int64]
Key = tuple[str, str]
"""(segment, arm_id)."""


@dataclass(frozen=True)
class PastArm:
    """An arm that was there from `first` to `last`; with `control`, the holdout serves it (None: not said)."""

    arm_id: str
    segment: str
    attributes: Mapping[str, str]
    first: date
    last: date
    control: bool | None = None


class Belief(NamedTuple):
    """What the engine gave an arm on a night, and why: its chance of being best, its expected value an impression."""

    share: float
    p_best: float | None
    mean: float | None


@dataclass(frozen=True)
class ShadowNight:
    """What the engine would have decided on the morning of `day`, for that day."""

    day: date
    shares: Mapping[Key, Belief]
    """Sums to 1 over the arms of each segment that had something to decide by."""
    retired: Mapping[Key, str] = field(default_factory=dict)
    proposals: tuple[Mapping[str, Any], ...] = ()
    why: tuple[str, ...] = ()


def arms_of(history: pa.Table, control: Mapping[Key, bool] | None = None) -> tuple[PastArm, ...]:
    """The arms of a history, each from the first to the last day on which it had impressions.

    That an ad ran is known to the person who ran it, so it is no look ahead; what it earned that day would be.
    """
    rows = history.filter(pc.greater(history["impressions"], 0)).select(
        ["segment", "arm_id", "day", "attributes"]
    )
    found: dict[Key, PastArm] = {}
    for row in rows.to_pylist():
        key, day = (row["segment"], row["arm_id"]), row["day"]
        known = found.get(key)
        if known is None:
            said = (control or {}).get(key)
            found[key] = PastArm(key[1], key[0], dict(row["attributes"]), day, day, said)
        elif not known.first <= day <= known.last:
            found[key] = replace(known, first=min(day, known.first), last=max(day, known.last))
    return tuple(found.values())


def replay(
    history: pa.Table,
    arms: Sequence[PastArm],
    space: Space | Mapping[str, Any],
    settings: PlanSettings | Mapping[str, Any],
    rng: Callable[[date], np.random.Generator],
    *,
    end: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ShadowNight, ...]:
    """Decide every day of the history on its morning: from rows with day < that day and as_of <= that day.

    Args:
        history: `schemas.history`, in all as-of versions. arms: which arms were there, and when.
        settings: as the engine would have run; its segments must hold those of the history.
        rng: generator of a night.
        end: last day of the flight, where it is known beforehand.

    A segment is decided from the day after its first known one, starting from the shares that were served then. An arm the
    engine retires stays away, unless its segment has nothing else left.

    Raises:
        BadData: no two days, or what the optimizer refuses.
    """
    optimizer = Optimizer(space, settings)
    table = _with_absent(history, arms)
    past = _Past.of(table)
    days = sorted(set(past.day.tolist()))
    if len(days) < 2:
        raise BadData(
            f"history: expected at least two days, so that the second can be decided; got {len(days)}"
        )
    gone: set[Key] = set()
    nights: list[ShadowNight] = []
    for i, ordinal in enumerate(days[1:]):
        day = date.fromordinal(ordinal)
        known, segments = past.known(ordinal)
        live = _live(arms, day, segments, gone)
        if live:
            left = None if end is None else max((end - day).days, 0)
            tonight = replace(optimizer.settings, nights_left=left)
            night = _decide(Optimizer(optimizer.space, tonight), known, live, day, rng(day))
            gone |= set(night.retired)
            past.remember(ordinal, night.shares)
            nights.append(night)
        if progress:
            progress(i + 1, len(days) - 1)
    return tuple(nights)


def _decide(
    optimizer: Optimizer, known: pa.Table, live: Sequence[PastArm], day: date, rng: np.random.Generator
) -> ShadowNight:
    rows = [
        {"arm_id": a.arm_id, "segment": a.segment, "attributes": a.attributes, "control": a.control}
        for a in live
    ]
    plan = optimizer.plan(known, rows, None, None, day, rng)
    return ShadowNight(
        day,
        {
            (r["segment"], r["arm_id"]): Belief(r["share"], r["p_best"], r["mean"])
            for r in plan.shares.to_pylist()
        },
        {(r["segment"], r["arm_id"]): r["why"] for r in plan.retire.to_pylist()},
        tuple(plan.proposals.to_pylist()),
        plan.why,
    )


def _live(arms: Sequence[PastArm], day: date, segments: set[str], gone: set[Key]) -> list[PastArm]:
    """Arms to share between: there on the day, in a segment of which something is known, not retired before."""
    there = [a for a in arms if a.first <= day <= a.last and a.segment in segments]
    kept = [a for a in there if (a.segment, a.arm_id) not in gone]
    served = {a.segment for a in kept}
    return kept + [a for a in there if a.segment not in served]


@dataclass
class _Past:
    """The history by day, with the shares that the engine remembers."""

    table: pa.Table
    day: Ints
    as_of: Ints
    shares: NDArray[np.float64]
    rows: Mapping[tuple[str, int], Ints]
    arm: Sequence[str]
    segment: NDArray[Any]

    @classmethod
    def of(cls, table: pa.Table) -> _Past:
        day, as_of = (_ordinals(table[name]) for name in ("day", "as_of"))
        shares = np.array(pc.fill_null(table["intended_share"], float("nan")).to_numpy(), dtype=float)
        segment = np.array(table["segment"].to_pylist(), dtype=object)
        rows: dict[tuple[str, int], list[int]] = {}
        for i, key in enumerate(zip(segment.tolist(), day.tolist(), strict=True)):
            rows.setdefault(key, []).append(i)
        where = {key: np.array(found) for key, found in rows.items()}
        return cls(table, day, as_of, shares, where, table["arm_id"].to_pylist(), segment)

    def known(self, morning: int) -> tuple[pa.Table, set[str]]:
        """The rows known on a morning, and the segments they tell of."""
        seen = (self.day < morning) & (self.as_of <= morning)
        at = self.table.schema.get_field_index("intended_share")
        remembered = pa.array(self.shares, from_pandas=True)  # not-a-number: no share was intended
        table = self.table.set_column(at, "intended_share", remembered).filter(pa.array(seen))
        return table, set(self.segment[seen])

    def remember(self, day: int, shares: Mapping[Key, Belief]) -> None:
        """The engine's own shares stand for what was intended on `day`, in every segment that it decided."""
        for segment in {segment for segment, _ in shares}:
            for i in self.rows.get((segment, day), ()):
                belief = shares.get((segment, self.arm[i]))
                self.shares[i] = belief.share if belief else 0.0


def _ordinals(column: pa.ChunkedArray) -> Ints:
    epoch = date(1970, 1, 1).toordinal()
    return np.asarray(pc.cast(column, pa.int32()).to_numpy(), dtype=np.int64) + epoch


def _with_absent(history: pa.Table, arms: Iterable[PastArm]) -> pa.Table:
    """A row of zeros for an arm that was there and had no row on a day its segment was reported.

    Without it the engine would not remember what it gave the arm that day.
    """
    columns = history.select(["segment", "arm_id", "day", "as_of", "placement", "size"]).to_pylist()
    has = {(r["segment"], r["arm_id"], r["day"]) for r in columns}
    told: dict[tuple[str, date], dict[str, Any]] = {}
    for row in columns:
        first = told.setdefault((row["segment"], row["day"]), row)
        if row["as_of"] < first["as_of"]:
            told[row["segment"], row["day"]] = row
    more = []
    for arm in arms:
        for offset in range((arm.last - arm.first).days + 1):
            day = arm.first + timedelta(days=offset)
            if (arm.segment, arm.arm_id, day) not in has and (arm.segment, day) in told:
                more.append(
                    told[arm.segment, day]
                    | {
                        "arm_id": arm.arm_id,
                        "impressions": 0,
                        "clicks": 0,
                        "attributes": arm.attributes,
                    }
                )
    absent = pa.Table.from_pylist(more, schema=history.schema)
    return pa.concat_tables([history, absent]) if more else history
