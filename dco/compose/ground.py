"""What lies under product and type: the backdrop cut to size, and a scrim where the words could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from dco.compose.colour import Bytes, Floats, contrast, luminance, luminance_of, rgb, worst_contrast
from dco.compose.kit import Kit
from dco.compose.product import solid
from dco.compose.rooms import Plan, Rect
from dco.compose.sizes import AdSize
from dco.compose.spot import GROUND, Side, across

WANTED = 4.8
"""Contrast aimed at, a little above the 4.5 that is demanded, so that rounding never decides."""
_MOST = 0.96
_CLOSEST, _DRAWN = 1.65, 1.7
"""How far a cut closes in on the product's place, and how far it draws out the ground before it, at most."""


def cut(backdrop: Bytes, size: AdSize, made: Plan, side: Side) -> tuple[Bytes, float]:
    """The backdrop cut and sized to an ad: uint8[h, w, 3], and ad pixels per backdrop pixel.

    The cut brings the place where the scene lets a product stand under the product's foot: it moves, closes in where there are
    pixels to spare, and, where ground below is what lacks, draws the nearest ground out. A banner shows too little of a
    scene to stand on and takes the middle.
    """
    tall, wide = backdrop.shape[:2]
    scale = max(size.width / wide, size.height / tall)
    middle = (made.product.x + made.product.w / 2) / size.width
    aim = across(side, wide, tall)
    if size.family != "banner":
        part = size.width / scale / wide
        closer = part / min(aim / middle, (1 - aim) / (1 - middle))
        scale = max(scale, min(scale * min(closer, _CLOSEST), 1.0))
    w, h = size.width / scale, size.height / scale
    left = min(max(aim * wide - middle * w, 0.0), wide - w)
    foot = made.product.bottom / size.height
    room = tall - h
    top = 0.56 * room if size.family == "banner" else GROUND * tall - foot * h
    stretch = 1.0
    if top > room:
        # The ground below the foot is shorter in the backdrop than in the ad.
        stretch = min((1 - foot) * h / ((1 - GROUND) * tall), _DRAWN)
        top = tall - (1 - foot) * h / stretch - foot * h
    top = max(top, 0.0)
    box = (left, top, min(float(wide), left + w), min(float(tall), top + h * (foot + (1 - foot) / stretch)))
    high = round(size.height * (foot + (1 - foot) / stretch))
    image = Image.fromarray(np.ascontiguousarray(backdrop))
    sized = np.array(image.resize((size.width, high), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0))
    return _drawn_out(sized, size.height, foot), scale


def _drawn_out(picture: Bytes, height: int, foot: float) -> Bytes:
    """The picture made `height` pixels high by drawing out what lies below `foot`, a part of that height."""
    if picture.shape[0] == height:
        return picture
    start = min(round(foot * height), picture.shape[0] - 2)
    rows = np.linspace(start, picture.shape[0] - 1, height - start)
    low = np.minimum(rows.astype(int), picture.shape[0] - 2)
    weight = (rows - low).astype(np.float32)[:, None, None]
    below = picture[low] * (1 - weight) + picture[low + 1] * weight
    return np.concatenate([picture[:start], np.round(below).astype(np.uint8)])


def quiet(ground: Bytes, rect: Rect) -> Bytes:
    """The ground softened, as if out of focus, where it is too restless for the logo that stands there alone."""
    amount = _restlessness(ground, [rect])
    if amount <= 0:
        return ground
    air = max(4, round(0.9 * rect.h))
    top, left = max(0, int(rect.y) - 2 * air), max(0, int(rect.x) - 2 * air)
    part = slice(top, round(rect.bottom) + 2 * air), slice(left, round(rect.right) + 2 * air)
    sharp = ground[part].astype(np.float32)
    soft = np.stack([gaussian_filter(sharp[..., c], 0.7 * rect.h) for c in range(3)], axis=-1)
    x = np.arange(sharp.shape[1], dtype=np.float32) + left + 0.5
    y = np.arange(sharp.shape[0], dtype=np.float32) + top + 0.5
    away_x = np.maximum(np.maximum(rect.x - x, x - rect.right), 0)[None, :]
    away_y = np.maximum(np.maximum(rect.y - y, y - rect.bottom), 0)[:, None]
    t = np.clip(1 - np.hypot(away_x, away_y) / (1.6 * air), 0, 1)[..., None]
    out = ground.copy()
    out[part] = np.round(sharp + (soft - sharp) * (t * t * (3 - 2 * t) * min(1.0, 3 * amount)))
    return out


@dataclass(frozen=True)
class Reading:
    """How words are made readable: their colour, and the scrim's colour and strength in [0, 1]; 0 is none."""

    ink: str
    veil: tuple[float, float, float]
    strength: float
    calm: float


def read(ground: Bytes, rects: Sequence[Rect], kit: Kit) -> Reading:
    """Ink or paper, whichever the backdrop carries with the weaker scrim; at equal strength, the clearer one."""
    parts = [patch(ground, r).reshape(-1, 3) for r in rects]
    parts = [part[:: max(1, len(part) // 6_000)] for part in parts]
    pixels = np.concatenate(parts)
    mean = pixels.mean(0)
    found = []
    for role in ("paper", "ink"):
        colour = kit.colors[role]
        veil = _veil(mean, kit, light=role == "ink", ink=colour)
        strength = max(_needed(part, colour, veil) for part in parts)
        typical = float(np.median(contrast(luminance(pixels), luminance_of(colour))))
        found.append((round(strength, 2), -typical, Reading(colour, veil, strength, 0.0)))
    best = min(found, key=lambda f: (f[0], f[1]))[2]
    return Reading(best.ink, best.veil, best.strength, _restlessness(ground, rects))


def patch(ground: NDArray[Any], rect: Rect, air: int = 0) -> NDArray[Any]:
    """The pixels of a rectangle, with some air around it, as far as they lie in the ad."""
    x0, y0 = max(0, int(rect.x) - air), max(0, int(rect.y) - air)
    return ground[y0 : max(y0 + 1, round(rect.bottom) + air), x0 : max(x0 + 1, round(rect.right) + air)]


def scrim(ground: Bytes, made: Plan, reading: Reading) -> Bytes:
    """Quieten and tone the ground where the words stand, fading towards the product."""
    if reading.strength <= 0 and reading.calm <= 0:
        return ground
    field = _field(made, ground.shape[0], ground.shape[1])
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    field = field[part][..., None]
    toned = ground[part].astype(np.float32)
    if reading.calm > 0:
        soft = _blurred(ground)[part]
        soft -= toned
        soft *= field * np.float32(reading.calm)
        toned += soft
    if reading.strength > 0:
        weight = field * np.float32(reading.strength)
        toned *= 1 - weight
        toned += weight * np.array(reading.veil, np.float32)
    out = ground.copy()
    out[part] = np.rint(toned, out=toned).astype(np.uint8)
    return out


def set_off(ground: Bytes, pixels: Bytes, x: int, y: int) -> Bytes:
    """A light, or shade, behind a product whose outline would drown in the backdrop; else the ground itself.

    The light has the colour of the scene's own and follows the outline, as a lamp behind the product would draw it,
    and ends at the foot. The product's own pixels are never lightened: the scene around it is.
    """
    rim = (pixels[..., 3] > 200) & ~solid(pixels, reach=max(2, min(pixels.shape[:2]) // 40))
    if not rim.any():
        return ground
    own = luminance(pixels[rim, :3])
    behind = luminance(ground[y : y + pixels.shape[0], x : x + pixels.shape[1]][rim])
    lost = float((contrast(own, behind) < 1.6).mean())
    if lost < 0.25:
        return ground
    dark = float(np.median(own)) < 0.35
    amount = min(1.0, lost / 0.6) * (0.85 if dark else 0.4)
    glow = np.float32(amount) * _halo(pixels[..., 3], x, y, ground.shape[:2])[..., None]
    light = _scene_light(ground) if dark else 0.5 * ground.reshape(-1, 3)[::97].mean(0, dtype=np.float32)
    out = ground.astype(np.float32)
    return np.round(out + (light.astype(np.float32) - out) * glow).astype(np.uint8)


def _scene_light(ground: Bytes) -> Floats:
    """Colour of the scene's brightest fifteenth, brought to a lamp's brightness: float32[3]."""
    pixels = ground.reshape(-1, 3)[::97]
    bright = luminance(pixels)
    colour = pixels[bright >= np.percentile(bright, 93)].mean(0, dtype=np.float32)
    lifted = colour * min(3.0, 190 / max(float(colour.max()), 1.0)) if colour.max() < 190 else colour
    return np.asarray(0.85 * lifted + 0.15 * 190, np.float32)


def _halo(alpha: Bytes, x: int, y: int, shape: tuple[int, ...]) -> Floats:
    """How much light a lamp behind an outline lends to each pixel around it: float32[h, w], at most 1."""
    step = max(1, min(shape) // 200)
    tall, wide = -(-shape[0] // step), -(-shape[1] // step)
    part = alpha[::step, ::step].astype(np.float32) / 255
    top, left = y // step, x // step
    part = part[: tall - top, : wide - left]
    mask = np.zeros((tall, wide), np.float32)
    mask[top : top + part.shape[0], left : left + part.shape[1]] = part
    reach = max(alpha.shape) / step
    near, far = (gaussian_filter(mask, k * reach, mode="constant") for k in (0.035, 0.12))
    down = (np.arange(tall, dtype=np.float32) * step - y) / alpha.shape[0]
    ends = np.clip((0.98 - down) / 0.3, 0, 1)[:, None]
    field = np.clip(0.42 * near + 0.75 * far, 0, 1) * ends
    image = Image.fromarray(np.ascontiguousarray(field, np.float32)).resize(
        (wide * step, tall * step), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(image, np.float32)[: shape[0], : shape[1]], 0, 1)


def _needed(pixels: Bytes, colour: str, veil: tuple[float, float, float]) -> float:
    """The weakest scrim that reaches the contrast wanted, by bisection; the strongest where none does."""
    low, high = 0.0, _MOST
    if worst_contrast(pixels, colour) >= WANTED:
        return 0.0
    for _ in range(7):
        middle = (low + high) / 2
        mixed = pixels + (np.array(veil) - pixels) * middle
        if worst_contrast(np.round(mixed).astype(np.uint8), colour) >= WANTED:
            high = middle
        else:
            low = middle
    return high


def _veil(mean: Floats, kit: Kit, *, light: bool, ink: str) -> tuple[float, float, float]:
    """Colour of the scrim: the backdrop's own hue far darker or lighter, so that it looks like light, not like paint."""
    base = np.array(rgb(kit.colors["paper" if light else "ink"]), float)
    own = 255 - (255 - mean) * 0.18 if light else mean * 0.16
    veil = 0.6 * own + 0.4 * base
    if contrast(luminance(np.round(veil).astype(np.uint8)[None])[0], luminance_of(ink)) < 7:
        veil = base
    return float(veil[0]), float(veil[1]), float(veil[2])


def _blurred(ground: Bytes) -> Floats:
    tall, wide = ground.shape[:2]
    step = max(2, min(tall, wide) // 40)
    image = Image.fromarray(ground)
    small = image.resize((max(2, wide // step), max(2, tall // step)), Image.Resampling.BOX)
    return np.asarray(small.resize((wide, tall), Image.Resampling.BICUBIC), np.float32)


def _restlessness(ground: Bytes, rects: Sequence[Rect]) -> float:
    """How much of the detail under the words should go, in [0, 0.9]: none below 2 % of contrast, most above 6 %."""
    soft = _blurred(ground)
    detail = 0.0
    for rect in rects:
        rough = patch(ground, rect).astype(np.float32) - patch(soft, rect)
        detail = max(detail, float(rough.mean(-1).std()) / 255)
    return float(np.clip((detail - 0.02) / 0.04, 0, 1)) * 0.9


def _field(made: Plan, tall: int, wide: int) -> Floats:
    """1 under the words, fading to 0 over the feather: float32[h, w]."""
    r = made.shade
    x = np.arange(wide, dtype=np.float32) + 0.5
    y = np.arange(tall, dtype=np.float32) + 0.5
    left = 0 if "l" in made.edges else np.maximum(r.x - x, 0)
    right = 0 if "r" in made.edges else np.maximum(x - r.right, 0)
    top = 0 if "t" in made.edges else np.maximum(r.y - y, 0)
    bottom = 0 if "b" in made.edges else np.maximum(y - r.bottom, 0)
    far = np.hypot((left + right + 0 * x)[None, :], (top + bottom + 0 * y)[:, None]) / made.feather
    t = np.clip(1 - far, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
