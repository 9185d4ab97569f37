"""Light tubes around a dark stage, their glow in the haze and their reflection in a polished floor of tiles."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen
from dco.generate.paint.lens import blur

MOTES = 36
SHAPES = ("arch", "ring", "frame")


def paint(s: Stage) -> Array:
    horizon = s.at_v(s.draw(0.66, 0.72))
    picture = _wall(s, horizon)
    line = _tubes(s, horizon)
    # Three widths of the same line: the hot gas, the colour around it, and the haze it lights.
    tube = np.exp(-((line / max(0.011, 0.7 * s.pixel)) ** 2))
    glow = np.exp(line * np.float32(-1 / 0.05)) * 0.75 + np.exp(line * np.float32(-1 / 0.22)) * 0.42
    gain = 0.8 + 0.2 * s.night + 0.1 * s.drama
    colour = _gas(s)
    screen(picture, glow * gain, colour)
    over(picture, tube * 0.96, colour * 0.25 + 0.74)
    picture = _floor(s, picture, horizon, colour)
    _motes(s, picture)
    return picture


def _gas(s: Stage) -> Array:
    """The accent on the product's side, the middle tone's own light away from it."""
    other = s.mid0 * 0.75 + s.light0 * 0.25
    across = np.clip(0.5 + 0.9 * (s.x - s.focus) * s.sun, 0, 1)
    return mix(s.accent, other, across * np.ones((s.height, 1), np.float32))


def _wall(s: Stage, horizon: float) -> Array:
    """A matt wall of large panels, lit by nothing but the tubes; the joints make the grid."""
    lit = np.exp(-(((s.x - s.focus) / 1.3) ** 2) - ((s.y - horizon + 0.7) / 1.2) ** 2)
    ambient = 1 - 0.72 * s.night - 0.45 * s.drama
    base = s.deep0 * (0.42 + 0.38 * ambient) + s.mid0 * (0.14 * ambient)
    wall = s.ramp(base * (0.55 + 0.25 * ambient), base + s.mid0 * (0.1 + 0.26 * ambient), lit)
    pitch, start = s.draw(0.36, 0.46), s.draw()
    for axis in (s.x, s.y - horizon):
        gap = np.abs((axis / pitch + start * (axis is s.x) + 0.5) % 1 - 0.5) * pitch
        over(wall, np.exp(-((gap / max(0.007, 0.6 * s.pixel)) ** 2)) * 0.5, s.deep0 * 0.3)
        over(wall, np.exp(-(((gap - 0.012) / max(0.006, 0.6 * s.pixel)) ** 2)) * 0.12, s.mid0)
    return wall


def _tubes(s: Stage, horizon: float) -> Array:
    """Unsigned distance in units to the nearest tube: one shape behind the product, bars towards the outer side."""
    shape = SHAPES[int(s.draw() * len(SHAPES))]
    wide, tall = s.draw(0.4, 0.5), min(s.draw(1.15, 1.35), 0.92 * (horizon + s.half_h))
    bars, lean = s.draws(5, 3), s.draw(-0.35, 0.35)
    dx = np.abs(s.x - s.focus)
    if shape == "ring":
        radius = min(wide * 1.15, 0.46 * tall)
        line = np.abs(s.distance(s.focus, horizon - radius - 0.06) - radius)
    elif shape == "arch":
        top = horizon - tall + wide
        line = np.where(s.y < top, np.abs(np.hypot(dx, s.y - top) - wide), np.abs(dx - wide))
    else:
        dy = np.abs(s.y - horizon + tall / 2 + 0.05) - tall / 2 + 0.05
        # A soft maximum rounds the corners, and leaves no crease along the diagonals of the glow.
        line = np.abs(np.logaddexp(22 * (dx - wide), 22 * dy) / 22)
    for out, high, long in bars.tolist():
        side = (1.0 if s.focus_u > 0 else -1.0) if s.copy_side != "center" else (1.0 if high > 0.5 else -1.0)
        x = s.focus + side * (wide + 0.22 + 0.9 * out)
        half = 0.22 + 0.3 * long
        y = horizon - 0.25 - half - 0.5 * high
        bent = s.x - x - lean * (s.y - y)
        line = np.minimum(line, np.hypot(bent, np.maximum(np.abs(s.y - y) - half, 0)) * 1.15 + 0.004)
    return np.asarray(line, np.float32)


def _floor(s: Stage, picture: Array, horizon: float, colour: Array) -> Array:
    """The wall upside down in dark gloss, the blurrier the further from the wall, under lines of tiles."""
    first = int(np.searchsorted(s.y[:, 0], horizon))
    down = np.maximum(s.y - horizon, 0)
    depth = np.clip(down / max(s.half_h - horizon, 0.2), 0, 1)
    ground = s.ramp(
        s.deep0 * 0.42 + s.mid0 * 0.06, s.deep0 * 0.3 + s.mid0 * (0.1 * (1 - max(s.night, s.drama))), depth
    )
    if first < s.height:
        source = np.clip(np.searchsorted(s.y[:, 0], 2 * horizon - s.y[first:, 0]), 0, max(first - 1, 0))
        mirror = np.zeros_like(ground)
        mirror[:, first:] = picture[:, source]
        hazy = np.stack([blur(s, plane, max(0.055, s.pixel)) for plane in mirror])
        gloss = mix(mirror, hazy, np.clip(down / 0.3 + 0.25, 0, 1))
        screen(ground, 0.62 * (1 - 0.5 * depth), gloss)
    z = 0.5 / (down + 0.12)  # perspective of a floor whose far edge meets the wall
    to_x = np.abs(((s.x - s.focus) * z * 2 + 0.5) % 1 - 0.5) / (z * 2)
    to_y = np.abs((z * 2.6) % 1 - 0.5) / (z * z * 5.2)
    thin = max(0.006, 0.65 * s.pixel)
    lines = np.maximum(np.exp(-((to_x / thin) ** 2)), np.exp(-((to_y / (thin * 0.9)) ** 2)))
    near = np.exp(-(((s.x - s.focus) / 1.1) ** 2)) * 0.85 + 0.15
    screen(ground, lines * near * (0.34 - 0.2 * depth), colour)
    out = picture.copy()
    over(out, s.edge(s.y - horizon), ground)
    over(out, np.exp(-(((s.y - horizon) / 0.015) ** 2)) * 0.5, s.deep0 * 0.35)
    return out


def _motes(s: Stage, picture: Array) -> None:
    """Dust in the light, around the product only."""
    for px, py, size, shine in s.draws(MOTES, 4).tolist():
        x, y = s.focus + (2 * px - 1) * 0.8, s.at_v(0.1 + 0.75 * py)
        radius = max(0.004 + 0.008 * size * size, 0.7 * s.pixel)
        w = s.window(x, y, radius * 2.5)
        if w.x.size and w.y.size:
            dot = np.exp(((w.x - x) ** 2 + (w.y - y) ** 2) * np.float32(-1 / radius**2))
            screen(picture[w.cut], dot * (shine * shine * 0.45), s.accent * 0.5 + s.light0 * 0.5)


SCENE = Scene(("neon grid", "retro neon grid", "synthwave grid", "neon tubes", "glowing neon room"), paint)
