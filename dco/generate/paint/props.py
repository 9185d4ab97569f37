"""Solid things to put on a set: round blocks, boxes, balls, and the shadows they cast away from the sun's side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Stage, Window, ellipse, mix, over, soft
from dco.generate.paint.materials import Plane, surface
from dco.generate.paint.planes import part

FLATTEN = 0.22
"""Height over width of a level circle at the distance of a product shot."""


class Block(NamedTuple):
    """A round block: radius and height in units, the centre of its top at (x, top)."""

    x: float
    top: float
    radius: float
    height: float


def shadow(s: Stage, picture: Array, x: float, y: float, radius: float, length: float, amount: float) -> None:
    """The shadow of something round that stands at (x, y) on a level floor: dark at its foot, softer away from it."""
    ry = radius * FLATTEN
    w = s.window(x - s.sun * length / 2, y, length / 2 + radius * 2.2, radius + length * 0.3)
    if not (w.x.size and w.y.size):
        return
    ex, ey = np.float32(-s.sun * length), np.float32(-length * 0.1 / FLATTEN)
    dx, dy = w.x - np.float32(x), (w.y - np.float32(y)) / np.float32(FLATTEN)
    t = np.clip((dx * ex + dy * ey) / (ex * ex + ey * ey + np.float32(1e-6)), 0, 1)
    gone = np.hypot(dx - t * ex, dy - t * ey) - np.float32(radius)
    blur = 0.05 + 0.3 * t * max(length, 0.2)
    cast = soft(-gone / blur, 1.0) * (1 - 0.75 * t) * amount
    touch = (
        np.exp(np.maximum(np.hypot(dx, dy) - np.float32(radius), 0) / np.float32(-0.6 * ry)) * amount * 0.6
    )
    over(picture[w.cut], np.maximum(cast, touch), s.deep * 0.9)


def cylinder(s: Stage, picture: Array, block: Block, tone: Array, material: str = "plaster") -> None:
    """A round block lit from the sun's side, with a soft bright rim; painted of `material`, or in `tone` of plaster."""
    x, top, rx, tall = block
    ry = rx * FLATTEN
    w = s.window(x, top + tall / 2, rx * 1.02 + s.pixel, tall / 2 + ry + s.pixel)
    if not (w.x.size and w.y.size):
        return
    seen = picture[w.cut]
    t = np.clip((w.x - np.float32(x)) / np.float32(rx), -1, 1)
    lid = ellipse(w, x, top, rx, ry)
    column = s.edge(rx - np.abs(w.x - x)) * s.edge(w.y - top) * (w.y < top + tall)
    body = np.maximum(column, s.edge(ellipse(w, x, top + tall, rx, ry)) * (w.y >= top + tall))
    facing = np.sqrt(np.maximum(1 - t * t, 0)) * np.float32(0.62) + t * np.float32(0.78 * s.sun)
    lit = 0.46 + 0.5 * soft(facing - 0.15, 0.5) + 0.06 * np.clip(-t * s.sun - 0.6, 0, 1)
    down = np.clip((w.y - top) / np.float32(max(tall + ry, 0.05)), 0, 1)
    side, face = _faces(s, w, block, tone, material)
    lit = lit * (1 - 0.2 * down)
    over(seen, body, side * lit + (s.deep * 0.22)[:, None, None] * (1 - lit))
    over(seen, s.edge(lid), face * (1.0 + 0.07 * t * s.sun))
    rim = np.exp(-((lid / max(0.007, 0.9 * s.pixel)) ** 2)) * (w.y > top - 0.2 * ry)
    over(seen, rim * (0.35 + 0.3 * t * s.sun), (s.light * 0.5 + 0.5) * (1 - 0.4 * s.dim))


def _faces(s: Stage, w: Window, block: Block, tone: Array, material: str) -> tuple[Array, Array]:
    """Colours of side and top."""
    if material == "plaster":
        return tone[:, None, None], tone[:, None, None] * 1.04
    x, top, rx, _ = block
    inside = part(s, w)
    shape = (inside.height, inside.width)
    t = np.clip((w.x - np.float32(x)) / np.float32(rx), -0.999, 0.999)
    around = np.broadcast_to(np.arcsin(t) * np.float32(rx * 1.4), shape)
    upright = Plane(
        around, np.broadcast_to(w.y * np.float32(-1.4), shape), np.full((1, 1), 1.4 * s.pixel, np.float32)
    )
    deep = np.broadcast_to((w.y - np.float32(top)) * np.float32(-1.4 / FLATTEN), shape)
    footprint = np.full((1, 1), s.pixel * 1.4 / FLATTEN, np.float32)
    lying = Plane(
        (w.x - np.float32(x)) * np.float32(1.4), deep, footprint, np.full((1, 1), s.pixel * 1.4, np.float32)
    )
    return surface(inside.fork("side"), material, upright), surface(
        inside.fork("top"), material, lying
    ) * 1.05


def box(
    s: Stage,
    picture: Array,
    left: float,
    right: float,
    top: float,
    base: float,
    tone: Array,
    depth: float = 0.12,
) -> None:
    """A block with its front square to the viewer, vanishing towards the middle of the picture above it."""
    vx, vy = s.focus * 0.4, top - 0.9
    k = 1 - depth

    def back(x: float, y: float) -> tuple[float, float]:
        return vx + (x - vx) * k, vy + (y - vy) * k

    w = s.window((left + right) / 2, (top + base) / 2, (right - left) / 2 + 0.4, (base - top) / 2 + 0.4)
    if not (w.x.size and w.y.size):
        return
    seen = picture[w.cut]
    inner = left if left > vx else right if right < vx else None
    if inner is not None:
        faces_sun = (inner == left) == (s.sun < 0)
        corners = [(inner, top), back(inner, top), back(inner, base), (inner, base)]
        over(seen, quad(s, w, corners), tone * (0.98 if faces_sun else 0.5))
    across = np.clip((w.x - np.float32(left)) / np.float32(right - left), 0, 1)
    front = tone[:, None, None] * (
        0.74 + 0.05 * s.sun * (2 * across - 1) - 0.1 * (w.y - top) / max(base - top, 0.1)
    )
    over(seen, quad(s, w, [(left, top), (right, top), (right, base), (left, base)]), front)
    over(seen, quad(s, w, [(left, top), (right, top), back(right, top), back(left, top)]), tone * 1.06)
    rim = np.exp(-(((w.y - np.float32(top)) / max(0.006, 0.8 * s.pixel)) ** 2))
    rim = rim * soft(w.x - left, s.pixel) * soft(right - w.x, s.pixel)
    over(seen, rim * 0.35, (s.light * 0.5 + 0.5) * (1 - 0.4 * s.dim))


def quad(s: Stage, w: Window, points: Sequence[tuple[float, float]]) -> Array:
    """Coverage of a convex polygon, corners in order."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))
    sign = 1.0 if area > 0 else -1.0
    inside = np.full((w.y.shape[0], w.x.shape[1]), 9, np.float32)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        size = max(float(np.hypot(bx - ax, by - ay)), 1e-6)
        nx, ny = np.float32(-(by - ay) * sign / size), np.float32((bx - ax) * sign / size)
        inside = np.minimum(inside, (w.x - np.float32(ax)) * nx + (w.y - np.float32(ay)) * ny)
    return np.asarray(s.edge(inside), np.float32)


def ball(
    s: Stage, picture: Array, x: float, y: float, radius: float, tone: Array, gloss: float = 0.5
) -> None:
    """A ball lit from above on the sun's side, with light coming back from the floor."""
    w = s.window(x, y, radius + 2 * s.pixel)
    if not (w.x.size and w.y.size):
        return
    dx, dy = (w.x - np.float32(x)) / np.float32(radius), (w.y - np.float32(y)) / np.float32(radius)
    r2 = dx * dx + dy * dy
    dz = np.sqrt(np.maximum(1 - r2, 0))
    facing = 0.55 * s.sun * dx - 0.62 * dy + 0.56 * dz
    lit = 0.36 + 0.66 * soft(facing - 0.25, 0.55) + 0.14 * np.clip(dy, 0, 1) ** 2
    colours = mix(tone * 0.0, tone, lit)
    spot = np.exp(-((dx - 0.38 * s.sun) ** 2 + (dy + 0.42) ** 2) / np.float32(0.05))
    over(colours, spot * gloss, s.light * 0.4 + 0.6)
    over(picture[w.cut], s.edge((1 - np.sqrt(r2)) * radius), colours)
