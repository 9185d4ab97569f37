"""Batches of one constant size, that survive a failing member and too little memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class Bucket:
    """What became of the pictures of one kind. `kind` says what they have in common, `batch` how many a call takes now.

    `padding` counts the places in calls that were filled up; `halved` how often memory ran out. After a halving a
    picture is made in another company size than before, which may round another last bit: it is recorded here.
    """

    kind: str
    batch: int
    pictures: int = 0
    calls: int = 0
    padding: int = 0
    halved: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        full = 100 * self.pictures / max(1, self.pictures + self.padding)
        line = f"{self.kind}: {self.pictures} pictures in {self.calls} calls of {self.batch}, {full:.0f} % full, {self.seconds:.1f} s"
        return line + (f"; memory ran out {self.halved} times" if self.halved else "")


class Batcher(Generic[Item, Result]):
    """Runs `work` on batches of exactly `size` items.

    The last batch is filled up with its last item, because libraries choose another kernel for another batch size:
    with one size a picture has the same bytes in any company. `size` is halved for good when memory runs out.

    Args:
        bucket: statistics to keep; None keeps none.
    """

    def __init__(
        self, size: int, work: Callable[[Sequence[Item]], Sequence[Result]], bucket: Bucket | None = None
    ) -> None:
        self.size, self.work = size, work
        self.bucket = bucket or Bucket("", size)

    def run(self, items: Sequence[Item]) -> Iterator[Result | Exception]:
        """One result, or the exception that this item alone still raises, per item, in order."""
        at = 0
        while at < len(items):
            chunk = items[at : at + self.size]
            try:
                yield from self._padded(chunk)
            except Exception as error:
                # One bad member spoils a batch: each is tried alone, so that only it fails.
                if not out_of_memory(error):
                    yield from map(self._alone, chunk) if len(chunk) > 1 else [error]
                elif self.size > 1:
                    self.size //= 2
                    self.bucket.batch, self.bucket.halved = self.size, self.bucket.halved + 1
                    free_memory()
                    continue
                else:
                    yield error
            at += len(chunk)

    def _padded(self, chunk: Sequence[Item]) -> list[Result]:
        filled = [*chunk, *([chunk[-1]] * (self.size - len(chunk)))]
        started = perf_counter()
        try:
            done = list(self.work(filled))[: len(chunk)]
        finally:
            self.bucket.calls += 1
            self.bucket.seconds += perf_counter() - started
        self.bucket.pictures += len(done)
        self.bucket.padding += len(filled) - len(done)
        return done

    def _alone(self, item: Item) -> Result | Exception:
        try:
            return self._padded([item])[0]
        except Exception as error:
            return error


def out_of_memory(error: BaseException) -> bool:
    """True for every form in which Python, torch on a CPU and torch on a GPU say so."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def free_memory() -> None:
    """Give back what a failed batch of torch still holds; without torch there is nothing to wait for."""
    torch = sys.modules.get("torch")
    if torch is not None:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def in_order(numbered: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    """Results by ascending number from 0, each as soon as all before it are there."""
    waiting: dict[int, Result] = {}
    next_number = 0
    for number, result in numbered:
        waiting[number] = result
        while next_number in waiting:
            yield waiting.pop(next_number)
            next_number += 1


def reason(error: BaseException) -> str:
    """An exception as one line for a report."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else text[:297] + "..."
    if out_of_memory(error):
        return f"out of memory even for one picture: {text}"
    return text if type(error).__module__.startswith("dco.") else f"{type(error).__name__}: {text}"
