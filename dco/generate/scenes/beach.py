"""Sand, surf and a low sun over the sea, with a headland far off on the product's side."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft

SAND = np.array([0.86, 0.74, 0.57], np.float32)
WET = np.array([0.56, 0.45, 0.34], np.float32)
FAR = np.array([0.1, 0.36, 0.5], np.float32)
SHALLOW = np.array([0.42, 0.74, 0.72], np.float32)


def paint(s: Stage) -> Array:
    horizon = s.draw(0.43, 0.52)
    y0 = s.at_v(horizon)
    picture = _sky(s, horizon)
    sun_x, sun_y = s.focus * 0.9, y0 - s.draw(0.1, 0.3)
    _sun(s, picture, sun_x, sun_y, s.draw(0.06, 0.1))
    _headland(s, picture, y0)
    over(picture, s.edge(s.y - y0, 0.006), _sea(s, horizon, sun_x))
    screen(picture, np.exp(-(((s.y - y0) / 0.035) ** 2)) * 0.35, s.light)
    _shore(s, picture)
    return picture


def _sky(s: Stage, horizon: float) -> Array:
    high = s.mid * 0.9 + s.local(np.array([0.36, 0.6, 0.86], np.float32), 0.5) * 0.1
    low = s.light * 0.84 + s.mid * 0.16
    picture = s.ramp(high, low, np.clip(s.v / horizon, 0, 1) ** 0.9)
    veil = s.noise(1.1, 5, octaves=6, gain=0.58)
    clouds = np.clip(veil * 0.55 - 0.05, 0, 1) * soft(horizon - 0.05 - s.v, 0.1)
    over(picture, np.minimum(clouds, 0.75), s.light * 0.8 + 0.2 * (1 - s.dim))
    return picture


def _sun(s: Stage, picture: Array, x: float, y: float, radius: float) -> None:
    tone = s.accent * 0.3 + np.array([0.7, 0.68, 0.6], np.float32)
    screen(picture, s.glow(x, y, 0.55) * (0.75 - 0.35 * s.night), tone)
    # By day the sun has no rim: it is too bright. At night the same place holds a moon.
    rim = 0.012 if s.night else radius * (1.3 - 0.7 * s.gold)
    over(picture, s.disc(x, y, radius, rim) * 0.95, tone * 0.3 + 0.7)


def _headland(s: Stage, picture: Array, y0: float) -> None:
    side = s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))
    for far, start, tall in ((0.72, s.draw(0.0, 0.2), 0.17), (0.45, s.draw(0.3, 0.5), 0.3)):
        reach = np.clip((s.u * side - start) * (s.half_w / 0.7), 0, 1.2)
        crest = y0 - tall * reach**0.7 * (1 + 0.28 * s.ridge(3, octaves=6))
        rock = s.local(np.array([0.25, 0.33, 0.3], np.float32), 0.45) * (1 - far) + s.light * far
        grain = 1 + 0.12 * s.noise(9, 14, octaves=4)
        over(picture, s.edge(s.y - crest, 0.006) * (reach > 0) * 0.95, rock[:, None, None] * grain)


def _sea(s: Stage, horizon: float, sun_x: float) -> Array:
    depth = np.clip((s.v - horizon) / 0.28, 0, 1)
    far, shallow = s.local(FAR, 0.44), s.local(SHALLOW, 0.42)
    sea = s.ramp(far, shallow, soft(depth - 0.55, 0.35))
    over(sea, np.exp(depth / -0.12) * 0.3, s.light)
    swell = s.noise(3, 44, octaves=4) * (1 - depth) + s.noise(1.3, 13, octaves=5) * depth
    sea = sea * (1 + swell * (0.07 + 0.09 * depth))
    crests = np.clip(swell - 1.25, 0, 1) * depth * 0.9
    over(sea, np.minimum(crests, 0.6), s.light0 * (1 - s.dim * 0.6))
    path = np.exp(-(((s.x - sun_x) / (0.1 + 0.5 * depth)) ** 2)) * (1 - 0.5 * depth)
    glitter = np.clip((s.noise(7, 60, octaves=4) + 0.35) * path, 0, 1.3) * (0.55 + 0.25 * s.gold)
    screen(sea, np.minimum(glitter, 1), s.accent * 0.2 + np.array([0.8, 0.77, 0.7], np.float32))
    return np.asarray(sea, np.float32)


def _shore(s: Stage, picture: Array) -> None:
    base, slant = s.at_v(s.draw(0.66, 0.73)), s.draw(-0.07, 0.07)
    wave = 0.035 * np.sin(s.x * s.draw(2, 4) + s.draw(0, 6)) + 0.02 * s.ridge(3, octaves=4)
    below = s.y - base - wave - slant * s.u
    lace = s.noise(9, 16, octaves=5, gain=0.65)
    white = (s.light0 * 0.3 + 0.68) * (1 - 0.5 * s.dim)
    # A line of surf behind, then the tongue of water on the sand.
    surf = below + 0.13 + 0.015 * lace
    over(picture, np.exp(-(((surf - 0.02) / 0.014) ** 2)) * 0.4, s.local(FAR, 0.5) * 0.8)
    over(picture, np.exp(-((surf / 0.016) ** 2)) * np.clip(0.6 + 0.35 * lace, 0, 0.95), white)
    over(picture, s.edge(below, 0.006), _sand(s, below))
    foam = np.exp(-(((below + 0.012) / 0.02) ** 2)) * np.clip(0.85 + 0.25 * lace, 0, 1)
    holes = soft(below + 0.11, 0.05) * (below < 0) * np.clip(0.55 - np.abs(lace) * 1.1, 0, 1)
    over(picture, np.clip(foam + holes * 0.75, 0, 0.95), white)
    over(picture, np.exp(-(((below - 0.022) / 0.016) ** 2)) * 0.22, s.deep)


def _sand(s: Stage, below: Array) -> Array:
    near = np.clip(below / (s.at_v(1) * 0.6), 0, 1)
    sand = s.ramp(s.local(SAND, 0.46), s.local(SAND, 0.5) * 0.88, near)
    ripples = s.noise(1.2, 9, octaves=3, gain=0.5) * 0.03 + s.noise(50, 70, octaves=3, gain=0.9) * 0.02
    sand = sand * (1 + ripples)
    wet = soft(0.1 + 0.03 * s.ridge(2, octaves=3) - below, 0.04)
    over(sand, wet * 0.75, mix(s.local(WET, 0.3), s.light * 0.9, np.clip(0.5 - below * 5, 0, 0.55)))
    return np.asarray(sand, np.float32)


SCENE = Scene(("beach", "beach by the sea", "sandy beach", "seaside", "sea shore"), paint)
