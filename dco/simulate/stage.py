"""A run's creatives as arrays, and how each stands with its audience: how old, how often shown, when last edited.

`MarketLike` is all that the loop asks of a market. The stage is the same for a real run (counts drawn) and for the
references (counts in expectation), so that an oracle plays by the rules of those it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.records import Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Standing:
    """Some arms on the morning of a day; all arrays are aligned to them.

    Attributes:
        segment: int[arm], position in the market's segments.
        parts: float[arm, part], what the market fixed for ever about each arm (`MarketLike.parts`).
        age: days since the arm was first served. shown, clicked: impressions and clicks it had so far.
        share: of the segment's impressions; intended by the decider until `MarketLike.deliver` answered, then delivered.
        since_edit: days since the arm began or its intended share last moved by more than `MarketLike.edit_size`.
        alone: each arm is asked about as if it had all of its segment's traffic.
    """

    segment: Ints
    parts: Floats
    age: Floats
    shown: Floats
    clicked: Floats
    share: Floats
    since_edit: Floats
    alone: bool = False


class Drawn(NamedTuple):
    """One served day of some arms. `orders[arm, lag]` become known `lag` days after the click, worth `money[arm, lag]`."""

    impressions: Ints
    clicks: Ints
    orders: Ints
    money: Floats


class MarketLike(Protocol):
    """What the loop needs of a market; `dco.simulate.market.BaseMarket` has it.

    `kpi` is what the market is meant to be judged by. Hooks: `verdicts`, `approval_nights` and `weekly_approvals` are
    its human gate; `deliver` turns intended shares into delivered ones; `edit_size` is the change of share that restarts
    a learning phase, which `truth` may charge for by `Standing.since_edit`.
    """

    @property
    def segments(self) -> tuple[str, ...]: ...
    @property
    def space(self) -> Space: ...
    @property
    def alphabet(self) -> Alphabet: ...
    @property
    def daily_impressions(self) -> tuple[int, ...]: ...
    @property
    def window_days(self) -> int: ...
    @property
    def kpi(self) -> str: ...
    @property
    def approval_nights(self) -> int: ...
    @property
    def weekly_approvals(self) -> int | None: ...
    @property
    def edit_size(self) -> float: ...
    @property
    def ideas(self) -> Ints: ...
    @property
    def memo(self) -> dict[Any, Any]: ...

    def starting_pool(self, n_per_segment: int) -> list[dict[str, object]]: ...

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats: ...

    def parts(self, segment: Ints, codes: Ints, take: Ints) -> Floats: ...

    def truth(self, standing: Standing, day: int) -> Floats: ...

    def worth(self, truth: Floats, kpi: str) -> Floats: ...

    def deliver(self, standing: Standing, day: int) -> Floats: ...

    def verdicts(self, segment: Ints, codes: Ints, take: Ints) -> Bools: ...

    def draw(self, standing: Standing, truth: Floats, rng: np.random.Generator) -> Drawn: ...


class Stage:
    """All arms that ever went live in one run, numbered in order of entering."""

    def __init__(self, market: MarketLike) -> None:
        self.market = market
        self.rows: list[Mapping[str, Any]] = []
        self.index: dict[tuple[str, str], int] = {}
        self.segment = np.zeros(0, np.int64)
        self.codes = np.zeros((0, len(market.alphabet.attributes)), np.int64)
        self.parts = np.zeros((0, 0))
        self.first = np.zeros(0, np.int64)  # -1: not served yet
        self._past = np.zeros(
            (4, 0)
        )  # shown, clicked, intended share of the last day, days since the last edit
        self._traffic = np.array(market.daily_impressions, float)

    def enter(self, rows: Sequence[Mapping[str, Any]]) -> Ints:
        """Numbers of new arms (rows with arm_id, segment, attributes and, of the same idea, take)."""
        start = len(self.rows)
        if not rows:
            return np.zeros(0, np.int64)
        segment, codes, take = coded(self.market, rows)
        parts = self.market.parts(segment, codes, take)
        self.segment = np.concatenate([self.segment, segment])
        self.codes = np.concatenate([self.codes, codes])
        self.parts = np.concatenate([self.parts, parts]) if start else parts
        self.first = np.concatenate([self.first, np.full(len(rows), -1)])
        self._past = np.concatenate([self._past, np.zeros((4, len(rows)))], axis=1)
        for i, row in enumerate(rows, start):
            self.rows.append(row)
            self.index[str(row["segment"]), str(row["arm_id"])] = i
        return np.arange(start, len(self.rows))

    def stand(self, arms: Ints, share: Floats, day: int, *, alone: bool = False) -> Standing:
        """How arms stand on a day under intended shares float[arm]; changes nothing."""
        first = self.first[arms]
        new = first < 0
        shown, clicked, before, since = self._past[:, arms]
        edited = new | (np.abs(share - before) > self.market.edit_size)
        return Standing(
            self.segment[arms], self.parts[arms], np.where(new, 0, day - first).astype(float), shown, clicked,
            share, np.where(edited, 0.0, since + 1), alone,
        )  # fmt: skip

    def deliver(self, arms: Ints, intended: Floats, day: int) -> tuple[Standing, Floats]:
        """The day as the platform runs it: how arms stand, with delivered shares, and their true rates [arm, 3]."""
        standing = self.stand(arms, intended, day)
        standing = replace(standing, share=self.market.deliver(standing, day))
        return standing, self.market.truth(standing, day)

    def close(
        self, arms: Ints, intended: Floats, standing: Standing, impressions: Any, clicks: Any, day: int
    ) -> None:
        """Book what a day showed, as drawn or in expectation."""
        served = arms[(self.first[arms] < 0) & (standing.share > 0)]
        self.first[served] = day
        self._past[0, arms] += impressions
        self._past[1, arms] += clicks
        self._past[2] = 0.0
        self._past[2, arms] = intended
        self._past[3, arms] = standing.since_edit

    def expected(self, arms: Ints, intended: Floats, day: int, kpi: str) -> float:
        """Expected value of a day, which is then closed in expectation."""
        standing, truth = self.deliver(arms, intended, day)
        impressions = standing.share * self._traffic[standing.segment]
        self.close(arms, intended, standing, impressions, impressions * truth[:, 0], day)
        return float(impressions @ self.market.worth(truth, kpi))

    def value(self, standing: Standing, truth: Floats, kpi: str) -> float:
        """Expected value of a delivered day, in the KPI's unit."""
        return float((standing.share * self._traffic[standing.segment]) @ self.market.worth(truth, kpi))


def coded(market: MarketLike, rows: Sequence[Mapping[str, Any]]) -> tuple[Ints, Ints, Ints]:
    """Segment int[arm], option codes int[arm, attribute] and take int[arm] of arm rows."""
    segment = np.array([market.alphabet.segment_code(str(r["segment"])) for r in rows], np.int64)
    take = np.array([int(r.get("take", 0)) for r in rows], np.int64)
    return segment, market.alphabet.encode([r["attributes"] for r in rows]), take
