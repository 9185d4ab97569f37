"""This process: one warm worker, one batch after another. A call with a time limit runs in a thread that can be left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread

import pyarrow as pa

from dco.cluster.executor import Job, Lost, Worker, one_line, start
from dco.cluster.work import Chunk, Work
from dco.errors import BadInput, DcoError


class Executor:
    """One slot. Nothing in Python can end a thread: a hung call is left behind, and its worker is replaced.

    Raises:
        BadInput: more than one worker, or an address.
    """

    slots = 1

    def __init__(self, workers: int = 0, address: str = "") -> None:
        if workers > 1 or address:
            raise BadInput(
                "executor 'local' is one worker in this process; for more write ray:2 (two workers) or ray@HOST:PORT"
            )
        self._warm: dict[Job, Worker] = {}

    def map(
        self, job: Job, batches: Iterable[pa.RecordBatch], *, limit: float | None = None
    ) -> Iterator[pa.RecordBatch | Lost]:
        """See `dco.cluster.executor.Executor`; answers come in the order of the batches."""
        work = Work(batches)
        while (chunk := work.take()) is not None:
            yield from self._here(job, chunk, work) if limit is None else self._aside(job, chunk, work, limit)

    def close(self) -> None:
        """Let the worker go."""
        # Another dict, not an emptied one: a thread that was left behind may still be filling the old one.
        self._warm = {}

    def _here(self, job: Job, chunk: Chunk, work: Work) -> Iterator[pa.RecordBatch | Lost]:
        warm = self._warm
        try:
            for part in _ready(warm, job).run(chunk.rest()):
                yield work.answered(chunk, part)
        except DcoError:
            raise
        except Exception as error:
            yield from work.finished(chunk, one_line(error))
        else:
            yield from work.finished(chunk)

    def _aside(self, job: Job, chunk: Chunk, work: Work, limit: float) -> Iterator[pa.RecordBatch | Lost]:
        parts: SimpleQueue[pa.RecordBatch | Exception | None] = SimpleQueue()
        stop, warm = Event(), self._warm

        def call() -> None:
            try:
                for part in _ready(warm, job).run(chunk.rest()):
                    parts.put(part)
                    if stop.is_set():
                        return
                parts.put(None)
            except Exception as error:
                parts.put(error)

        Thread(target=call, name="dco-worker", daemon=True).start()
        try:
            while True:
                try:
                    part = parts.get(timeout=limit)
                except Empty:
                    self._leave()
                    yield from work.worker_hung(chunk, limit)
                    return
                if part is None:
                    yield from work.finished(chunk)
                    return
                if isinstance(part, DcoError):
                    raise part
                if isinstance(part, Exception):
                    yield from work.finished(chunk, one_line(part))
                    return
                yield work.answered(chunk, part)
        finally:
            stop.set()

    def _leave(self) -> None:
        for worker in self._warm.values():
            worker.abandon()
        self.close()


def _ready(warm: dict[Job, Worker], job: Job) -> Worker:
    if job not in warm:
        warm.clear()
        warm[job] = start(job)
    return warm[job]
