"""Delta transfer: what the diffusion changed on a small copy, put back onto the sharp native-size render.

The small copy's own reconstruction is subtracted, so the autoencoder's blur cancels; an edge-guided filter (He, Sun
and Tang 2013, Guided image filtering; its subsampled form He and Sun 2015, Fast guided filter) makes the change
follow the render's edges, so that light and haze stop where objects do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

Array = NDArray[np.float32]

BOX = 25 / 6
"""Side of the filter's box, in pixels of the small copy: 25 px where 128 px stand for 768."""

EPS = 2e-3
"""Variance of grey below which the filter sees no edge (values in [0, 1])."""

GRID = 2
"""Grid points per pixel of the small copy on which the filter is solved. The delta knows nothing finer, and the
coefficients are smoothed over a box eight points wide; the edges come from the native-size guide."""

_GREY = np.full((3, 1), 1 / 3, np.float32)


def delta_transfer(render: Array, diffused: Array, reconstruction: Array) -> Array:
    """Add the diffusion's change to the render.

    Args:
        render: float32[height, width, 3] in [0, 1], without grain.
        diffused: float32[h, w, 3], the diffused small copy of it.
        reconstruction: float32[h, w, 3], the small copy sent through the autoencoder and back, not diffused.

    Returns:
        float32[height, width, 3] in [0, 1].
    """
    height, width = render.shape[:2]
    h, w = diffused.shape[:2]
    grid = (min(height, GRID * h), min(width, GRID * w))
    grey = (render.reshape(-1, 3) @ _GREY).reshape(height, width)
    guide = resize(grey, grid, Image.Resampling.BOX)
    delta = resize(
        _with_the_renders_exposure(diffused - reconstruction, reconstruction), grid, Image.Resampling.BICUBIC
    )
    box = (_odd(BOX * grid[0] / h), _odd(BOX * grid[1] / w))
    slope, offset = _coefficients(guide, delta, box)
    out = np.empty_like(render)
    for c in range(3):
        change = resize(slope[:, :, c], (height, width), Image.Resampling.BILINEAR)
        change *= grey
        change += resize(offset[:, :, c], (height, width), Image.Resampling.BILINEAR)
        change += render[:, :, c]
        np.clip(change, 0, 1, out=out[:, :, c])
    return out


def _with_the_renders_exposure(change: Array, reconstruction: Array) -> Array:
    """The change without its mean and without what only scales the render's contrast.

    Palette, exposure and contrast are part of what was asked for: where light lies and how it colours things may change;
    the cast, the brightness and the contrast of the whole picture may not. Held so, palette and light are read back more
    often, gradients keep their strength (1.00 of the render's in place of 0.96), and no other figure moves.
    """
    held: Array = change - change.mean((0, 1))
    grey = reconstruction.mean(2) - reconstruction.mean()
    energy = float((grey * grey).sum())
    if energy > 0:
        held = held - (float((held.mean(2) * grey).sum()) / energy) * grey[..., None]
    return held


def resize(values: Array, size: tuple[int, int], how: Image.Resampling) -> Array:
    """Resample float32[height, width] or float32[height, width, channels] to size = (height, width).

    Shrinking is antialiased; `BOX` is the exact area mean.
    """
    if values.shape[:2] == size:
        return np.array(values, np.float32)
    if values.ndim == 3:
        return np.stack([resize(values[:, :, c], size, how) for c in range(values.shape[2])], axis=2)
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.array(picture.resize((size[1], size[0]), how), np.float32)


def _coefficients(guide: Array, delta: Array, box: tuple[int, int]) -> tuple[Array, Array]:
    """The guided filter's smoothed slope and offset, each float32[h, w, 3]: change = slope * grey + offset."""
    mean_guide = _mean(guide, box)
    variance = _mean(guide * guide, box) - mean_guide * mean_guide
    slopes, offsets = [], []
    for c in range(3):
        d = delta[:, :, c]
        mean_d = _mean(d, box)
        slope = (_mean(guide * d, box) - mean_guide * mean_d) / (np.maximum(variance, 0) + np.float32(EPS))
        slopes.append(_mean(slope, box))
        offsets.append(_mean(mean_d - slope * mean_guide, box))
    return np.stack(slopes, axis=2), np.stack(offsets, axis=2)


def _mean(values: NDArray[Any], box: tuple[int, int]) -> Array:
    return uniform_filter(values, box, mode="reflect")


def _odd(size: float) -> int:
    return max(1, 2 * round((size - 1) / 2) + 1)
