"""The person between an idea and its first impression: who waits, who was approved, who was refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dco.errors import BadData
from dco.records import content_hash
from dco.simulate.rows import arm_row
from dco.simulate.stage import MarketLike, coded

DAYS_PER_WEEK = 7


class Gate:
    """A queue per segment, answered in the order of asking, `wait` nights after it at the earliest.

    A refusal costs the person nothing; approvals end for the week when a segment's weekly number is reached, and what
    then waits is answered in the order it has.
    """

    def __init__(self, market: MarketLike, wait: int) -> None:
        self._market, self._wait = market, max(wait, 1)
        self._queue: list[tuple[int, bool, dict[str, object]]] = []  # (night asked, verdict, arm)
        self._takes: dict[tuple[str, str], int] = {}
        self._approved: dict[tuple[str, int], int] = {}
        self._refused: dict[int, int] = {}
        self.rejected: list[dict[str, object]] = []

    def remember(self, arms: Sequence[Mapping[str, Any]]) -> None:
        """Creatives that exist already, so that another of the same idea is its next take."""
        for arm in arms:
            self._next_take(str(arm["segment"]), arm["attributes"])

    @property
    def pending(self) -> list[dict[str, object]]:
        """Arms that wait for an answer, oldest first."""
        return [arm for _, _, arm in self._queue]

    def waiting(self, night: int) -> tuple[int, ...]:
        """Nights that each pending arm has waited."""
        return tuple(night - asked for asked, _, _ in self._queue)

    def refused(self, night: int) -> int:
        """How many were refused on a night."""
        return self._refused.get(night, 0)

    def ask(self, proposals: Sequence[Mapping[str, Any]], night: int, max_new: int) -> int:
        """Make creatives of proposals (segment, attributes) and queue them; returns how many.

        Raises:
            BadData: more than `max_new` for one segment.
        """
        if not proposals:
            return 0
        asked: dict[str, int] = {}
        arms = []
        for p in proposals:
            segment = str(p["segment"])
            asked[segment] = asked.get(segment, 0) + 1
            if asked[segment] > max_new:
                raise BadData(
                    f"decision, segment {segment!r}: more than {max_new} proposals in a night; propose fewer"
                )
            arms.append(arm_row(segment, p["attributes"], take=self._next_take(segment, p["attributes"])))
        verdicts = self._market.verdicts(*coded(self._market, arms))
        self._queue += [(night, bool(yes), arm) for arm, yes in zip(arms, verdicts)]
        return len(arms)

    def answers(self, night: int) -> list[dict[str, object]]:
        """What is approved tonight; refusals move to `rejected`."""
        limit = np.inf if self._market.weekly_approvals is None else self._market.weekly_approvals
        week = night // DAYS_PER_WEEK
        approved, left = [], []
        rejected = list(self.rejected)
        for asked, yes, arm in self._queue:
            key = (str(arm["segment"]), week)
            if night - asked < self._wait or (yes and self._approved.get(key, 0) >= limit):
                left.append((asked, yes, arm))
            elif yes:
                self._approved[key] = self._approved.get(key, 0) + 1
                approved.append(arm)
            else:
                rejected.append(arm)
        self._refused[night] = len(rejected) - len(self.rejected)
        self._queue, self.rejected = left, rejected
        return approved

    def withdraw(self, arms: Iterable[Mapping[str, Any]]) -> None:
        """Take waiting arms out of the queue; they count neither as refused nor as approved."""
        gone = {(str(a["segment"]), str(a["arm_id"])) for a in arms}
        if gone:
            self._queue = [q for q in self._queue if (str(q[2]["segment"]), str(q[2]["arm_id"])) not in gone]

    def _next_take(self, segment: str, genome: Mapping[str, str]) -> int:
        key = (segment, content_hash(sorted(genome.items())))
        self._takes[key] = self._takes.get(key, -1) + 1
        return self._takes[key]
