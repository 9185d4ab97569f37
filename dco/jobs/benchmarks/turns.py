"""CPU time of several ways of doing one thing, taken in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import process_time
from typing import Any

SHORTEST = 0.02
"""Seconds that one reading spans at least: what takes less is run several times between two looks at the clock."""


def cpu_seconds(ways: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """Median CPU seconds of one call of each way. All are called once unmeasured; then they take turns, so that a
    change of the machine's speed meets all alike, and a neighbour's work does not count."""
    calls = [_calls(way) for way in ways]
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for way, n, times in zip(ways, calls, taken):
            started = process_time()
            for _ in range(n):
                way()
            times.append((process_time() - started) / n)
    return [median(times) for times in taken]


def _calls(way: Callable[[], Any]) -> int:
    """How many calls make one reading of at least `SHORTEST`; the first call, which warms up, is not asked."""
    way()
    started = process_time()
    way()
    return max(1, round(SHORTEST / max(process_time() - started, 1e-6)))
