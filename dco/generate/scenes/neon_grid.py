"""A striped sun over a glowing floor grid that runs to the horizon."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, mix, over, screen, soft

STARS = 160


def paint(s: Stage) -> Array:
    horizon = s.draw(0.5, 0.62)
    y0 = s.at_v(horizon)
    picture = s.ramp(s.deep0 * 0.35, s.mid0 * 0.5 + s.deep0 * 0.4, np.clip(s.v / horizon, 0, 1) ** 3)
    _stars(s, picture, horizon)
    _sun(s, picture, y0)
    _hills(s, picture, y0)
    over(picture, s.edge(s.y - y0), _floor(s, y0))
    over(picture, np.exp(-(((s.y - y0) / 0.04) ** 2)) * 0.6, s.accent * 0.6 + 0.35)
    return picture


def _stars(s: Stage, picture: Array, horizon: float) -> None:
    radius = max(0.006, 0.7 * s.pixel)
    for pu, pv, shine in s.draws(STARS, 3).tolist():
        x, y = (2 * pu - 1) * s.half_w, s.at_v(pv * (horizon - 0.06))
        w = s.window(x, y, radius * 2.5)
        bright = np.exp(((w.x - x) ** 2 + (w.y - y) ** 2) * np.float32(-1 / radius**2))
        over(picture[w.cut], bright * shine**2 * 0.8, s.light0)


def _sun(s: Stage, picture: Array, y0: float) -> None:
    radius, y = s.draw(0.25, 0.4), y0 - 0.28
    gone = s.distance(s.focus, y)
    over(picture, np.exp(np.maximum(gone - radius, 0) / -0.16) * 0.5, s.accent)
    stripes = soft(np.sin((s.y - y0) * 55) + 1.15 + (s.y - y) * 3, 0.2)
    shade = np.clip((y0 - s.y) * 1.25, 0, 1)
    over(
        picture,
        s.edge(radius - gone, 0.006) * stripes,
        mix(s.accent, s.light0 * 0.6 + s.accent * 0.4, shade),
    )


def _hills(s: Stage, picture: Array, y0: float) -> None:
    gap = 1 - np.exp(-(((s.x - s.focus) / 0.4) ** 2))
    crest = y0 - 0.04 - 0.14 * np.abs(s.ridge(4, octaves=4)) * gap
    over(picture, s.edge(s.y - crest), s.deep0 * 0.5)
    over(picture, np.exp(-(((s.y - crest) / max(0.012, s.pixel)) ** 2)) * 0.6, s.accent)


def _floor(s: Stage, y0: float) -> Array:
    down = np.maximum(s.y - y0, 0)
    z = 0.24 / np.maximum(down, 0.008)  # distance from the eye, in arbitrary units
    ground = s.ramp(s.deep0 * 0.25, s.mid0 * 0.25 + s.deep0 * 0.3, np.exp(down * -3))
    phase = s.draw()
    to_x = np.abs(((s.x - s.focus) * z * 3.2 + 0.5) % 1 - 0.5) / (z * 3.2)
    to_y = np.abs((z * 2.4 + phase) % 1 - 0.5) / (z * z * 19.2 + 0.05)
    thin = max(0.008, 0.75 * s.pixel)
    lines = np.exp(to_x / -thin) + np.exp(to_y / -0.035) * 0.8
    halo = np.exp(to_x / -0.05) * 0.35 + np.exp(to_y / -0.15) * 0.2
    fade = soft(s.y - y0 - 0.03, 0.04)
    screen(ground, np.clip(lines * 0.9 + halo, 0, 1) * fade, s.accent * 0.85 + 0.1)
    return ground


SCENE = Scene(("neon grid", "retro neon grid", "synthwave grid"), paint)
