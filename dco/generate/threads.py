"""One decision about threads per process, made before the first picture and never changed after it.

A different number of threads may split a sum elsewhere and change a last bit; two threads on a machine that others
share have been measured at 13 times the wall time of one. So: one thread, unless an option says otherwise.
"""

from __future__ import annotations

from dco.errors import BadInput

_settled: int | None = None


def settle(threads: int | None = None) -> int:
    """Fix torch's thread count for this process and return it. Loads torch.

    Args:
        threads: the number wanted; None takes what was settled before, else 1.

    Raises:
        BadInput: another number was settled earlier in this process, or the number is not positive.
    """
    global _settled
    if threads is not None and threads < 1:
        raise BadInput(f"backend option threads: expected 1 or more, got {threads}")
    if _settled is None:
        import torch

        torch.set_num_threads(threads or 1)
        _settled = threads or 1
    elif threads not in (None, _settled):
        raise BadInput(
            f"backend option threads: {threads} asked for, but this process already works with {_settled}; "
            "use one number per process"
        )
    return _settled
