"""Sand, surf and a low sun over the sea."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, mix, over, soft

SAND = np.array([0.8, 0.68, 0.5], np.float32)


def paint(s: Stage) -> Array:
    horizon = s.draw(0.45, 0.58)
    y0 = s.at_v(horizon)
    picture = s.ramp(s.mid * 0.8 + s.deep * 0.2, s.light, np.clip(s.v / horizon, 0, 1) ** 1.6)
    clouds = np.clip(s.noise(2, 9, octaves=5) - 0.25, 0, 1) * soft(horizon - 0.03 - s.v, 0.03) * 0.6
    over(picture, clouds, s.light * 0.7 + s.accent * 0.3)
    sun_y = y0 - s.draw(0.12, 0.36)
    over(picture, s.glow(s.focus, sun_y, 0.5) * 0.85, s.accent * 0.5 + 0.5)
    over(picture, s.disc(s.focus, sun_y, s.draw(0.07, 0.13), 0.008) * 0.95, s.accent * 0.25 + 0.75)
    over(picture, s.edge(s.y - y0), _sea(s, horizon))
    _shore(s, picture)
    return picture


def _sea(s: Stage, horizon: float) -> Array:
    depth = np.clip((s.v - horizon) / (1 - horizon), 0, 1)
    sea = s.ramp(s.mid * 0.85 + s.light * 0.15, s.mid * 0.55 + s.deep * 0.45, depth)
    sea = sea * (1 + s.noise(3, 30, octaves=4) * 0.07 * (0.4 + depth))
    path = np.exp(-(((s.x - s.focus) / (0.12 + 0.45 * depth)) ** 2))
    glitter = np.clip(s.noise(6, 46, octaves=4) * path, 0, 1.4) * 0.7
    over(sea, np.minimum(glitter, 1), s.accent * 0.3 + 0.7)
    return np.asarray(sea, np.float32)


def _shore(s: Stage, picture: Array) -> None:
    sway = 0.04 * np.sin(s.x * s.draw(2, 5) + s.draw(0, 6)) + 0.024 * s.ridge(3, octaves=3)
    below = s.y - s.at_v(s.draw(0.74, 0.86)) - sway
    sand = mix(
        s.light0 * 0.55 + SAND * 0.45,
        s.mid * 0.5 + s.light0 * 0.3 + 0.1,
        np.clip(below * (1.25 / s.half_h), 0, 1),
    )
    sand = sand * (1 + 0.035 * s.noise(20, 30, octaves=4, gain=0.7)) * (1 - 0.45 * s.night - 0.2 * s.drama)
    over(picture, s.edge(below, 0.012), sand)
    wet = np.exp(-np.maximum(below, 0) / 0.09) * (below > 0) * 0.3
    over(picture, wet, s.mid * 0.5 + s.deep * 0.5)
    foam = np.exp(-((below / 0.026) ** 2)) * np.clip(0.72 + 0.3 * s.noise(14, 20, octaves=3), 0, 1)
    over(picture, foam * 0.8, (s.light0 * 0.4 + 0.55) * (1 - 0.35 * s.night - 0.15 * s.drama))


SCENE = Scene(("beach", "beach by the sea", "sandy beach"), paint)
