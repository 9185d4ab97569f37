"""Several single-thread processes that train copies of one model and average them now and then (local SGD).

Two processes of one thread use two cores fully, where one process of two threads loses up to half of them to waiting.
Stich (2019), Local SGD converges fast and communicates little.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dco.errors import GenerationFailed

WATCH_SECONDS = 5.0


@dataclass(frozen=True)
class Crew:
    """This process's place among the workers, and the device it computes on; rank 0 keeps the records."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def on_gpu(self) -> bool:
        """True where half precision and large batches pay."""
        return self.device != "cpu"

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the workers, in place."""
        if self.size == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([t.reshape(-1) for t in tensors])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for t in tensors:
            t.copy_(flat[at : at + t.numel()].view(t.shape))
            at += t.numel()

    def all_agree(self, yes: bool) -> bool:
        """True where every worker says yes."""
        if self.size == 1:
            return yes
        vote = torch.tensor([float(yes)])
        torch.distributed.all_reduce(vote, op=torch.distributed.ReduceOp.MIN)
        return bool(vote.item())


def launch(
    task: Callable[..., None],
    workers: int,
    folder: Path,
    *arguments: Any,
    device: str = "cpu",
    watch: Callable[[], None] | None = None,
) -> None:
    """Run task(crew, *arguments) in `workers` processes of one thread each, and wait for all of them.

    One worker runs in this process. The workers meet through a file in `folder`, so no network port is opened.
    `watch` is called every few seconds while more than one worker runs.

    Raises:
        GenerationFailed: a worker ended with an error.
    """
    if workers == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            task(Crew(device=device), *arguments)
        finally:
            torch.set_num_threads(threads)
        return
    meeting = folder / f"meeting-{uuid.uuid4().hex}"
    try:
        running = torch.multiprocessing.spawn(
            _work, (workers, str(meeting), task, arguments), nprocs=workers, join=False
        )
        while not running.join(timeout=WATCH_SECONDS):
            if watch:
                watch()
    except torch.multiprocessing.ProcessRaisedException as error:
        raise GenerationFailed(
            f"training: a worker of {task.__name__} failed: {str(error).strip().splitlines()[-1]}"
        ) from error
    finally:
        meeting.unlink(missing_ok=True)


def _work(rank: int, size: int, meeting: str, task: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":  # elsewhere the loopback has another name, and gloo finds its way
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
    try:
        task(Crew(rank, size), *arguments)
    finally:
        torch.distributed.destroy_process_group()
