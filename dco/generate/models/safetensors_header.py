"""Whether a file really is safetensors: told by its header, not by its name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from dco.errors import BadModel

_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F4",), 4),
}
_MAX_HEADER = 100_000_000
"""The limit of the format's own reader, in bytes."""


def check_weights(file: Path) -> frozenset[str]:
    """Read the header: 8 bytes of length, then JSON; every tensor's bytes must lie in order and fill the file.

    Returns:
        The names of the tensors.

    Raises:
        BadModel: the file is truncated, padded, or is something else under this name.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(_MAX_HEADER, size - 8):
            raise BadModel(
                f"{file}: not safetensors (its header would be {length} bytes of {size}); expected safetensors"
            )
        head = stream.read(length)
    try:
        header = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise BadModel(f"{file}: not safetensors (its header is not JSON); expected safetensors") from error
    if not isinstance(header, dict):
        raise BadModel(f"{file}: not safetensors (its header is no object); expected safetensors")
    header.pop("__metadata__", None)
    try:
        spans = sorted((*_span(entry), name) for name, entry in header.items())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadModel(
            f"{file}: a tensor's entry is malformed ({error}); expected dtype, shape, offsets"
        ) from error
    at = 0
    for start, stop, name in spans:
        if start != at:
            raise BadModel(f"{file}: tensor {name!r} starts at byte {start}; expected {at}")
        at = stop
    if at != size - 8 - length:
        raise BadModel(
            f"{file}: holds {size - 8 - length} bytes of tensors; its header names {at}. Copy it again"
        )
    return frozenset(header)


def _span(entry: dict[str, Any]) -> tuple[int, int]:
    start, stop = (_count(n) for n in entry["data_offsets"])
    shape = [_count(n) for n in entry["shape"]]
    if (stop - start) * 8 != _BITS[str(entry["dtype"])] * math.prod(shape):
        raise ValueError(f"{stop - start} bytes for {entry['dtype']}{shape}")
    return start, stop


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
