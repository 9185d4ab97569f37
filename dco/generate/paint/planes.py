"""Places on a surface seen in perspective, and noise that lies on it and fades before it is finer than a pixel."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.generate.paint.canvas import Array, Stage, Window, uniform_at

IntArray = NDArray[np.int32]
_TILE = 64
_SPREAD = np.float32(12**0.5)  # a uniform number of this width has unit variance


@dataclass(frozen=True)
class Plane:
    """Places on a level surface, per pixel: `x` across and `z` into the picture, in units of the surface, and the
    `footprint` of a pixel there (detail finer than it must fade out).

    `fine` is the footprint across, where it is smaller than the one into the depth; `top` is the first row of the
    picture in which the surface shows."""

    x: Array
    z: Array
    footprint: Array
    fine: Array | None = None
    top: int = 0

    @property
    def across(self) -> Array:
        """The footprint of a pixel along x."""
        return self.footprint if self.fine is None else self.fine


def level(s: Stage, edge_y: float, height: float = 1.0) -> Plane:
    """The plane of a table whose far edge is at `edge_y` (units) of the picture, seen from `height` above it."""
    horizon = edge_y - 0.35 * height
    z = height / np.maximum(s.y - horizon, 0.05)
    top = int(np.clip(np.searchsorted(s.y[:, 0], edge_y - 2 * s.pixel), 0, s.height - 1))
    deep = np.broadcast_to(z * 2, (s.height, s.width))
    return Plane(s.x * z, deep, s.pixel * 2 / height * z * z, s.pixel * z, top)


def flat(s: Stage, grow: float = 1.25) -> Plane:
    """The plane of a table seen from straight above, or of a wall; `grow` units of it fill one of the picture."""
    deep = np.broadcast_to(s.y * np.float32(-grow), (s.height, s.width))
    return Plane(s.x * np.float32(grow), deep, np.full((1, 1), s.pixel * grow, np.float32))


def part(s: Stage, window: Window) -> Stage:
    """The stage seen through a window: what is painted on it fits `picture[window.cut]`. Draws are shared."""
    inside = copy(s)
    rows, columns = window.cut[1:]
    inside.x, inside.y, inside.u, inside.v = window.x, window.y, s.u[:, columns], s.v[rows]
    inside.height, inside.width = window.y.shape[0], window.x.shape[1]
    return inside


def below(s: Stage, plane: Plane) -> tuple[Stage, Plane]:
    """Stage and plane without the rows above the plane's top."""
    rows = slice(plane.top, None)
    inside = part(s, Window((slice(None), rows, slice(None)), s.x, s.y[rows]))

    def cut(a: Array) -> Array:
        return a[rows] if a.shape[0] > 1 else a

    fine = None if plane.fine is None else cut(plane.fine)
    fields = {"x": cut(plane.x), "z": cut(plane.z), "footprint": cut(plane.footprint)}
    return inside, replace(plane, **fields, fine=fine, top=0)


def turned(plane: Plane, angle: float) -> Plane:
    """The same surface with its axes turned by `angle` radians."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return Plane(c * plane.x + s * plane.z, c * plane.z - s * plane.x, plane.footprint, None, plane.top)


def moved(plane: Plane, dx: Any, dz: Any) -> Plane:
    """The same surface with its places moved."""
    return replace(plane, x=plane.x + dx, z=plane.z + dz)


def texture(s: Stage, plane: Plane, fx: float, fz: float, octaves: int = 4, gain: float = 0.5) -> Array:
    """Smooth noise of about unit variance on a plane, float32[height, width]; fx, fz are cells per unit."""
    return octave_sum([s.key() for _ in range(octaves)], plane, fx, fz, gain)


def octave_sum(keys: list[int], plane: Plane, fx: float, fz: float, gain: float = 0.5) -> Array:
    """`texture` with given keys: equal keys give equal noise, so that moved planes can be compared."""
    shape = np.broadcast_shapes(plane.x.shape, plane.z.shape)
    total = np.zeros(shape, np.float32)
    for octave, key in enumerate(keys):
        grow = 2.0**octave
        amount = gain**octave * fade(plane, fx * grow, fz * grow)
        if amount.max() > 0:
            total += amount * lattice(key, plane.x * np.float32(fx * grow), plane.z * np.float32(fz * grow))
    return total / np.float32(np.sqrt(sum(gain ** (2 * k) for k in range(len(keys)))))


def slope(s: Stage, plane: Plane, fx: float, fz: float, octaves: int, gain: float = 0.5) -> Array:
    """How much the light from the sun's side strikes a surface with `texture` for its height: about unit variance."""
    keys = [s.key() for _ in range(octaves)]
    step = 0.3 / max(fx, fz)
    lit = moved(plane, np.float32(s.sun * step), np.float32(step * 0.5))
    return (octave_sum(keys, plane, fx, fz, gain) - octave_sum(keys, lit, fx, fz, gain)) * np.float32(1.6)


def fade(plane: Plane, fx: float, fz: float) -> Array:
    """1 where cells of 1 / fx by 1 / fz units span two pixels or more, 0 where they are under one."""
    cells = np.maximum(plane.across * np.float32(fx), plane.footprint * np.float32(fz))
    return np.asarray(np.clip(1 / (cells + np.float32(1e-6)) - 1, 0, 1), np.float32)


def lattice(key: int, x: Array, z: Array) -> Array:
    """Value noise at any places: smoothly blended random numbers of a lattice of 64 x 64 that repeats."""
    tile = (uniform_at(key, np.arange(_TILE)[:, None], np.arange(_TILE)) - np.float32(0.5)) * _SPREAD
    tile = np.concatenate([tile, tile[:1]])
    tile = np.concatenate([tile, tile[:, :1]], 1)
    j, fx = _split(x)
    if z.shape[-1] == 1 or z.strides[-1] == 0:  # seen square on: one depth a row, so rows are blended first
        i, fz = _split(z[..., :1])
        rows = tile[i[:, 0]] * (1 - fz) + tile[i[:, 0] + 1] * fz
        at = j + (np.arange(len(rows), dtype=np.int32) * rows.shape[1])[:, None]
        left, right = rows.take(at), rows.take(at + 1)
    else:
        i, fz = _split(z)
        at = i * np.int32(_TILE + 1) + j
        left, right = tile.take(at), tile.take(at + 1)
        left = left + (tile.take(at + _TILE + 1) - left) * fz
        right = right + (tile.take(at + _TILE + 2) - right) * fz
    return np.asarray(left + (right - left) * fx, np.float32)


def line(table: Array, t: Array) -> Array:
    """Value noise along a line: `table` float32[64] read at t, smoothly blended and repeating."""
    i, f = _split(t)
    ring = np.append(table, table[:1])
    left = ring.take(i)
    return np.asarray(left + (ring.take(i + 1) - left) * f, np.float32)


def _split(t: Array) -> tuple[IntArray, Array]:
    """Cell within the tile and the eased place in it."""
    base = np.floor(t)
    f = (t - base).astype(np.float32)
    cell = base.astype(np.int32) & np.int32(_TILE - 1)
    return cell, np.asarray(f * f * (3 - 2 * f), np.float32)
