"""A worker that misbehaves on purpose: each row says what it does, and where to leave a mark that it was tried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pyarrow as pa

from dco.errors import BadModel


class Doubler:
    """Answers every number with its double, and with the process that did it."""

    def __init__(self, options: str) -> None:
        self.never = Event()

    def run(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        for row in batch.to_pylist():
            self.obey(row["do"], Path(row["mark"]))
            if row["do"] != "nothing":
                yield pa.RecordBatch.from_pydict(
                    {"id": [row["id"]], "twice": [2 * row["number"]], "pid": [os.getpid()]}
                )

    def obey(self, order: str, mark: Path) -> None:
        if mark.name:
            with mark.open("a", encoding="utf-8") as file:
                file.write("tried\n")
        if order == "hang":
            self.never.wait()
        if order == "raise":
            raise ValueError("no such\nnumber")
        if order == "refuse":
            raise BadModel("folder: no model here")
        if order == "die" or (order == "die once" and tries(mark) == 1):
            os._exit(7)

    def abandon(self) -> None:
        """Nothing is shared."""


def tries(mark: Path) -> int:
    """How often a row was tried."""
    return len(mark.read_text(encoding="utf-8").splitlines())


def batch(*orders: str, first: int = 0, folder: Path | None = None) -> pa.RecordBatch:
    """Rows n0, n1, ...: row i doubles i, after it has left its mark and done what it is told."""
    numbers = range(first, first + len(orders))
    marks = [str(folder / f"n{i}") if folder else "" for i in numbers]
    return pa.RecordBatch.from_pydict(
        {"id": [f"n{i}" for i in numbers], "number": list(numbers), "do": list(orders), "mark": marks}
    )
