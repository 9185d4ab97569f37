"""What a product stands on: wood, marble, stone, concrete, terrazzo, linen, metal, seen in perspective.

A material is a function of places on a plane, so that the same board lies under a table scene, a ledge and a podium.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dco.generate.canvas import Array, Stage, mix, normal_at, over


@dataclass(frozen=True)
class Plane:
    """Places on a level surface, per pixel: `x` across and `z` into the picture, in units of the surface, and the
    `footprint` of a pixel there (detail finer than it must fade out)."""

    x: Array
    z: Array
    footprint: Array


def level(s: Stage, edge_y: float, height: float = 1.0) -> Plane:
    """The plane of a table whose far edge is at `edge_y` (units) of the picture, seen from `height` above it."""
    horizon = edge_y - 0.35 * height
    z = height / np.maximum(s.y - horizon, 0.05)
    return Plane(s.x * z, np.broadcast_to(z * 2, (s.height, s.width)), s.pixel * z * z)


def texture(s: Stage, plane: Plane, fx: float, fz: float, octaves: int = 4, gain: float = 0.5) -> Array:
    """Smooth noise of about unit variance on a plane, float32[height, width]; fx, fz are cells per unit."""
    total = np.zeros((s.height, s.width), np.float32)
    for octave in range(octaves):
        grow = 2.0**octave
        key = s.key()
        amount = gain**octave * np.clip(1 / (plane.footprint * max(fx, fz) * grow) - 1, 0, 1)
        total += np.asarray(amount * _lattice(key, plane.x * fx * grow, plane.z * fz * grow), np.float32)
    return total / np.float32(np.sqrt(sum(gain ** (2 * k) for k in range(octaves))))


def surface(s: Stage, material: str, plane: Plane) -> Array:
    """The colour of a material over a plane, float32[3, height, width], lit by the stage's light."""
    return MATERIALS[material](s, plane)


def ledge(s: Stage, picture: Array) -> None:
    """A ledge of the stage's material across the foreground, in place, for scenes without a surface of their own."""
    edge = s.at_v(s.draw(0.76, 0.82))
    top = surface(s, s.material, level(s, edge))
    over(picture, np.exp(-np.maximum(edge - s.y, 0) / 0.08) * 0.3, s.deep)
    over(picture, s.edge(s.y - edge), top)
    rim = np.exp(-(((s.y - edge - 0.01) / max(0.01, s.pixel)) ** 2)) * 0.4
    over(picture, rim, s.light * 0.6 + 0.4)


def _wood(s: Stage, p: Plane) -> Array:
    tone = s.local(np.array([0.55, 0.38, 0.24], np.float32))
    grain = texture(s, p, 9, 0.7, 4, 0.6)
    return mix(tone * 0.72, tone * 1.2, np.clip(0.5 + 0.28 * grain, 0, 1))


def _plain(
    natural: tuple[float, float, float], depth: float, cells: float
) -> Callable[[Stage, Plane], Array]:
    def paint(s: Stage, p: Plane) -> Array:
        tone = s.local(np.array(natural, np.float32))
        return mix(
            tone * (1 - depth), tone * (1 + depth), np.clip(0.5 + 0.3 * texture(s, p, cells, cells), 0, 1)
        )

    return paint


MATERIALS: Mapping[str, Callable[[Stage, Plane], Array]] = {
    "wood": _wood,
    "marble": _plain((0.9, 0.89, 0.87), 0.06, 2),
    "stone": _plain((0.45, 0.44, 0.43), 0.25, 6),
    "concrete": _plain((0.66, 0.65, 0.63), 0.1, 4),
    "terrazzo": _plain((0.85, 0.82, 0.78), 0.12, 14),
    "linen": _plain((0.82, 0.77, 0.69), 0.08, 40),
    "metal": _plain((0.62, 0.64, 0.66), 0.12, 1),
}


def _lattice(key: int, x: Array, z: Array) -> Array:
    """Value noise at any places: smoothly blended normals of a lattice of 64 x 64 that repeats."""
    tile = normal_at(key, np.arange(64)[:, None], np.arange(64))
    x0, z0 = np.floor(x), np.floor(z)
    fx, fz = (x - x0).astype(np.float32), (z - z0).astype(np.float32)
    fx, fz = fx * fx * (3 - 2 * fx), fz * fz * (3 - 2 * fz)
    i, j = z0.astype(np.int64) & 63, x0.astype(np.int64) & 63
    near = tile[i, j] * (1 - fx) + tile[i, (j + 1) & 63] * fx
    far = tile[(i + 1) & 63, j] * (1 - fx) + tile[(i + 1) & 63, (j + 1) & 63] * fx
    return np.asarray(near * (1 - fz) + far * fz, np.float32)
