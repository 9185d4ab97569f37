"""The seam between what is to be done and where: Arrow batches go to workers, their answers come back by id.

>>> executor = open_executor("local")
>>> job = Job("dco.cluster.echo:Echo", "{}")
>>> batch = pa.RecordBatch.from_pydict({"id": ["a", "b"]})
>>> [part["id"].to_pylist() for part in executor.map(job, [batch])]
[['a'], ['b']]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple, Protocol

import pyarrow as pa

from dco import errors, registry
from dco.errors import BadInput, DcoError

ID = "id"
"""The column of text that every batch has, going out and coming back."""

_SETTING = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?::(?P<workers>\d{1,4}))?(?:@(?P<address>\S+))?")


class Job(NamedTuple):
    """Which worker: "package.module:factory" of installed code, called with `options` (JSON text)."""

    factory: str
    options: str


class Worker(Protocol):
    """What a factory makes: it is kept warm, and used for one batch at a time."""

    def run(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Answers for some of the batch's ids at a time, each id once. A DcoError ends the whole job."""
        ...

    def abandon(self) -> None:
        """Called when a call of this worker hangs, before another takes its place: share nothing with that one."""
        ...


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows that got no answer, and why, in one line."""

    ids: tuple[str, ...]
    reason: str


class Executor(Protocol):
    """What a file in dco/cluster/executors offers under the name `Executor`."""

    @property
    def slots(self) -> int:
        """How many batches are worked on at once."""
        ...

    def map(
        self, job: Job, batches: Iterable[pa.RecordBatch], *, limit: float | None = None
    ) -> Iterator[pa.RecordBatch | Lost]:
        """Answers in any order; every id of every batch comes back exactly once, in an answer or in a `Lost`.

        What a lost worker had not answered is done once more by another; a worker that gives no answer for `limit`
        seconds is stopped and replaced, and each row it had left is tried once more alone.

        Raises:
            DcoError: whatever deliberate error a worker raised. BadData: an id is there twice.
        """
        ...

    def close(self) -> None:
        """Let the workers go; a later `map` starts new ones."""
        ...


def open_executor(setting: str, *, where: str = "DCO_EXECUTOR") -> Executor:
    """The executor that a setting names: NAME, NAME:WORKERS, NAME@ADDRESS or NAME:WORKERS@ADDRESS. Nothing is started.

    Args:
        where: what to call the setting in an error.

    Raises:
        BadInput: the setting is malformed, or the executor needs an extra that is not installed.
        UnknownName: no such executor.
    """
    found = _SETTING.fullmatch(setting.strip())
    if not found:
        raise BadInput(
            f"{where}: expected an executor such as local, ray, ray:2 (two workers) or ray@HOST:PORT, "
            f"got {setting!r}"
        )
    maker = registry.load("executors", found["name"], where=where)
    executor: Executor = maker(int(found["workers"] or 0), found["address"] or "")
    return executor


def factory(job: Job) -> Callable[[str], Worker]:
    """The job's factory, its module loaded."""
    module, _, name = job.factory.partition(":")
    found: Callable[[str], Worker] = getattr(import_module(module), name)
    return found


def start(job: Job) -> Worker:
    """The job's worker, made here."""
    return factory(job)(job.options)


def one_line(error: BaseException) -> str:
    """An exception as one line for a report."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else text[:297] + "..."
    return text if isinstance(error, DcoError) else f"{type(error).__name__}: {text}"


def revived(name: str, text: str) -> DcoError:
    """A deliberate error that a worker in another process raised, as the same class with the same line."""
    kind = getattr(errors, name, DcoError)
    kind = kind if isinstance(kind, type) and issubclass(kind, DcoError) else DcoError
    # The classes build their line from different arguments; here the line is finished.
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    return error
