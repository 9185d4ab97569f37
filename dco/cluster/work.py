"""The bookkeeping that every executor shares: what waits, what was answered, and what becomes of the rest. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from dco.cluster.executor import ID, Lost
from dco.errors import BadData

MOST_HANGS = 3
"""Hangs in a row, without one answer between them, after which a model is taken for dead: a night must end."""


@dataclass
class Chunk:
    """A batch on its way. `left` maps the ids not yet answered to their rows; `again` says that it was lost before."""

    batch: pa.RecordBatch
    left: dict[str, int]
    again: bool = False

    def rest(self) -> pa.RecordBatch:
        """The rows not yet answered."""
        if len(self.left) == self.batch.num_rows:
            return self.batch
        return self.batch.take(pa.array(self.left.values(), pa.int64()))

    def alone(self) -> list[Chunk]:
        """Each row not yet answered as a chunk of its own, for the last time."""
        return [Chunk(self.batch.slice(row, 1), {one: 0}, again=True) for one, row in self.left.items()]


class Work:
    """Batches in, chunks out; every id ends in exactly one answer or one `Lost`."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._fresh = iter(batches)
        self._again: deque[Chunk] = deque()
        self._seen: set[str] = set()
        self._hangs = 0

    def take(self) -> Chunk | None:
        """The next chunk to be done; None when nothing waits."""
        if self._again:
            return self._again.popleft()
        batch = next(self._fresh, None)
        if batch is None:
            return None
        ids = batch.column(ID).to_pylist()
        twice = [one for one in ids if one in self._seen] or ([] if len(set(ids)) == len(ids) else ids)
        if twice:
            raise BadData(f"executor: the id {twice[0]!r} is there twice; expected every id once")
        self._seen.update(ids)
        return Chunk(batch, {one: row for row, one in enumerate(ids)})

    def answered(self, chunk: Chunk, part: pa.RecordBatch) -> pa.RecordBatch:
        """Note an answer, and pass it on.

        Raises:
            BadData: it answers what was not asked, or was answered before.
        """
        for one in part.column(ID).to_pylist():
            if chunk.left.pop(one, None) is None:
                raise BadData(f"executor: a worker answered {one!r}, which its batch does not hold any more")
        self._hangs = 0
        return part

    def finished(self, chunk: Chunk, reason: str = "the worker returned nothing for it") -> list[Lost]:
        """The worker is through, for better or worse: what has no answer gets none."""
        return [Lost(tuple(chunk.left), reason)] if chunk.left else []

    def worker_lost(self, chunk: Chunk, reason: str) -> list[Lost]:
        """The worker is gone. What it had left is done once more, by another."""
        if chunk.again:
            return self.finished(chunk, f"lost with its worker twice: {reason}")
        if chunk.left:
            self._again.append(Chunk(chunk.batch, chunk.left, again=True))
        return []

    def worker_hung(self, chunk: Chunk, limit: float) -> list[Lost]:
        """The worker was stopped. One row may have held up the others: each is tried once more, alone; never a third time."""
        self._hangs += 1
        reason = f"took longer than {limit:g} s and was stopped"
        if self._hangs >= MOST_HANGS:
            return self._give_up(chunk, f"{reason}, as were the {MOST_HANGS - 1} calls before it")
        if chunk.again or len(chunk.left) == 1:
            return self.finished(chunk, reason)
        self._again.extend(chunk.alone())
        return []

    def _give_up(self, chunk: Chunk, reason: str) -> list[Lost]:
        lost = self.finished(chunk, reason)
        while (waiting := self.take()) is not None:
            lost += self.finished(waiting, f"not tried: a call {reason}")
        return lost
