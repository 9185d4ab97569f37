"""Five ridges, each darker and nearer than the last, with mist between them."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, over, soft

RIDGES = 5


def paint(s: Stage) -> Array:
    picture = s.ramp(s.mid * 0.7 + s.deep * 0.3, s.light, np.clip(s.v * 1.5, 0, 1))
    over(picture, s.glow(-s.focus, s.at_v(0.35), 0.45) * 0.7, s.accent * 0.4 + 0.55)
    clouds = np.clip(s.noise(2, 7, octaves=5) - 0.4, 0, 1) * 0.4 * soft(0.4 - s.v, 0.1)
    over(picture, clouds, s.light)
    rise = s.half_h**0.5  # a tall picture has room for taller mountains
    for j in range(RIDGES):
        _ridge(s, picture, j, rise)
    return picture


def _ridge(s: Stage, picture: Array, j: int, rise: float) -> None:
    near = j / (RIDGES - 1)
    height = 0.26 - 0.04 * j
    peak = 0.34 * np.exp(-(((s.x - s.focus) / 0.42) ** 2)) * (1 if j < 3 else 0.25)
    jagged = np.abs(s.ridge(2.2, octaves=9)) * 0.6 + s.ridge(1.3, octaves=2) * 0.35
    crest = s.at_v(0.42 + 0.12 * j) - (peak + height * jagged) * rise
    below = (s.y - crest) / 2
    body = s.light * (0.55 * (1 - near)) + s.mid * (0.45 - 0.1 * near) + s.deep * (0.65 * near)
    slopes = 0.5 + 0.5 * np.tanh(1.8 * s.sun * s.noise(5, octaves=6, gain=0.6))
    lit = slopes * ((1 - near) * 0.5 + 0.06) * (1 - np.clip(below * 4, 0, 1))
    painted = s.ramp(body, body * 0.6 + s.light * 0.4, lit)
    over(painted, np.clip(below * 3.2 - 0.1, 0, 1) * 0.5 * (1 - near), s.light)
    over(picture, s.edge(s.y - crest, 0.012 if j == 0 else 0.004), painted)


SCENE = Scene(("mountain ridge", "mountains", "misty mountain ridge"), paint)
