"""A veined marble top before a quiet wall, under the light of a window and a twig's shadow; dark in the palette black."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, soft
from dco.generate.paint.gobos import panes, turned, twig
from dco.generate.paint.materials import edge_light, level, polish, surface


def paint(s: Stage) -> Array:
    edge = s.at_v(s.draw(0.52, 0.62))
    picture = _wall(s, edge)
    material = s.surface("marble")
    over(picture, s.edge(s.y - edge), surface(s, material, level(s, edge, 1.15)))
    polish(s, picture, edge, material)
    light = _light(s, edge)
    over(picture, (1 - light) * (0.16 + 0.14 * s.drama + 0.05 * s.gold), s.deep * 0.6 + s.mid * 0.4)
    picture *= 1 + 0.1 * light * (1 - 0.6 * s.night)
    edge_light(s, picture, edge, 0.4)
    return picture


def _wall(s: Stage, edge: float) -> Array:
    """Out of focus: a panelled wall that brightens towards the sun's side."""
    bright = np.clip(0.62 + 0.42 * s.u * s.sun - 0.25 * (s.v - 0.3) + 0.05 * s.noise(1.2, octaves=2), 0, 1)
    wall = mix(s.mid * 0.78 + s.deep * 0.1 + s.light * 0.12, s.light * 0.86 + s.mid * 0.14, bright)
    panel, start = s.draw(0.5, 0.75), s.draw(0, 1)
    place = np.mod((s.x - np.float32(s.focus)) / np.float32(panel) + np.float32(start), 1)
    off = np.minimum(place, 1 - place) * np.float32(panel)
    groove = (place < 0.5) * 2.0 - 1
    line = np.exp(-((off / 0.022) ** 2))
    wall = wall * (1 - 0.045 * line * (1 + 0.9 * groove * s.sun))
    over(wall, np.exp(-np.maximum(edge - s.y, 0) / 0.12) * 0.18, s.deep)
    return np.asarray(wall, np.float32)


def _light(s: Stage, edge: float) -> Array:
    """Window light over the top, foreshortened there, with a twig in it; 1 in full light."""
    shear, lean = s.draw(0.5, 0.9) * s.sun, s.draw(0.2, 0.4) * s.sun
    start, leaf = s.draw(-0.2, 0.1), s.draw()
    down = s.y - np.float32(edge)
    top = down > 0
    y = np.where(top, down * np.float32(1.15), down * np.float32(0.75))
    outer = np.sign(s.focus_u) * (s.copy_side != "center")
    x = (
        s.x
        - np.float32(s.focus + 0.3 * outer)
        + np.float32(shear) * np.maximum(y, 0)
        - np.float32(lean) * np.minimum(y, 0)
    )
    blur = 0.035 * (1 - 0.5 * s.drama)
    light = panes(x, y - np.float32(0.2 + start), (0.85, 0.85), (2, 3), 0.035, blur)
    if leaf < 0.75:
        ex, ey = turned(x, y, 0.95 * s.sun, -0.15 + start, np.pi / 2 + s.sun * s.draw(0.9, 1.4))
        light = light * (1 - 0.7 * twig(s, ex, ey, 1.1, 11, blur))
    spread = soft(1.5 - np.abs(s.x - np.float32(s.focus)), 0.4)
    return np.asarray(light * spread, np.float32)


SCENE = Scene(
    ("marble tabletop", "marble table", "marble surface", "marble countertop", "white marble table"),
    paint,
    surface=True,
)
