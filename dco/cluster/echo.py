"""The smallest worker: it answers every row with itself. For trying out an executor or a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa


class Echo:
    """Takes no options; one answer per row."""

    def __init__(self, options: str) -> None:
        pass

    def run(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Every row, alone."""
        for row in range(batch.num_rows):
            yield batch.slice(row, 1)

    def abandon(self) -> None:
        """There is nothing to share."""
