"""Repainting around what must stay: our own compositing after the decoder, at the picture's full size.

A decoder alters the whole picture, also where nothing was to be painted. So the kept pixels never go through it: outside of
the mask they are copied, and at its rim the new picture is laid over them in linear light (Porter and Duff 1984). Loads no
torch: a hosted model's picture, which takes the mask as a hint, is laid around what is kept by the same function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from dco.errors import BadInput
from dco.generate.diffusion.delta import Array
from dco.generate.reference import Reference

RIM = 2.0
"""Width in pixels of the rim of a mask of black and white alone. No wider: what `init` shows just beside a product is the old
backdrop, and would stand around it as a halo. A mask with greys brings its own rim."""

Pixels = NDArray[np.uint8]


def alpha(mask: Pixels, feather: float | None = None) -> Array:
    """How much of the new picture shows: 0 where the mask is black, rising into the white.

    Args:
        mask: uint8[height, width]; white is repainted, grey partly.
        feather: width of the rim in pixels, less than half of one is none; default `RIM`, or none where the mask has greys.

    Returns:
        float32[height, width] in [0, 1]; exactly 0 on every black pixel of the mask.
    """
    wet = mask.astype(np.float32) / np.float32(255)
    width = feather if feather is not None else 0.0 if ((mask > 0) & (mask < 255)).any() else RIM
    if mask.all() or width < 0.5:
        return wet
    # The first white pixel is half a pixel from the border: it already shows a little of the new picture.
    t = np.clip((distance_transform_edt(mask > 0) - 0.5) / width, 0, 1).astype(np.float32)
    return wet * (t * t * (3 - 2 * t))


def composite(init: Pixels, drawn: Array, mask: Pixels, feather: float | None = None) -> Pixels:
    """Lay a drawn picture over `init` where the mask is white.

    Args:
        init: uint8[height, width, 3], sRGB.
        drawn: float32[height, width, 3] in [0, 1], sRGB.
        mask: uint8[height, width].

    Returns:
        uint8[height, width, 3]; bit-identical to `init` wherever the mask is black.
    """
    cover = alpha(mask, feather)
    out = init.copy()
    full, rim = cover == 1, (cover > 0) & (cover < 1)
    out[full] = _to_uint8(drawn[full])
    a = cover[rim][:, None]
    mixed = (1 - a) * linear(init[rim].astype(np.float32) / np.float32(255)) + a * linear(drawn[rim])
    out[rim] = _to_uint8(encoded(mixed))
    return out


def place(backdrop: Pixels, product: Pixels, left: int, top: int) -> tuple[Reference, Reference]:
    """A product on a backdrop, as `init` and `mask` of a request that repaints everything around it.

    Where the product is half transparent, at its rim or in its shadow, `init` has its colour and the mask how much of the
    new backdrop shines through: nothing of the old one stays around it.

    Args:
        backdrop: uint8[height, width, 3]. product: uint8[h, w, 4], alpha not premultiplied.
        left, top: pixels of the product's corner in the backdrop.

    Raises:
        BadInput: the product does not lie wholly in the backdrop, or is no RGBA picture.
    """
    if product.dtype != np.uint8 or product.ndim != 3 or product.shape[2] != 4:
        raise BadInput(f"product: expected uint8[height, width, 4], got {product.dtype}{list(product.shape)}")
    h, w = product.shape[:2]
    height, width = backdrop.shape[:2]
    if not (0 <= left <= width - w and 0 <= top <= height - h):
        raise BadInput(f"product: {w}x{h} at {left},{top} does not lie in the backdrop of {width}x{height}")
    init, mask = backdrop.copy(), np.full((height, width), 255, np.uint8)
    spot = np.s_[top : top + h, left : left + w]
    there = product[:, :, 3] > 0
    init[spot][there] = product[:, :, :3][there]
    mask[spot] = 255 - product[:, :, 3]
    return Reference(init), Reference(mask)


def linear(values: Array) -> Array:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded(values: Array) -> Array:
    """Linear light in [0, 1] to sRGB, the inverse of `linear`."""
    bent = 1.055 * np.maximum(values, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(values <= 0.0031308, values * 12.92, bent).astype(np.float32)


def _to_uint8(values: Array) -> Pixels:
    return np.asarray(np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
