"""A plaster set: arches let into a thick wall, steps and low blocks, under raking light."""

from __future__ import annotations

import numpy as np

from dco.generate.paint import props
from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, soft
from dco.generate.paint.gobos import frond, turned
from dco.generate.paint.materials import edge_light, level, polish, surface


def paint(s: Stage) -> Array:
    foot = s.at_v(s.draw(0.68, 0.74))
    picture = _wall(s)
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    second = s.draw() < 0.55
    _arch(s, picture, s.focus - 0.06 * outer, foot, s.draw(0.42, 0.52), s.draw(0.7, 1.0), True)
    wide, tall = s.draw(0.24, 0.32), s.draw(0.35, 0.75)
    if second:
        _arch(s, picture, s.focus + outer * (0.58 + wide), foot, wide, tall, False)
    _floor(s, picture, foot)
    _raking(s, picture, foot)
    _steps(s, picture, s.focus + outer * s.draw(0.36, 0.46), foot, outer)
    _plinth(s, picture)
    return picture


def _plaster(s: Stage, tone: Array, amount: float = 0.035) -> Array:
    rough = s.noise(2.5, octaves=6, gain=0.62)
    return np.asarray(tone[:, None, None] * (1 + amount * rough), np.float32)


def _wall(s: Stage) -> Array:
    wall = _plaster(s, s.light * 0.68 + s.mid * 0.32)
    away = np.clip(0.5 - 0.5 * s.u * s.sun, 0, 1)
    wall *= 1.04 - 0.2 * away - 0.08 * s.v
    return wall


def _arch(s: Stage, picture: Array, x: float, foot: float, half: float, tall: float, deep: bool) -> None:
    """An opening in the wall: the thickness of the wall on the far side from the sun, light slanting in at the back."""
    spring = foot - tall

    def inside(dx: float, dy: float, grow: float) -> Array:
        rise = np.maximum(np.float32(spring + dy) - s.y, 0)
        return np.asarray(half * grow - np.hypot(s.x - np.float32(x + dx), rise), np.float32)

    above = s.edge(np.float32(foot) - s.y)
    opening = inside(0, 0, 1)
    hole = s.edge(opening) * above
    tone = s.accent * 0.32 + s.mid * 0.5 + s.light * 0.18 if deep else s.mid * 0.75 + s.deep * 0.25
    tone = tone * (1 - 0.25 * s.dim)
    # The jamb: lit where it faces the sun, dark on the other side.
    facing = np.clip(0.5 - 0.6 * s.sun * (s.x - np.float32(x)) / half, 0, 1)
    over(picture, hole, mix(s.mid * 0.75 + s.deep * 0.25, s.light * 0.92 + s.mid * 0.08, facing))
    shift = 0.34 * (s.focus * 0.35 - x) * 0.3
    back = s.edge(inside(shift, 0.035, 0.87)) * hole
    rise = np.clip((np.float32(foot) - s.y) / np.float32(tall + half), 0, 1)
    niche = mix(tone * 1.02, tone * 0.82, rise)
    lit = soft(inside(-s.sun * half * 0.55, half * 0.5, 0.95), 0.02 + 0.03 * (1 - s.drama))
    niche = mix(niche * 0.74, niche * 1.16, lit)
    over(picture, back, niche)
    rim = np.exp(-((opening / max(0.006, 0.9 * s.pixel)) ** 2)) * above
    over(
        picture,
        rim * 0.3 * np.clip(0.6 - 0.6 * s.sun * (s.x - np.float32(x)) / half, 0, 1),
        s.light * 0.5 + 0.5,
    )
    touch = np.exp((s.y - np.float32(foot)) / np.float32(0.05)) * hole * 0.3
    over(picture, touch, s.deep)


def _raking(s: Stage, picture: Array, foot: float) -> None:
    """The edge of a shadow falling across the wall, and the frond that sometimes stands before the lamp."""
    angle, at, leaf, bend = s.draw(0.5, 0.9) * s.sun, s.draw(0.15, 0.45), s.draw(), s.draw(-0.3, 0.3)
    _, y = turned(s.x, s.y, s.focus, -0.1 * s.half_h, angle)
    beam = soft(np.float32(0.95) - np.abs(y + at - 0.3), 0.05 + 0.1 * (1 - s.drama))
    if leaf < 0.6:
        fx, fy = turned(s.x, s.y, s.focus + 1.0 * s.sun, foot - 1.35, np.pi / 2 + s.sun * 0.95)
        beam = beam * (1 - 0.75 * frond(fx, fy, 1.5, bend, 15, 0.05))
    over(picture, (1 - beam) * (0.2 + 0.1 * s.drama), s.deep * 0.8 + s.mid * 0.2)
    picture *= 1 + 0.08 * beam


def _floor(s: Stage, picture: Array, foot: float) -> None:
    material = s.surface("plaster")
    top = surface(s, material, level(s, foot, 0.9))
    shade = np.exp(-np.maximum(s.y - np.float32(foot), 0) / np.float32(0.09)) * 0.22
    over(picture, s.edge(s.y - foot), top)
    polish(s, picture, foot, material)
    over(picture, shade * s.edge(s.y - foot), s.deep)
    if s.material != "none":
        edge_light(s, picture, foot, 0.15)


def _plinth(s: Stage, picture: Array) -> None:
    """A low round slab under the product."""
    shown, radius, top = s.draw() < 0.65, s.draw(0.52, 0.62), s.at_v(s.draw(0.888, 0.905))
    # Composers set a product beside copy a little further out than the focus.
    x = s.focus + 0.08 * float(np.sign(s.focus_u)) * (s.copy_side != "center")
    if shown:
        props.shadow(s, picture, x, top + 0.07, radius, 0.4, 0.45)
        block = props.Block(x, top, radius, 0.07)
        props.cylinder(s, picture, block, s.light * 0.85 + s.mid * 0.15)


def _steps(s: Stage, picture: Array, x: float, foot: float, outer: float) -> None:
    """Two or three steps that climb away from the product, and a ball or a block on them."""
    count, wide, rise = 2 + int(s.draw() * 2), s.draw(0.16, 0.22), s.draw(0.09, 0.15)
    base, tone = foot + s.draw(0.06, 0.12), s.light * 0.78 + s.mid * 0.22
    for j in reversed(range(count)):
        left, right = sorted((x + outer * wide * j, x + outer * wide * (j + 1)))
        if j == 0:
            props.shadow(s, picture, x + outer * wide, base, wide * 0.9, 0.4, 0.4)
        props.box(s, picture, left, right, base - rise * (j + 1), base, tone, 0.08)
    size, on, kind = s.draw(0.07, 0.1), int(s.draw() * count), s.draw()
    stand = x + outer * wide * (on + 0.5), base - rise * (on + 1) - 0.02
    colour = s.accent * 0.6 + s.mid * 0.4
    if kind < 0.5:
        props.ball(s, picture, stand[0], stand[1] - size, size, colour, 0.25)
    elif kind < 0.8:
        block = props.Block(stand[0], stand[1] - size * 2.2, size * 0.8, size * 2.2)
        props.cylinder(s, picture, block, colour)


SCENE = Scene(
    (
        "arch studio",
        "plaster arches in a studio",
        "studio set with arches and steps",
        "mediterranean plaster set",
    ),
    paint,
    surface=True,
)
