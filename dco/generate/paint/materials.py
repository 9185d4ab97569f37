"""What a product stands on: wood, marble, stone, concrete, terrazzo, linen, metal, seen in perspective.

A material is a function of places on a plane, so that the same board lies under a table scene, a ledge and a podium.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from dco.generate.paint import finishes
from dco.generate.paint.canvas import Array, Stage, Window, over
from dco.generate.paint.planes import Plane, below, flat, level, part, texture

__all__ = ["MATERIALS", "Plane", "edge_light", "flat", "ledge", "level", "polish", "surface", "texture"]


class Material(NamedTuple):
    """How a material is painted, and how much of what stands behind it a level surface of it mirrors."""

    paint: Callable[[Stage, Plane], Array]
    gloss: float


# Plaster is not in the vocabulary: it is what sets are built of where no material is asked for.
MATERIALS: Mapping[str, Material] = {
    "wood": Material(finishes.wood, 0.1),
    "marble": Material(finishes.marble, 0.24),
    "stone": Material(finishes.stone, 0.06),
    "concrete": Material(finishes.concrete, 0.05),
    "terrazzo": Material(finishes.terrazzo, 0.14),
    "linen": Material(finishes.linen, 0.0),
    "metal": Material(finishes.metal, 0.34),
    "plaster": Material(finishes.plaster, 0.05),
}


def surface(s: Stage, material: str, plane: Plane) -> Array:
    """The colour of a material over a plane, float32[3, height, width], lit by the stage's light.

    Rows above the plane's top, where it does not show, repeat its first row.
    """
    inside, seen = below(s, plane)
    # One draw whatever the material, so that asking for another moves nothing that is painted afterwards.
    shown = MATERIALS[material].paint(inside.fork(f"surface {s.key()}"), seen)
    # Light falls off away from the sun's side, the more the harder it is.
    fall = 0.07 + 0.1 * s.drama + 0.05 * s.gold
    shown *= 1 - np.float32(fall) * (1 - inside.u * np.float32(s.sun))
    if s.dim:
        _key_light(inside, shown)
    if not plane.top:
        return shown
    out = np.empty((3, s.height, s.width), np.float32)
    out[:, plane.top :], out[:, : plane.top] = shown, shown[:, :1]
    return out


def _key_light(s: Stage, shown: Array) -> None:
    """The pool of a low key around the product's place, in place, and the palette's hue in the shade beside it."""
    pool = np.exp(-(((s.u - s.focus_u) / np.float32(0.6)) ** 2))
    hue = np.maximum(s.mid0 / max(float(s.mid0.max()), 0.05), 0.25) ** np.float32(0.35 * s.dim)
    shown *= (hue[:, None, None] * (1 - pool) + pool) * (1 + np.float32(s.dim) * (pool - np.float32(0.4)))


def polish(s: Stage, picture: Array, edge_y: float, material: str, until_y: float | None = None) -> None:
    """Mirror what is painted above `edge_y` softly in the level surface below it, in place, as far as its gloss goes.

    The mirror image fades towards the viewer, as a surface reflects less the steeper it is looked at.
    """
    gloss = MATERIALS[material].gloss * (1 + 0.9 * s.dim)  # what is dim itself shows more of its mirror image
    first = int(np.clip(round((edge_y + s.half_h) / s.pixel), 1, s.height))
    last = (
        s.height if until_y is None else int(np.clip(round((until_y + s.half_h) / s.pixel), first, s.height))
    )
    if not gloss or last <= first:
        return
    rows = first - 1 - np.arange(last - first)
    image = _blurred(picture[:, np.maximum(rows, 0)], max(1, round(0.06 / s.pixel)), 2)
    image = _blurred(image, max(1, round(0.05 / s.pixel)), 1)
    gone = (s.y[first:last] - edge_y) / np.float32(0.55)
    over(picture[:, first:last], gloss * (0.35 + 1.3 * np.exp(-(gone**2))), image)


def edge_light(s: Stage, picture: Array, edge_y: float, amount: float = 0.35) -> None:
    """The thin light that catches the edge of a table at `edge_y`, in place."""
    rim = np.exp(-(((s.y - edge_y - 0.006) / max(0.007, 0.8 * s.pixel)) ** 2))
    near = np.exp(-(((s.u - s.focus_u) / 0.55) ** 2))
    shine = amount * (0.7 + 0.3 * s.u * s.sun) * (1 + np.float32(1.6 * s.dim) * (near - 0.35))
    over(picture, rim * shine, (s.light * 0.6 + 0.4) * (1 - 0.5 * s.dim))


def ledge(s: Stage, picture: Array) -> None:
    """A ledge of the stage's material across the foreground, in place, for scenes without a surface of their own.

    A slab: its top from about three quarters of the height down, then a crisp edge and the front in shade.
    """
    back, front = s.at_v(s.draw(0.755, 0.8)), s.at_v(s.draw(0.945, 0.965))
    plane = level(s, back, 0.8)
    top = surface(s, s.material, plane)
    over(picture, np.exp(-np.maximum(back - s.y, 0) / 0.05) * 0.22, s.deep)
    over(picture, s.edge(s.y - back), top)
    polish(s, picture, back, s.material, front)
    edge_light(s, picture, back, 0.22)
    nearness = 0.8 / (front - back + 0.35 * 0.8)
    _front(s, picture, front, nearness)


def _front(s: Stage, picture: Array, front: float, nearness: float) -> None:
    """The upright face of the slab, in shade; `nearness` units of the material fill one of the picture there."""
    row = int(np.clip(np.searchsorted(s.y[:, 0], front - s.pixel), 0, s.height - 1))
    window = Window((slice(None), slice(row, None), slice(None)), s.x, s.y[row:])
    inside = part(s, window)
    deep = np.broadcast_to(window.y * np.float32(-nearness), (inside.height, inside.width))
    upright = Plane(s.x * np.float32(nearness), deep, np.full((1, 1), s.pixel * nearness, np.float32))
    down = np.clip((window.y - front) / np.float32(0.25), 0, 1)
    face = surface(inside, s.material, upright) * (0.66 - 0.3 * down)
    over(picture[window.cut], s.edge(window.y - front), face)
    edge_light(s, picture, front - 0.006, 0.45)


def _blurred(image: Array, reach: int, axis: int) -> Array:
    """Running mean over 2 reach + 1 places, with the border repeated."""
    width = [(0, 0)] * 3
    width[axis] = (reach + 1, reach)
    sums = np.cumsum(np.pad(image, width, mode="edge"), axis, dtype=np.float32)
    span, n = 2 * reach + 1, image.shape[axis]
    ends = np.arange(n)
    return (sums.take(ends + span, axis) - sums.take(ends, axis)) / np.float32(span)
