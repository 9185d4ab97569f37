"""What is held before a lamp to shape its light: window frames, palm fronds, twigs. Coverage from places, no colour."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Stage, soft


def panes(
    x: Array, y: Array, half: tuple[float, float], count: tuple[int, int], bar: float, blur: float
) -> Array:
    """Light through a window: places in the window's own frame, its half width and height, how many panes across
    and down, half the width of a bar and the softness, all in units; 1 where light comes through."""
    through = soft(np.float32(half[0]) - np.abs(x), blur) * soft(np.float32(half[1]) - np.abs(y), blur)
    for place, reach, panes_ in ((x, half[0], count[0]), (y, half[1], count[1])):
        size = 2 * reach / panes_
        step = np.mod(place + np.float32(reach), np.float32(size))
        through = through * soft(np.minimum(step, size - step) - np.float32(bar), blur)
    return np.asarray(through, np.float32)


def frond(x: Array, y: Array, length: float, curve: float, leaflets: int, blur: float) -> Array:
    """A palm frond from the origin along +x, bending by `curve`, its stem going on behind: 1 where it is in the way of the light."""
    bent = y - np.float32(curve / length) * x * x
    along = x / np.float32(length)
    reach = (
        np.float32(0.42 * length)
        * np.sqrt(np.clip(along + 0.12, 0, 1))
        * np.clip(1 - along, 0, 1) ** np.float32(0.75)
    )
    out = np.abs(bent) / np.maximum(reach, np.float32(1e-3))
    place = (along - out * np.float32(0.3) * np.sqrt(reach)) * np.float32(leaflets) + (bent > 0) * np.float32(
        0.5
    )
    off = np.abs(place - np.floor(place) - np.float32(0.5)) * np.float32(length / leaflets)
    wide = np.float32(0.4 * length / leaflets) * (1 - out * out) * np.minimum(1, 0.45 + 2.2 * out)
    blades = (
        soft(wide - off, blur)
        * soft(1 - out, blur / 0.2)
        * (along > -0.05)
        * soft(np.float32(0.97 * length) - x, blur)
    )
    stem = soft(np.float32(0.012 * length) - np.abs(bent), blur) * (along > -0.6) * (along < 1)
    return np.asarray(np.maximum(blades, stem), np.float32)


def twig(s: Stage, x: Array, y: Array, length: float, leaves: int, blur: float) -> Array:
    """A twig of broad leaves from the origin along +x: 1 where it is in the way of the light."""
    sway = s.draw(-0.25, 0.25)
    bent = y - np.float32(sway / length) * x * x
    inside = (x > 0) * (x < length)
    shade = soft(np.float32(0.007 * length) - np.abs(bent), blur) * inside
    for j, (turn, size, jitter) in enumerate(s.draws(leaves, 3).tolist()):
        at = length * (0.12 + 0.88 * (j + 0.6 * jitter) / leaves)
        angle = (1 if j % 2 else -1) * (0.55 + 0.5 * turn) * (1 - 0.6 * at / length)
        reach = length * (0.11 + 0.06 * size) * (1.15 - 0.4 * at / length)
        dx, dy = x - np.float32(at), bent
        c, q = np.float32(np.cos(angle) / reach), np.float32(np.sin(angle) / reach)
        u, v = dx * c + dy * q - 1, dy * c - dx * q
        leaf = (1 - u * u) * np.float32(0.42) * (1 - 0.25 * u) - np.abs(v)
        shade = np.maximum(shade, soft(np.minimum(leaf, 1 - np.abs(u)) * np.float32(reach), blur))
    return np.asarray(shade, np.float32)


def turned(x: Array, y: Array, at_x: float, at_y: float, angle: float) -> tuple[Array, Array]:
    """Places in a frame with its origin at (at_x, at_y), turned by `angle` radians."""
    c, q = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dx, dy = x - np.float32(at_x), y - np.float32(at_y)
    return dx * c + dy * q, dy * c - dx * q
