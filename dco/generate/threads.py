"""One decision about threads per process, made before the first picture and never changed after it.

A different number of threads may split a sum elsewhere and change a last bit; two threads on a machine that others
share have been measured at 13 times the wall time of one. So: one thread, unless an option says otherwise. "auto"
measures instead, once per process; what it finds depends on who else is working, so two runs may settle differently.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Literal

from dco.errors import BadInput

_settled: int | None = None

GAIN = 1.15
"""Another thread has to make the measured work this many times as fast as the best number before it."""

REPEATS = 5


def settle(threads: int | Literal["auto"] | None = None) -> int:
    """Fix torch's thread count for this process and return it. Loads torch.

    Args:
        threads: the number wanted; "auto" measures which is fastest now, unless a number was settled before; None takes
            what was settled before, else 1.

    Raises:
        BadInput: another number was settled earlier in this process, or it is neither positive nor "auto".
    """
    global _settled
    wrong_type = isinstance(threads, bool) or not isinstance(threads, (int, str, type(None)))
    if wrong_type or (isinstance(threads, str) and threads != "auto"):
        raise BadInput(f"backend option threads: expected a number or 'auto', got {threads!r}")
    if isinstance(threads, int) and threads < 1:
        raise BadInput(f"backend option threads: expected 1 or more, got {threads}")
    if _settled is None:
        import torch

        _settled = fastest(measure(available())) if threads == "auto" else int(threads or 1)
        torch.set_num_threads(_settled)
    elif threads not in (None, "auto", _settled):
        raise BadInput(
            f"backend option threads: {threads} asked for, but this process already works with {_settled}; "
            "use one number per process"
        )
    return _settled


def available() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(most: int) -> dict[int, float]:
    """Seconds (median of five) that 1, 2, 4 ... `most` threads need for a denoiser's typical convolution.

    Less than half a second on a free machine; a machine whose cores are taken shows it here, as it would in the work.
    """
    import torch
    from torch.nn.functional import conv2d

    before = torch.get_num_threads()
    x = torch.ones(16, 128, 16, 16).contiguous(memory_format=torch.channels_last)
    weight = torch.full((128, 128, 3, 3), 1e-3).contiguous(memory_format=torch.channels_last)
    found = {}
    try:
        for count in sorted({*(2**k for k in range(most.bit_length()) if 2**k <= most), most}):
            torch.set_num_threads(count)
            with torch.inference_mode():
                conv2d(x, weight, padding=1)
                found[count] = median(_timed(lambda: conv2d(x, weight, padding=1)) for _ in range(REPEATS))
    finally:
        torch.set_num_threads(before)
    return found


def fastest(seconds: dict[int, float]) -> int:
    """The number of threads worth having: each step up must gain `GAIN` over the best so far.

    >>> fastest({1: 1.0, 2: 0.6, 4: 0.55}), fastest({1: 1.0, 2: 3.0, 4: 0.4}), fastest({1: 1.0, 2: 13.0})
    (2, 4, 1)
    """
    best = min(seconds)
    for count in sorted(seconds):
        if seconds[count] * GAIN < seconds[best]:
            best = count
    return best


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
