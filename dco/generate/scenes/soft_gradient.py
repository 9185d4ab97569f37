"""A slow gradient with discs of glass floating on the product's side."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import WHITE, Array, Scene, Stage, mix, over


def paint(s: Stage) -> Array:
    first, second, third = (np.clip(0.5 + 0.45 * s.noise(f, octaves=1), 0, 1) for f in (1.6, 1.3, 1.2))
    picture = s.ramp(s.mid, s.light, first)
    over(picture, second * 0.6, s.accent * 0.6 + s.mid * 0.4)
    over(picture, third**2 * 0.6, s.mid * 0.5 + s.deep * 0.5)
    for j in range(3):
        _glass(s, picture, 0.03 if j == 0 else 0.006)
    return picture


def _glass(s: Stage, picture: Array, softness: float) -> None:
    x, y, radius = s.focus + s.draw(-0.35, 0.35), s.at_v(s.draw(0.25, 0.8)), s.draw(0.12, 0.4)
    fall = np.maximum(s.distance(x + 0.05 * s.sun, y + 0.06) - radius, 0)
    over(picture, np.exp(fall / -0.08) * 0.18, s.deep)
    gone = s.distance(x, y)
    disc = s.edge(radius - gone, softness)
    shade = np.clip(0.5 + 0.5 * ((s.x - x) * s.sun * 0.6 + (s.y - y) * 0.8) / radius, 0, 1)
    over(picture, disc * 0.55, mix(s.light, s.accent * 0.5 + s.mid * 0.5, shade))
    over(picture, disc * np.exp(-(((gone - radius) / 0.02) ** 2)) * 0.4, WHITE)


SCENE = Scene(("soft gradient", "abstract gradient", "gradient with glass circles"), paint)
