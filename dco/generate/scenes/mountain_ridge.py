"""Ridges behind ridges with mist between them, seen from a grassy knoll; snow on the high ones."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft

ROCK = np.array([0.42, 0.44, 0.48], np.float32)
FOREST = np.array([0.16, 0.27, 0.2], np.float32)
GRASS = np.array([0.36, 0.44, 0.2], np.float32)
RIDGES = 4


def paint(s: Stage) -> Array:
    picture = s.ramp(s.mid * 0.85 + s.deep * 0.15, s.light, np.clip(s.v * 1.7, 0, 1))
    sun_x = -s.focus * 0.8 if s.copy_side != "center" else s.sun * 0.5 * s.half_w
    screen(picture, s.glow(sun_x, s.at_v(0.34), 0.5) * 0.7, s.accent * 0.35 + np.float32(0.55))
    clouds = np.clip(s.noise(1.4, 6, octaves=6, gain=0.57) * 0.5 - 0.1, 0, 0.7) * soft(0.42 - s.v, 0.12)
    over(picture, clouds, s.light * 0.85 + 0.12 * (1 - s.dim))
    rise = s.half_h**0.5  # a tall picture has room for taller mountains
    relief = _relief(s, -np.abs(s.noise(2.6, 1.5, octaves=7, gain=0.55)))
    mist = s.noise(1.2, 4, octaves=3)
    for j in range(RIDGES):
        # Every other ridge sees the same ground in a mirror, so that no two neighbours are alike.
        turn = slice(None, None, 1 if j % 2 == 0 else -1)
        _ridge(s, picture, j, rise, relief[:, turn] * (1 if j % 2 == 0 else -1), mist[:, turn])
    if s.copy_side != "center":  # mist drifts in over the side of the copy
        veil = soft(-s.u * np.sign(s.focus_u) - 0.25, 0.45) * soft(s.v - 0.3, 0.2)
        over(picture, veil * 0.5, s.light * 0.8 + s.mid * 0.2)
    _knoll(s, picture)
    return picture


def _ridge(s: Stage, picture: Array, j: int, rise: float, relief: Array, mist: Array) -> None:
    near = j / (RIDGES - 1)
    peak_x = s.focus + s.draw(-0.35, 0.35) * (0.4 + 0.3 * j)
    peak = (0.42, 0.2, 0.08, 0.02)[j] * np.exp(-np.abs(s.x - peak_x) / 0.42)
    jagged = np.abs(s.ridge(1.9, octaves=8, gain=0.47)) * (0.55 - 0.4 * near) + s.ridge(1.1, octaves=2) * 0.35
    trees = np.abs(s.ridge(46, octaves=3, gain=0.8)) * (0.0, 0.0, 0.016, 0.034)[j]
    crest = s.at_v(0.44 + 0.115 * j) - (peak + (0.24 - 0.05 * j) * jagged) * rise - trees
    start = float(crest.min())
    w = s.window(0.0, (start + s.half_h) / 2, s.half_w + 1, (s.half_h - start) / 2 + 3 * s.pixel)
    below = w.y - crest
    body = (s.local(ROCK, 0.6) * (1 - near) + s.local(FOREST, 0.55) * near)[:, None, None]
    lit = np.clip(0.45 + (0.55, 0.3, 0.2, 0.15)[j] * relief[w.cut[1:]], 0, 1)
    painted = body * (0.62 + (0.8 - 0.3 * near) * lit)
    if j == 0 or (j == 1 and s.season == "winter"):
        _snow(s, painted, below, lit, j)
    haze = (1 - near) ** 1.2 * 0.42 + 0.06
    over(painted, haze, s.light * 0.7 + s.mid * 0.3)
    # The mist lies by the shape of the mountain, not of every tree on it.
    foot = _smooth(s, crest, 0.16)
    low = np.clip((w.y - foot) * (2.2 - 0.6 * near) - 0.12 + 0.12 * mist[w.cut[1:]], 0, 1)
    over(painted, np.minimum(low, 0.85) * (0.85 - 0.35 * near), s.light * 0.85 + s.mid * 0.15)
    over(picture[w.cut], s.edge(below, 0.005 if j < 2 else 0.003), painted)


def _smooth(s: Stage, line: Array, reach: float) -> Array:
    """A running mean of a line float32[1, width] over `reach` units to both sides."""
    n = max(1, round(reach / s.pixel))
    wide = np.cumsum(np.pad(line[0], (n + 1, n), "edge"), dtype=np.float64)
    return np.asarray((wide[2 * n + 1 :] - wide[: -2 * n - 1]) / (2 * n + 1), np.float32)[None, :]


def _snow(s: Stage, painted: Array, below: Array, lit: Array, j: int) -> None:
    line = 0.3 + (0.3 if s.season == "winter" else 0.0) - 0.14 * j
    cover = soft(line - below + (lit - 0.55) * 0.5, 0.12)
    white = (s.light0 * 0.25 + 0.72) * (1 - 0.62 * s.dim)
    over(painted, cover * 0.85, mix(white * 0.48 + s.mid * 0.2, white * 1.05, lit))


def _relief(s: Stage, heights: Array) -> Array:
    """Slope of a height field towards the sun over a step of fixed length, squashed to (-1, 1)."""
    step = max(1, round(0.022 / s.pixel))
    wide = np.pad(heights, ((0, 0), (step, step)), "reflect")
    slope = (wide[:, 2 * step :] - wide[:, : -2 * step]) * np.float32(-1.6 * 0.022 / (step * s.pixel) * s.sun)
    return np.asarray(np.tanh(slope), np.float32)


def _knoll(s: Stage, picture: Array) -> None:
    crest = s.at_v(0.8) + 0.05 * s.ridge(0.8, octaves=2) + 0.06 * np.abs(s.x - s.focus) / (s.half_w + 0.5)
    blades = np.abs(s.ridge(60, octaves=3, gain=0.9)) * (0.005 if s.season == "winter" else 0.016)
    below = s.y - crest + blades
    deep, lit = s.local(GRASS, 0.4) * 0.5, s.local(GRASS, 0.4) * 1.15
    if s.season == "winter":
        deep, lit = s.light * 0.72 + s.mid * 0.2, s.light * 0.95 + 0.05 * (1 - s.dim)
    tuft = s.noise(16, 34, octaves=4, gain=0.85) * 0.15 + s.noise(1.5, 6, octaves=3) * 0.2
    sunny = np.exp(-((s.x - s.focus + 0.2 * s.sun) ** 2) / 0.5) * 0.3
    ground = mix(deep, lit, np.clip(0.42 + tuft + sunny - below * 0.35, 0, 1))
    over(picture, s.edge(below, 0.006), ground)
    screen(picture, np.exp(-(((below - 0.012) / 0.02) ** 2)) * 0.16, s.light)


SCENE = Scene(("mountain ridge", "mountains", "misty mountain ridge", "alpine view"), paint)
