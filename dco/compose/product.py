"""The product: its exact pixels at a new size, the shadow it throws, and the proof that nothing changed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, minimum_filter

from dco.compose.colour import Bytes, Floats, from_linear, to_linear

_OPAQUE = 8
"""Alpha at or below this is dust around a cut-out, not product."""


def trim(picture: Bytes) -> Bytes:
    """The picture cut to what shows: uint8[h, w, 4]."""
    alpha = picture[..., 3] > _OPAQUE
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def resample(picture: Bytes, width: int, height: int) -> Bytes:
    """RGBA at another size, once: bicubic with area support, in linear light, on premultiplied colour.

    Linear light keeps fine bright detail as bright as it was; premultiplying keeps the colour hidden under
    transparent pixels out of the edge.
    """
    if picture.shape[:2] == (height, width):
        return picture.copy()
    alpha = picture[..., 3].astype(np.float32) / 255
    light = to_linear(picture[..., :3]) * alpha[..., None]
    planes = np.stack([light[..., 0], light[..., 1], light[..., 2], alpha]).astype(np.float32)
    sized = np.stack([_resize(plane, width, height) for plane in planes], axis=-1)
    cover = np.clip(sized[..., 3:], 0, 1)
    colour = from_linear(sized[..., :3] / np.maximum(cover, 1 / 512))
    return np.concatenate([colour, np.round(cover * 255).astype(np.uint8)], axis=-1)


def _resize(plane: Floats, width: int, height: int) -> Floats:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0))


def solid(pixels: Bytes, reach: int = 1) -> NDArray[np.bool_]:
    """Where a picture is opaque for `reach` pixels on all sides: bool[h, w]. There, no other pixel may show."""
    return minimum_filter(pixels[..., 3], size=2 * reach + 1, mode="constant", cval=0) == 255


def blend(ground: Bytes, pixels: Bytes, x: int, y: int, *, linear: bool) -> None:
    """Lay straight-alpha pixels over the ground, in place; opaque ones are copied, not computed.

    Soft edges mix in linear light for photographs. Type mixes in sRGB, which keeps the weight the
    typeface was drawn for.
    """
    under = ground[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    alpha = pixels[..., 3]
    whole, part = alpha == 255, (alpha > 0) & (alpha < 255)
    under[whole] = pixels[whole, :3]
    a = alpha[part].astype(np.float32)[:, None] / 255
    if linear:
        under[part] = from_linear(to_linear(under[part]) * (1 - a) + to_linear(pixels[part, :3]) * a)
    else:
        mixed = under[part].astype(np.float32) * (1 - a) + pixels[part, :3].astype(np.float32) * a
        under[part] = np.round(mixed).astype(np.uint8)


def max_abs_diff(raster: Bytes, pixels: Bytes, x: int, y: int) -> int:
    """Largest difference, in bytes, between an ad and the product's own pixels inside its eroded alpha."""
    inside = solid(pixels)
    shown = raster[y : y + pixels.shape[0], x : x + pixels.shape[1]][inside].astype(np.int16)
    return int(np.abs(shown - pixels[inside, :3]).max(initial=0))


@dataclass(frozen=True)
class Stance:
    """How a product meets the ground, read from its outline.

    Attributes:
        stands: False for what hangs, leans on a corner or lies flat: it gets a drop shadow, no contact.
        left, right: the part of its width that touches the ground, as fractions.
    """

    stands: bool
    left: float
    right: float


def stance(product: Bytes) -> Stance:
    """Read the stance of a trimmed product from the lowest 5 % of its outline.

    >>> block = np.full((100, 60, 4), 255, np.uint8)
    >>> stance(block)
    Stance(stands=True, left=0.0, right=1.0)
    """
    alpha = product[..., 3] > 128
    height, width = alpha.shape
    foot = alpha[round(height * 0.95) :].any(0)
    columns = np.flatnonzero(foot)
    if not columns.size:
        return Stance(False, 0.3, 0.7)
    left, right = columns[0] / width, (columns[-1] + 1) / width
    broad = foot.sum() / width >= 0.34
    under_weight = left <= np.average(np.arange(width), weights=alpha.sum(0)) / width <= right
    return Stance(bool(broad and under_weight), float(left), float(right))


def shadow(pixels: Bytes, x: int, y: int, shape: tuple[int, int], how: Stance) -> Floats:
    """Shadow of a placed product, float32[h, w] in [0, 1]: how much of the ground's light it takes.

    A standing product gets a dark, tight line where it touches and a wide, faint pool around it; any other a soft
    copy of its outline, lower and larger.
    """
    out = np.zeros(shape, np.float32)
    tall, wide = pixels.shape[:2]
    if how.stands:
        left, right = x + how.left * wide, x + how.right * wide
        middle, half, ground = (left + right) / 2, (right - left) / 2, y + tall
        reach = max(wide, tall * 0.6)
        _pool(out, middle, ground - 0.02 * reach, half * 1.32 + 0.06 * reach, 0.11 * reach, 0.44, 2.0)
        _pool(out, middle, ground - 0.015 * reach, half * 1.1, 0.042 * reach, 0.6, 3.0)
        _contact(out, pixels, x, y, max(1.5, 0.012 * reach))
        return out
    return _drop(out, pixels, x, y)


def _pool(out: Floats, cx: float, cy: float, rx: float, ry: float, dark: float, steep: float) -> None:
    """An elliptic shadow with a soft rim, darkest in the middle, joined to what is there."""
    rx, ry = max(rx, 2.0), max(ry, 1.5)
    rows = slice(max(0, int(cy - ry) - 1), max(0, int(cy + ry) + 2))
    columns = slice(max(0, int(cx - rx) - 1), max(0, int(cx + rx) + 2))
    part = out[rows, columns]
    v = np.arange(rows.start, rows.start + part.shape[0], dtype=np.float32)[:, None] + 0.5 - cy
    u = np.arange(columns.start, columns.start + part.shape[1], dtype=np.float32)[None, :] + 0.5 - cx
    near = np.clip(1 - (u / rx) ** 2 - (v / ry) ** 2, 0, 1)
    amount = dark * np.where(near > 0, 1 - (1 - near) ** (steep / 2), 0) * near**0.5
    part[:] = 1 - (1 - part) * (1 - amount.astype(np.float32))


def _contact(out: Floats, pixels: Bytes, x: int, y: int, reach: float) -> None:
    """The line where no light gets under: darkest at the outline's lower edge, column by column, gone within pixels."""
    solid_part = pixels[..., 3] > 128
    tall = solid_part.shape[0]
    lowest = tall - np.argmax(solid_part[::-1], axis=0)
    near = np.where(solid_part.any(0), np.exp(-(((tall - lowest) / (2.5 * reach)) ** 2)), 0).astype(
        np.float32
    )
    rows = slice(max(0, y + tall - round(4 * reach)), min(out.shape[0], y + tall + round(5 * reach)))
    part = out[rows, x : x + solid_part.shape[1]]
    below = (
        np.arange(rows.start, rows.start + part.shape[0], dtype=np.float32)[:, None] + 0.5 - y - lowest[None]
    )
    amount = 0.62 * near[None] * np.where(below > -2, np.exp(-np.maximum(below, 0) / reach), 0)
    part[:] = 1 - (1 - part) * (1 - amount.astype(np.float32))


def _drop(out: Floats, pixels: Bytes, x: int, y: int) -> Floats:
    tall, wide = pixels.shape[:2]
    reach = max(2.0, 0.035 * max(tall, wide))
    # A quarter of the resolution is plenty for a blur of this width, and sixteen times as quick.
    step = max(1, int(reach // 3))
    pad = round(3 * reach)
    mask = np.pad(pixels[::step, ::step, 3].astype(np.float32) / 255, -(-pad // step))
    mask = gaussian_filter(mask, reach / step)
    big = Image.fromarray(mask).resize(
        (mask.shape[1] * step, mask.shape[0] * step), Image.Resampling.BILINEAR
    )
    soft = np.asarray(big)
    border = -(-pad // step) * step
    top, left = y - border + round(1.1 * reach), x - border
    r0, c0 = max(0, top), max(0, left)
    r1, c1 = min(out.shape[0], top + soft.shape[0]), min(out.shape[1], left + soft.shape[1])
    if r1 > r0 and c1 > c0:
        out[r0:r1, c0:c1] = 0.5 * np.clip(soft[r0 - top : r1 - top, c0 - left : c1 - left], 0, 1)
    return out
