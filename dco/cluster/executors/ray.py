"""Ray: one actor per GPU, or per CPU where there is none, each holding one warm worker; on one machine or on many.

A cluster of one's own is started on this machine for as long as it is needed, without a dashboard and without usage
reports. Ray without authentication runs code for whoever reaches its ports (CVE-2023-48022); from 2.60 on it asks for
the token in ~/.ray/auth_token, made on first use, and every machine of a cluster needs the same one. A call that has gone
to a worker is answered part by part, so that what a lost worker had finished is not done again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pyarrow as pa

from dco.cluster.executor import Job, Lost, Worker, factory, one_line, revived, start
from dco.cluster.work import Chunk, Work
from dco.errors import BadInput, DcoError, NoWorker

START_SECONDS = 300.0
"""How long an actor may take to come up, the wait for a free slot of a busy cluster included."""

STORE_BYTES = 512 * 2**20
"""Shared memory of a cluster of one's own: requests are small, and a finished picture is fetched at once."""


class Actor:
    """One warm worker in a process of its own. Its answers are ("part", batch), ("refused", class, line) or
    ("failed", line): an exception of a worker need not be something that another process can unpickle."""

    def __init__(self, factory: str, options: str) -> None:
        self._job = Job(factory, options)
        self._worker: Worker | None = None

    def ready(self) -> bool:
        """True once the process has loaded its code. The worker is made by its first call, whose errors are answers."""
        # Arrow loads the rest of itself for its first table, which is no part of the time a picture may take.
        pa.RecordBatch.from_pylist([{"id": ""}]).to_pylist()
        return callable(factory(self._job))

    def run(self, batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
        """The worker's answers, as they come."""
        try:
            self._worker = self._worker or start(self._job)
            for part in self._worker.run(batch):
                yield ("part", part)
        except DcoError as error:
            yield ("refused", type(error).__name__, str(error))
        except Exception as error:
            yield ("failed", one_line(error))


@dataclass(eq=False)
class _Member:
    """An actor, what is awaited from it, until when, and for which chunk (none while it comes up)."""

    actor: Any
    awaited: Any = None
    until: float = float("inf")
    chunk: Chunk | None = None


class Executor:
    """Workers of a Ray cluster.

    Args:
        workers: slots to use; 0 takes every GPU of the cluster, or every CPU where it has no GPU.
        address: HOST:PORT of a running cluster, or "auto" for the one on this machine; empty starts one here.

    Raises:
        BadInput: Ray is not installed, or its authentication is switched off.
    """

    def __init__(self, workers: int = 0, address: str = "") -> None:
        self._ray = _ray()
        self._wanted, self._address = workers, address
        self._slots = 0
        self._started = False
        self._gpu = False
        self._job: Job | None = None
        self._crew: list[_Member] = []

    @property
    def slots(self) -> int:
        """How many batches are worked on at once. Connects to the cluster, or starts it.

        Raises:
            NoWorker: it cannot be reached.
        """
        if not self._slots:
            self._connect()
        return self._slots

    def map(
        self, job: Job, batches: Iterable[pa.RecordBatch], *, limit: float | None = None
    ) -> Iterator[pa.RecordBatch | Lost]:
        """See `dco.cluster.executor.Executor`.

        Raises:
            NoWorker: the cluster cannot be reached, or no worker came up in time.
        """
        slots, work = self.slots, Work(batches)
        if job != self._job:
            self._dismiss(list(self._crew))
            self._job = job
        try:
            while True:
                self._assign(work, slots, limit)
                busy = [member for member in self._crew if member.awaited is not None]
                if not busy:
                    return
                until = min(member.until for member in busy)
                wait = None if until == float("inf") else max(0.0, until - monotonic())
                self._ray.wait([member.awaited for member in busy], num_returns=1, timeout=wait)
                for member in busy:
                    # Asked one by one: the wait above names a single one, and who is late may be ready by now.
                    if self._ray.wait([member.awaited], timeout=0)[0]:
                        yield from self._heard(member, work, limit)
                    elif member.until <= monotonic():
                        yield from self._late(member, work, limit)
        finally:
            # Whoever is still at it when the caller has stopped listening would answer the next map.
            self._dismiss([member for member in self._crew if member.awaited is not None])

    def close(self) -> None:
        """Let the workers go, and the cluster if it was started here."""
        self._dismiss(list(self._crew))
        if self._started:
            self._ray.shutdown()
        self._slots, self._started, self._job = 0, False, None

    def _connect(self) -> None:
        ray = self._ray
        if not ray.is_initialized():
            try:
                self._init()
            except Exception as error:
                place = f"the cluster at {self._address!r}" if self._address else "a cluster on this machine"
                raise NoWorker(
                    f"executor 'ray': cannot reach {place} ({one_line(error)}); "
                    "check the address and ~/.ray/auth_token, or set DCO_EXECUTOR=local"
                ) from error
            self._started = True
        has = ray.cluster_resources()
        self._gpu = has.get("GPU", 0) >= 1
        self._slots = self._wanted or int(has.get("GPU", 0)) or int(has.get("CPU", 0)) or 1

    def _init(self) -> None:
        ray, quiet = (
            self._ray,
            {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR},
        )
        if self._address:
            ray.init(address=self._address, **quiet)
            return
        # "local" even where RAY_ADDRESS names a cluster: what runs elsewhere is said, never guessed.
        own = {"address": "local", "num_cpus": self._wanted or None, "include_dashboard": False}
        own |= {"object_store_memory": STORE_BYTES, "_node_ip_address": "127.0.0.1"}
        try:
            ray.init(**own, **quiet)
        except Exception:
            # On a busy machine Ray may take longer to come up than the half minute it gives itself; the second time its
            # files are in memory.
            ray.shutdown()
            ray.init(**own, **quiet)

    def _assign(self, work: Work, slots: int, limit: float | None) -> None:
        """Chunks to whoever is idle; new actors while there is more to do than hands."""
        for member in self._crew:
            if member.awaited is None and not self._hand(member, work, limit):
                return
        while len(self._crew) < slots and (chunk := work.take()) is not None:
            kind = {"num_gpus": 1} if self._gpu else {"num_cpus": 1}
            maker = self._ray.remote(**kind, max_restarts=0, max_task_retries=0)(Actor)
            assert self._job is not None
            actor = maker.remote(*self._job)
            self._crew.append(_Member(actor, actor.ready.remote(), monotonic() + START_SECONDS, chunk))

    def _hand(self, member: _Member, work: Work, limit: float | None) -> bool:
        chunk = work.take()
        if chunk is not None:
            self._send(member, chunk, limit)
        return chunk is not None

    def _send(self, member: _Member, chunk: Chunk, limit: float | None) -> None:
        member.chunk = chunk
        member.awaited = member.actor.run.options(num_returns="streaming").remote(chunk.rest())
        member.until = float("inf") if limit is None else monotonic() + limit

    def _heard(self, member: _Member, work: Work, limit: float | None) -> Iterator[pa.RecordBatch | Lost]:
        chunk = member.chunk
        assert chunk is not None
        coming_up = not hasattr(member.awaited, "__next__")
        try:
            if coming_up:
                self._ray.get(member.awaited)
                self._send(member, chunk, limit)
                return
            answer = self._ray.get(next(member.awaited))
        except StopIteration:
            member.awaited = None
            yield from work.finished(chunk)
            return
        except self._ray.exceptions.RayError as error:
            self._dismiss([member])
            yield from work.worker_lost(chunk, f"its process ended ({type(error).__name__})")
            return
        member.until = float("inf") if limit is None else monotonic() + limit
        if answer[0] == "part":
            yield work.answered(chunk, answer[1])
        elif answer[0] == "refused":
            raise revived(*answer[1:])
        else:
            # The stream's end follows, and finds nothing left.
            yield from work.finished(chunk, answer[1])
            chunk.left.clear()

    def _late(self, member: _Member, work: Work, limit: float | None) -> Iterator[pa.RecordBatch | Lost]:
        chunk, coming_up = member.chunk, not hasattr(member.awaited, "__next__")
        assert chunk is not None
        self._dismiss([member])
        if not coming_up:
            yield from work.worker_hung(chunk, limit or 0.0)
        elif self._crew:
            yield from work.worker_lost(chunk, f"no worker came up within {START_SECONDS:g} s")
        else:
            free = self._ray.available_resources()
            raise NoWorker(
                f"executor 'ray': no worker came up within {START_SECONDS:g} s (free: {free.get('CPU', 0):g} CPU, "
                f"{free.get('GPU', 0):g} GPU); free a slot, ask for fewer workers, or set DCO_EXECUTOR=local"
            )

    def _dismiss(self, members: list[_Member]) -> None:
        for member in members:
            self._crew.remove(member)
            if self._ray.is_initialized():
                self._ray.kill(member.actor)


def _ray() -> Any:
    """The library, told to keep to itself before it is loaded for the first time.

    Raises:
        BadInput: it is not installed, or authentication is switched off.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        raise BadInput(
            "executor 'ray': RAY_AUTH_MODE switches authentication off, and such a cluster runs code for whoever "
            "reaches it; unset RAY_AUTH_MODE"
        )
    quiet = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
        # What Ray 3 will do anyway; the other way it warns at every start.
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    # It says at every start that authentication is on, and how to switch it off.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise BadInput(
            f"executor 'ray' needs the extra dco[cluster] ({one_line(error)}); install it, or set DCO_EXECUTOR=local"
        ) from error
    return ray
