"""A plain wall and a table under the shadow of a window and leaves."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, over
from dco.generate.paint.gobos import frond, panes, turned, twig
from dco.generate.paint.materials import edge_light, level, polish, surface


def paint(s: Stage) -> Array:
    edge = s.at_v(s.draw(0.66, 0.74))
    picture = _wall(s)
    material = s.surface("plaster")
    over(picture, np.exp(-np.maximum(edge - s.y, 0) / 0.09) * 0.2, s.deep)
    over(picture, s.edge(s.y - edge), surface(s, material, level(s, edge)))
    light = _light(s, edge)
    polish(s, picture, edge, material)
    over(
        picture,
        (1 - light) * (0.24 + 0.14 * s.drama + 0.12 * s.night + 0.06 * s.gold),
        s.deep * 0.75 + s.mid * 0.25,
    )
    picture *= 1 + (0.16 + 0.06 * s.gold + 0.08 * s.night + 0.06 * s.drama) * light
    edge_light(s, picture, edge, 0.3)
    return picture


def _wall(s: Stage) -> Array:
    rough = s.noise(2.2, octaves=6, gain=0.6)
    tone = s.light * 0.62 + s.mid * 0.38
    wall = tone[:, None, None] * (1.02 + 0.022 * rough)
    wall *= 1 - 0.14 * np.clip(0.5 - 0.5 * s.u * s.sun, 0, 1) - 0.06 * s.v
    return np.asarray(wall, np.float32)


def _light(s: Stage, edge: float) -> Array:
    """What of the sun comes through the window and past the leaves: 1 in full light.

    On the wall the window leans away from the sun; at the table's edge the light turns and runs out over the top.
    """
    lean, shear = s.draw(0.2, 0.5) * s.sun, s.draw(0.35, 0.7) * s.sun
    half, count = (s.draw(0.6, 0.75), s.draw(0.85, 1.05)), (2, 2 + int(s.draw() * 2))
    below = np.maximum(s.y - np.float32(edge), 0)
    # Unfolded: the table top is looked at so low that its depth is drawn shorter than the wall's height.
    x = s.x - np.float32(s.focus + 0.05 * s.sun) + np.float32(shear) * below * 1.3
    y = np.minimum(s.y, np.float32(edge)) - np.float32(edge - 0.75) + below * np.float32(1.7)
    slanted = y + np.float32(lean) * x
    blur = 0.018 + 0.05 * np.clip((np.float32(edge) - s.y) * 0.4 + 0.3, 0, 1) * (1 - 0.6 * s.drama)
    blur = float(np.mean(blur))
    light = panes(x + 0.18 * np.float32(s.sun) * slanted, slanted, half, count, 0.03, blur)
    return light * (1 - 0.82 * _leaves(s, x, slanted, blur))


def _leaves(s: Stage, x: Array, y: Array, blur: float) -> Array:
    """Fronds or twigs that hang into the light from the sun's side."""
    kind, total = s.draw(), np.zeros((s.height, s.width), np.float32)
    for out, down, turn, bend in s.draws(3, 4).tolist():
        at = s.sun * (0.45 + 0.5 * out), -0.95 + 0.75 * down
        ex, ey = turned(x, y, *at, np.pi / 2 + s.sun * (0.35 + 0.9 * turn))
        if kind < 0.5:
            leaf = frond(ex, ey, 0.85 + 0.4 * bend, 0.5 * (bend - 0.5), 13, blur)
        else:
            leaf = twig(s, ex, ey, 0.9 + 0.4 * bend, 9, blur)
        np.maximum(total, leaf, out=total)
    return total


SCENE = Scene(
    (
        "window light",
        "window shadow on a wall",
        "leaf shadows on a wall",
        "plain wall with window shadows",
        "sunlight through a window",
    ),
    paint,
    surface=True,
)
