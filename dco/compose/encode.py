"""An ad as a file: the best JPEG that is light enough."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from dco.compose.colour import Bytes
from dco.errors import DoesNotFit

RESERVED = 4096
"""Bytes kept free for the signed manifest (C2PA) that is added to the file afterwards."""
BEST, FULL_COLOUR, WORST = 95, 60, 30
"""Highest quality tried; the one below which colour is stored at half resolution; the lowest that is shown to anyone."""


def encode(raster: Bytes, max_bytes: int) -> tuple[bytes, int]:
    """The highest-quality progressive JPEG within a weight, by bisection.

    Colour is stored at full resolution (4:4:4), which keeps coloured type on a photograph crisp; only what would need a
    quality below 60 gives up colour resolution (4:2:0) before it gives up more.

    Args:
        raster: uint8[h, w, 3].
        max_bytes: the most the ad server takes; `RESERVED` of it stay free.

    Returns:
        The file, and its quality.

    Raises:
        DoesNotFit: even the lowest quality is too heavy.
    """
    image, room = Image.fromarray(np.ascontiguousarray(raster)), max_bytes - RESERVED
    found = _bisect(image, room, FULL_COLOUR, BEST, "4:4:4") or _bisect(
        image, room, WORST, FULL_COLOUR, "4:2:0"
    )
    if found is None:
        least = _jpeg(image, WORST, "4:2:0")
        weight = f"{len(least)} bytes" if least else "far more bytes than pixels"
        raise DoesNotFit(
            f"JPEG of {image.width}x{image.height}: {weight} at quality {WORST}, the lowest fit to be seen, "
            f"but only {max(0, room)} of {max_bytes} are free ({RESERVED} are kept for the signed manifest); "
            "use a calmer backdrop"
        )
    return found


def _bisect(image: Image.Image, room: int, low: int, high: int, subsampling: str) -> tuple[bytes, int] | None:
    best = _jpeg(image, high, subsampling)
    if best and len(best) <= room:
        return best, high
    best = _jpeg(image, low, subsampling)
    if not best or len(best) > room:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        tried = _jpeg(image, middle, subsampling)
        if tried and len(tried) <= room:
            low, best = middle, tried
        else:
            high = middle
    return best, low


def _jpeg(image: Image.Image, quality: int, subsampling: str) -> bytes | None:
    """The file; None where it would weigh more than a byte or two a pixel, which is more than Pillow can hold."""
    file = BytesIO()
    try:
        image.save(file, "JPEG", quality=quality, subsampling=subsampling, progressive=True, optimize=True)
    except OSError:
        return None
    return file.getvalue()
