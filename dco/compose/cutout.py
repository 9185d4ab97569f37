"""A product photo without transparency made into something that can stand in an ad, and how that was done."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import skia
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, gaussian_filter, label

from dco.compose.colour import Bytes
from dco.errors import BadPicture

Way = Literal["alpha", "background", "card"]

_FLAT = 14.0
"""Spread of the border, in bytes, up to which a photo has a plain background."""
_FAR = 30.0
"""Distance from the background's colour, in bytes, beyond which a pixel is product."""


class Cutout(NamedTuple):
    """uint8[h, w, 4], and the way taken: its own alpha, a plain background removed, or the whole photo as a card."""

    pixels: Bytes
    way: Way


def cutout(photo: Bytes) -> Cutout:
    """Free a product from its photo.

    Args:
        photo: uint8[h, w, 3] or uint8[h, w, 4].

    Returns:
        'alpha' where the photo is transparent somewhere already; 'background' where its border is of one colour and
        that colour, as far as it is joined to the border, could be removed; else 'card': the photo with rounded corners.

    Raises:
        BadPicture: it is no picture of that form, or smaller than 16 pixels.
    """
    if (
        photo.ndim != 3
        or photo.shape[2] not in (3, 4)
        or photo.dtype != np.uint8
        or min(photo.shape[:2]) < 16
    ):
        raise BadPicture(
            f"product photo: expected uint8[h, w, 3 or 4] of at least 16 pixels, got {photo.dtype}{list(photo.shape)}"
        )
    if photo.shape[2] == 4:
        seen = photo[..., 3] > 127
        if 0.005 < seen.mean() < 0.995:
            return Cutout(photo, "alpha")
        if not seen.any():
            raise BadPicture("product photo: every pixel is transparent")
    plain = np.ascontiguousarray(photo[..., :3])
    freed = _without_background(plain)
    return Cutout(freed, "background") if freed is not None else Cutout(_card(plain), "card")


def _without_background(photo: Bytes) -> Bytes | None:
    """The photo with its plain background made transparent; None where the background is not plain.

    The background is a colour that drifts slowly (studio paper darkens towards a corner), so it is fitted as a plane
    over the border, and only pixels near it that hang together with the border go: white inside a product stays.
    """
    tall, wide = photo.shape[:2]
    rim = max(2, min(tall, wide) // 60)
    border = np.ones((tall, wide), bool)
    border[rim:-rim, rim:-rim] = False
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    terms = np.stack([np.ones_like(x), x / wide, y / tall], axis=-1)
    edge = photo[border].astype(np.float32)
    typical = np.median(edge, axis=0)
    calm = np.abs(edge - typical).max(1) < 3 * _FLAT
    if calm.mean() < 0.85:
        return None
    plane, *_ = np.linalg.lstsq(terms[border][calm], edge[calm], rcond=None)
    distance = np.abs(photo - (terms @ plane).astype(np.float32)).max(-1)
    if float(np.percentile(distance[border], 85)) > _FLAT:
        return None
    regions, _ = label(distance < _FAR)
    joined = np.isin(regions, np.setdiff1d(regions[border], [0]))
    body = _largest_parts(binary_closing(~joined, iterations=1))
    if not 0.02 < body.mean() < 0.95:
        return None
    # Half a pixel tighter than the outline: its last pixel is half background already.
    alpha = np.clip((gaussian_filter(body.astype(np.float32), 0.8) - 0.5) / 0.42, 0, 1)
    return np.concatenate([photo, np.round(alpha * 255).astype(np.uint8)[..., None]], axis=-1)


def _largest_parts(body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask that are at least 2 % of its largest one, without dust."""
    regions, count = label(body)
    if count < 2:
        return body
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    kept: NDArray[np.bool_] = np.isin(regions, np.flatnonzero(sizes >= 0.02 * sizes.max()))
    return kept


def _card(photo: Bytes) -> Bytes:
    """The whole photo as a card with rounded corners and a thin light frame."""
    tall, wide = photo.shape[:2]
    frame = max(2, round(0.022 * min(tall, wide)))
    pixels = np.zeros((tall + 2 * frame, wide + 2 * frame, 4), np.uint8)
    paint = skia.Paint(AntiAlias=True, Color=skia.ColorBLACK)
    radius = 0.05 * min(tall, wide)
    h, w = pixels.shape[:2]
    skia.Surface(pixels).getCanvas().drawRoundRect(skia.Rect.MakeWH(w, h), radius, radius, paint)
    pixels[..., :3] = 252
    inner = np.zeros((tall, wide, 4), np.uint8)
    corner = max(1.0, radius - frame)
    skia.Surface(inner).getCanvas().drawRoundRect(skia.Rect.MakeWH(wide, tall), corner, corner, paint)
    cover = inner[..., 3:].astype(np.float32) / 255
    middle = pixels[frame:-frame, frame:-frame, :3]
    middle[:] = np.round(photo * cover + 252 * (1 - cover)).astype(np.uint8)
    return pixels
