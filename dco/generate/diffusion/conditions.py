"""Pictures for a ControlNet, made from a render: its edges, so that a checkpoint draws the composition we laid out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, sobel

from dco.generate.diffusion.delta import Array

CONDITIONS = ("edges",)
"""What a backend can make by itself; any other condition comes with the request."""

LOW, HIGH = 0.007, 0.02
"""Hysteresis thresholds on the gradient, brightness per pixel at the scale of the blur. A render has neither noise nor the
contrast of a photograph: the usual thresholds would lose its horizons."""


def edges(picture: Array) -> NDArray[np.uint8]:
    """Canny edges (Canny 1986): blur, gradient, thinning across the gradient, two thresholds joined by connection.

    Args:
        picture: float32[height, width, 3] in [0, 1].

    Returns:
        uint8[height, width, 3]: white lines one to two pixels wide on black, as Canny ControlNets are trained with.
    """
    grey = picture.mean(axis=2, dtype=np.float32)
    # One pixel and a half of blur on the 512 px pictures such networks are trained with.
    smooth = gaussian_filter(grey, max(0.8, 1.5 * min(grey.shape) / 512), mode="nearest")
    gy, gx = (sobel(smooth, axis, mode="nearest").astype(np.float32) / np.float32(8) for axis in (0, 1))
    size = np.hypot(gx, gy)
    thin = size * _is_ridge(size, gx, gy)
    groups, count = label(thin > LOW / _spread(grey), structure=np.ones((3, 3), int))
    strong = np.zeros(count + 1, bool)
    strong[np.unique(groups[thin > HIGH / _spread(grey)])] = True
    strong[0] = False
    lines = strong[groups]
    return np.repeat((lines * np.uint8(255))[:, :, None], 3, axis=2)


def _spread(grey: Array) -> float:
    """Gradients are per pixel: the same picture at twice the size has half of them."""
    return max(1.0, min(grey.shape) / 512)


def _is_ridge(size: Array, gx: Array, gy: Array) -> NDArray[np.bool_]:
    """True where a gradient is no smaller than its two neighbours along its own direction, to the nearest 45 degrees."""
    around = np.pad(size, 1, mode="edge")
    sector = np.round(np.arctan2(gy, gx) / (np.pi / 4)).astype(int) % 4
    ridge = np.zeros(size.shape, bool)
    for number, (dy, dx) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        h, w = size.shape
        ahead = around[1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
        behind = around[1 - dy : 1 - dy + h, 1 - dx : 1 - dx + w]
        ridge |= (sector == number) & (size >= ahead) & (size > behind)
    return ridge
