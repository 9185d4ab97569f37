"""Gates a picture passes before anything keeps it: finite, right shape, not black, not flat. Pure numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.errors import GenerationFailed

BLACK = 4 / 255
"""A picture whose brightest pixel in a thousand is below this shows nothing on any screen."""

FLAT = 1.2 / 255
"""Standard deviation below which a picture is one colour. The renderer's film grain alone has 2.0 / 255; a smooth
gradient from one tone to its neighbour has about 3 / 255."""


def inspect(pixels: NDArray[Any], size: tuple[int, int] | None = None) -> str | None:
    """The reason why a picture is a failed variant, or None when it may be kept.

    Args:
        pixels: floating [height, width, 3] with values meant to lie in [0, 1], or uint8[height, width, 3]. Hand over
            the floats: a cast to uint8 turns NaN into black without a word.
        size: (width, height) that was asked for; None accepts any.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        return f"wrong shape: expected [height, width, 3], got {list(pixels.shape)}"
    if size and (pixels.shape[1], pixels.shape[0]) != size:
        return f"wrong size: expected {size[0]}x{size[1]}, got {pixels.shape[1]}x{pixels.shape[0]}"
    if pixels.dtype != np.uint8 and not np.issubdtype(pixels.dtype, np.floating):
        return f"wrong type: expected floating point or uint8, got {pixels.dtype}"
    if pixels.dtype != np.uint8:
        # One sum is finite only if every summand is, and costs a tenth of asking each.
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(pixels.sum(dtype=np.float64))
        if not np.isfinite(total):
            bad = int(np.count_nonzero(~np.isfinite(pixels)))
            return f"not finite: {bad} of {pixels.size} values are NaN or infinite"
    return _empty(pixels)


def to_uint8(pixels: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Round floats in [0, 1] to uint8; values outside are cut.

    Raises:
        GenerationFailed: a value is not finite.
    """
    reason = inspect(pixels)
    if reason and not reason.startswith(("black", "flat")):
        raise GenerationFailed(f"picture: {reason}")
    return np.asarray(np.clip(pixels, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def spread(pixels: NDArray[Any]) -> float:
    """The largest standard deviation of a channel, in units of full brightness."""
    return float(_thin(pixels).reshape(-1, 3).std(axis=0).max())


def _empty(pixels: NDArray[Any]) -> str | None:
    brightest = float(np.quantile(_thin(pixels), 0.999))
    if brightest < BLACK:
        return f"black: the brightest pixels reach {brightest * 255:.1f} of 255"
    if (deviation := spread(pixels)) < FLAT:
        return f"flat: standard deviation {deviation * 255:.2f} of 255"
    return None


def _thin(pixels: NDArray[Any]) -> NDArray[np.float32]:
    # Every third row and column is plenty for a statistic over a whole picture.
    some = pixels[::3, ::3] if min(pixels.shape[:2]) >= 64 else pixels
    return some.astype(np.float32) / np.float32(255 if pixels.dtype == np.uint8 else 1)
