"""A picture brought to another shape without distortion: cut to cover it, or held inside it whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def enlargement(width: int, height: int, to_width: int, to_height: int) -> float:
    """Wanted pixels per picture pixel when a picture covers a shape; above 1 it is enlarged.

    >>> enlargement(1024, 1024, 512, 256)
    0.5
    """
    return max(to_width / width, to_height / height)


def cover(pixels: Pixels, width: int, height: int, *, nearest: bool = False) -> Pixels:
    """Scale a picture until it covers `width` x `height` pixels and cut what stands over, equally on both sides.

    Args:
        pixels: uint8[H, W, 3], or uint8[H, W].
        nearest: take the nearest pixel and mix none, as a mask of black and white wants it.

    Returns:
        uint8[height, width, 3] or uint8[height, width]; the picture itself where it has that size already.
    """
    tall, wide = pixels.shape[:2]
    if (wide, tall) == (width, height):
        return pixels
    scale = enlargement(wide, tall, width, height)
    left, top = (wide - width / scale) / 2, (tall - height / scale) / 2
    box = (max(0.0, left), max(0.0, top), min(float(wide), wide - left), min(float(tall), tall - top))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.LANCZOS
    return np.array(image.resize((width, height), how, box=box, reducing_gap=None if nearest else 3.0))


def inside(pixels: Pixels, width: int, height: int) -> Pixels:
    """Scale a picture until it just fits into `width` x `height` pixels; its rim goes on where it does not reach.

    `cover` back to the shape it had finds it again, to a pixel. Takes uint8[H, W, 3] or, for a mask, uint8[H, W].
    """
    tall, wide = pixels.shape[:2]
    scale = min(width / wide, height / tall)
    w, h = min(width, round(wide * scale)), min(height, round(tall * scale))
    sized = Image.fromarray(np.ascontiguousarray(pixels)).resize((w, h), Image.Resampling.LANCZOS)
    left, top = (width - w) // 2, (height - h) // 2
    rims = ((top, height - h - top), (left, width - w - left), (0, 0))
    return np.pad(np.asarray(sized), rims[: pixels.ndim], mode="edge")
