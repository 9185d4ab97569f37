"""How alike pictures are: near-duplicates by aligned thumbnails, and how well a set holds together.

A perceptual hash of 64 bits forgives a JPEG but not a crop, and cannot tell a crop from another seed of the same scene.
Here two thumbnails in L*a*b* are laid over each other at every small shift and enlargement, and the
best fit counts: exhaustive template matching (Brunelli 2009, Template Matching Techniques), cheap at this size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from dco.generate.gates._lab import lab

GRID = 36
"""Side of a thumbnail; every picture is squeezed to a square."""

PART = 27
"""Side of the part of one thumbnail that is looked for in the other: shifts of up to an eighth of the side are found."""

SIDES = (24, 25, 26, 27, 28, 29, 30)
"""Sides to which that part is resized: crops that cut away up to a tenth are found."""

SMOOTH = 1.5
"""Standard deviation, in thumbnail pixels, of the blur both are compared under: what is left of a misalignment by part of a
pixel would otherwise outweigh the difference between two seeds of one scene."""

APART = 8.0
"""Mean colours farther apart than this (dE) belong to different pictures; no fit is tried."""

_SHADES = np.linspace(0.02, 0.98, 17)

Thumb = NDArray[np.uint8]
"""uint8[36, 36, 3], sRGB."""


def thumb(pixels: NDArray[np.uint8]) -> Thumb:
    """The thumbnail that two pictures are compared by."""
    image = Image.fromarray(pixels).resize((GRID, GRID), Image.Resampling.BOX, reducing_gap=None)
    return np.array(image)


def misfit(a: Thumb, b: Thumb) -> float:
    """How far two pictures are from being one: root mean square dE after the best alignment, in units of the pictures'
    own variation. Copies of a picture are near 0; unrelated ones at 1 and beyond; infinite where colours exclude it."""
    one, other = (gaussian_filter(_values(t), (SMOOTH, SMOOTH, 0)) for t in (a, b))
    if np.linalg.norm(one.mean((0, 1)) - other.mean((0, 1))) > APART:
        return float("inf")
    # A flat picture varies by less than its noise: half a dE keeps two blank walls from being told apart by nothing.
    unit = max(0.5, float(np.sqrt(one.var((0, 1)).sum() * other.var((0, 1)).sum()) ** 0.5))
    edge = (GRID - PART) // 2
    centre = other[edge : edge + PART, edge : edge + PART]
    return min(_fit(one, _resized(centre, side)) for side in SIDES) / unit


@dataclass(frozen=True)
class Consistency:
    """How well a set of pictures holds together.

    `spread` is the mean distance between two of them in dE (the distance of their colour distributions, averaged over
    L*, a* and b*); `each` the mean distance of each to the rest.
    """

    spread: float
    each: tuple[float, ...]

    def outliers(self, limit: float) -> tuple[int, ...]:
        """Which pictures are farther from the rest than the limit, and than three times what is usual here."""
        usual = float(np.median(self.each)) if self.each else 0.0
        return tuple(i for i, d in enumerate(self.each) if d > limit and d > 3 * usual)


def consistency(thumbs: Sequence[Thumb]) -> Consistency:
    """Distances of colour distributions within a set: the 1-Wasserstein distance of L*, a* and b* between every two.

    It is the seed of a brand's look: reported, and of use as a gate only against a picture from another world.
    """
    if len(thumbs) < 2:
        return Consistency(0.0, (0.0,) * len(thumbs))
    shades = np.stack([np.quantile(_values(t).reshape(-1, 3), _SHADES, axis=0) for t in thumbs])
    apart = np.abs(shades[:, None] - shades[None]).mean((2, 3))
    each = apart.sum(1) / (len(thumbs) - 1)
    return Consistency(float(each.mean()), tuple(float(v) for v in each))


def _values(small: Thumb) -> NDArray[np.float32]:
    return lab(small.astype(np.float32) / 255)


def _fit(whole: NDArray[np.float32], part: NDArray[np.float32]) -> float:
    """Least root mean square dE of `part` laid over `whole` anywhere."""
    windows = sliding_window_view(whole, part.shape[:2], axis=(0, 1))  # type: ignore[call-overload]
    n = part.shape[0] * part.shape[1]
    cross = np.einsum("yxcij,ijc->yx", windows, part, optimize=True)
    squares = np.pad((whole * whole).sum(2).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    side = part.shape[0]
    inside = squares[side:, side:] - squares[:-side, side:] - squares[side:, :-side] + squares[:-side, :-side]
    apart = inside - 2 * cross + float((part * part).sum())
    return float(np.sqrt(max(0.0, float(apart.min())) / n))


def _resized(part: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    if part.shape[0] == side:
        return part
    planes = [_plane(part[..., c]).resize((side, side), Image.Resampling.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(p, np.float32) for p in planes], axis=2)


def _plane(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(values, np.float32))
