"""A studio sweep with a low round podium to stand on, and blocks, a disc or an arch behind it."""

from __future__ import annotations

import numpy as np

from dco.generate.paint import props
from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, soft
from dco.generate.paint.gobos import panes
from dco.generate.paint.props import Block


def paint(s: Stage) -> Array:
    floor = s.draw(0.66, 0.74)
    picture = _sweep(s, floor)
    top = s.at_v(s.draw(0.888, 0.908))
    # Composers set a product beside copy a little further out than the focus.
    x = s.focus + 0.08 * float(np.sign(s.focus_u)) * (s.copy_side != "center")
    _behind(s, picture, s.at_v(floor) + 0.06)
    _beside(s, picture, s.at_v(floor) + 0.1)
    radius, tall = s.draw(0.54, 0.66), s.draw(0.1, 0.2)
    props.shadow(s, picture, x, top + tall, radius, 0.55, 0.5)
    if s.draw() < 0.4:
        wide = radius * s.draw(1.16, 1.28)
        props.cylinder(s, picture, Block(x, top + tall * 0.6, wide, tall), s.light * 0.6 + s.mid * 0.4)
    props.cylinder(
        s, picture, Block(x, top, radius, tall), s.light * 0.88 + s.mid * 0.12, s.surface("plaster")
    )
    return picture


def _sweep(s: Stage, floor: float) -> Array:
    """Paper that runs from the wall into the floor in one curve, lit from the sun's side."""
    pool = np.sqrt((s.u - s.sun * 0.35 - s.focus_u * 0.3) ** 2 * 0.7 + (s.v - 0.3) ** 2 * 1.3)
    wall = np.clip(0.1 + 0.75 * pool + 0.03 * s.noise(1, octaves=1), 0, 1)
    picture = s.ramp(s.light * 0.85 + s.mid * 0.15, s.mid * 0.92 + s.deep * 0.08, wall)
    down = np.clip((s.v - floor) / (1 - floor), 0, 1)
    near = mix(s.light * 0.62 + s.mid * 0.38, s.light * 0.4 + s.mid * 0.6, down)
    near = near * (1 - 0.1 * (1 - s.u * s.sun))
    over(picture, soft(s.v - floor, s.draw(0.015, 0.06)), near)
    over(picture, np.exp(-(((s.v - floor - 0.005) / 0.035) ** 2)) * 0.1, s.deep)
    return picture


def _behind(s: Stage, picture: Array, foot: float) -> None:
    """A disc, an arch or a panel against the wall, with its soft shadow on it, and sometimes a window's light."""
    kind, size, lift, lean = s.draw(), s.draw(0.55, 0.72), s.draw(0.3, 0.7), s.draw(-0.2, 0.2)

    def shape(x: Array, y: Array) -> Array:
        """Signed distance, positive inside."""
        if kind < 0.4:
            return size - np.hypot(x - lean * 0.4, y + size * (0.55 + 0.5 * lift))
        if kind < 0.75:
            return size * 0.8 - np.hypot(x - lean * 0.5, np.maximum(-size * (0.9 + 0.6 * lift) - y, 0))
        return np.minimum(size * 0.55 - np.abs(x - 0.25 * s.sun), y + 1.25 + 0.4 * lift)

    x, y = s.x - np.float32(s.focus), s.y - np.float32(foot)
    inside, above = shape(x, y), soft(-y, 0.008)
    over(picture, soft(shape(x + 0.07 * s.sun, y - 0.03) + 0.02, 0.07) * 0.3 * above, s.deep)
    tone = (s.accent * 0.5 + s.mid * 0.35 + s.light * 0.15) * (1 - 0.35 * s.dim)
    shade = np.clip(0.5 - 0.4 * s.sun * x / size + 0.15 * y, 0, 1)
    over(picture, s.edge(inside) * above, mix(tone * 1.08, tone * 0.84, shade))
    rim = np.exp(-((inside / max(0.008, s.pixel)) ** 2)) * above * 0.25
    over(picture, rim, (s.light * 0.6 + 0.4) * (1 - 0.4 * s.dim))
    over(picture, np.exp(-((y / 0.03) ** 2)) * soft(inside + 0.05, 0.08) * 0.25, s.deep)
    lamp, slant = s.draw(), s.draw(0.3, 0.6) * s.sun
    if lamp < 0.5:
        across = x + 0.1 * s.sun
        light = panes(across, y + 0.75 + slant * across, (0.62, 0.7), (2, 2), 0.03, 0.05)
        over(picture, (1 - light) * above * 0.13, s.deep)
        picture *= 1 + 0.1 * light * above


def _beside(s: Stage, picture: Array, foot: float) -> None:
    """Blocks further back, towards the edge the copy does not need; on both sides where the copy is elsewhere."""
    outer = np.sign(s.focus_u) if s.copy_side != "center" else s.sun
    tones = (s.mid * 0.85 + s.light * 0.15, s.light * 0.75 + s.mid * 0.25, s.accent * 0.45 + s.mid * 0.55)
    places = s.draws(3, 4).tolist()
    for j, (out, wide, tall, kind) in enumerate(places):
        side = -outer if j == 2 else outer
        if j == 2 and (s.copy_side != "center" or kind < 0.3):
            continue
        radius = 0.15 + 0.1 * wide
        x = s.focus + side * (0.42 + 0.16 * out + 0.28 * (j == 1))
        y = foot + 0.03 + 0.1 * out - 0.09 * (j == 1)
        height = (0.25 + 0.35 * tall) * (1.5 if j == 1 else 1)
        props.shadow(s, picture, x, y, radius, 0.25 + 0.4 * height, 0.42)
        if kind < 0.72:
            props.cylinder(s, picture, Block(x, y - height, radius, height), tones[j])
        else:
            props.box(s, picture, x - radius, x + radius, y - height, y + 0.04, tones[j])
        if tall < 0.35 and j == 0:
            size = 0.09 + 0.05 * wide
            props.ball(s, picture, x, y - height - size * 0.9, size, s.accent * 0.7 + s.light * 0.2)


SCENE = Scene(
    (
        "studio podium",
        "product podium in a studio",
        "studio sweep with a podium",
        "podium with geometric blocks",
        "pedestal in a studio",
    ),
    paint,
    surface=True,
)
