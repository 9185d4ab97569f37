"""Prompts that lean towards other prompts: their embeddings are interpolated where the text encoders hand them on.

Between two winners lie pictures that no sentence says. The pipeline is not told of it: while it draws, what it asks of its
encoders is asked for the other prompts too, and every embedding that differs moves from its own towards the other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def leaning(pipe: Any, towards: Sequence[str], lean: Sequence[float]) -> Iterator[None]:
    """While open, the pipe's prompts lean towards others: embedding + lean x (other - embedding), one per picture.

    Args:
        towards: the other prompts; lean: 0 (its own alone) to 1, where a prompt has none its other one may be any text.
    """
    if not any(lean):
        yield
        return
    encode = pipe.encode_prompt

    def both(*given: Any, **named: Any) -> Any:
        own = encode(*given, **named)
        if "prompt" in named:
            other = encode(*given, **{**named, "prompt": list(towards)})
        else:
            other = encode(list(towards), *given[1:], **named)
        return tuple(_between(a, b, lean) for a, b in zip(own, other, strict=True))

    pipe.encode_prompt = both
    try:
        yield
    finally:
        del pipe.encode_prompt


def _between(own: Any, other: Any, lean: Sequence[float]) -> Any:
    """What differs, moved; negative prompts, positions and masks are the same in both and stay as they are."""
    if not isinstance(own, Tensor) or not own.is_floating_point() or torch.equal(own, other):
        return own
    part = torch.tensor(lean, dtype=own.dtype, device=own.device).reshape(-1, *[1] * (own.ndim - 1))
    return own + part * (other - own)
