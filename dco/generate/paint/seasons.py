"""What a season brings into any scene: spring's blossom, summer's sun through leaves, autumn's falling leaves,
winter's snow and frost, each with its own light.

Everything near the viewer keeps to the product's side and to the corners; on the side of the copy only a few faint
things drift, out of focus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dco.generate.paint.canvas import WHITE, Array, Stage, mix, over, screen, soft
from dco.generate.paint.flora import Pose, blossom, leaf, maple, petal, spray, twig

MOST = 160


def season(s: Stage, picture: Array) -> None:
    """Add the stage's season to a picture, in place. The side of the copy stays calm."""
    _SEASONS[s.season](s, picture)


def _spring(s: Stage, picture: Array) -> None:
    _light(s, picture, (1.0, 1.0, 0.99), _rgb(1.0, 0.95, 0.93), 0.3)
    for _, pose, amount in _drift(s, 22, (0.026, 0.06), 0.25):
        petal(s, picture, pose, _rgb(1.0, 0.93, 0.94), _rgb(0.95, 0.66, 0.74), amount)
    _branch(s, picture, 0.05, 1.35)
    _branch(s, picture, 0.014, 1.0)


def _branch(s: Stage, picture: Array, blur: float, near: float) -> None:
    """A flowering branch that hangs in from the outer top corner."""
    side, top = _outer(s), -s.half_h
    start = np.array([side * (s.half_w + 0.1), top + s.draw(0.05, 0.4)])
    end = start + np.array([-side * s.draw(0.7, 0.95), s.draw(0.05, 0.45)])
    bend = (start + end) / 2 + np.array([0.0, s.draw(-0.22, -0.08)])
    t = np.linspace(0, 1, 7)[:, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t * t * end
    bark = s.local(_rgb(0.33, 0.22, 0.2), 0.25)
    twig(s, picture, curve, 0.028 * near, blur, bark)
    flowers = 15
    for along, off, size, turn, tone in s.draws(flowers, 5).tolist():
        at = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        away = (off - 0.5) * (0.26 - 0.12 * along)
        place = (float(at[0] + (turn - 0.5) * 0.1), float(at[1] + away))
        radius = (0.06 + 0.045 * size) * near
        soft_edge = blur / radius
        tip, base = _rgb(1.0, 0.9, 0.92) * (0.88 + 0.12 * tone), _rgb(0.93, 0.58, 0.68)
        pose = Pose(*place, radius, 6.3 * turn, 0.65 + 0.35 * tone, soft_edge)
        blossom(s, picture, pose, tip, base, 0.95)


def _summer(s: Stage, picture: Array) -> None:
    side = _outer(s)
    _light(s, picture, (1.04, 1.01, 0.95), _rgb(1.0, 0.88, 0.56), 0.42)
    shine = 1 - 0.85 * s.night
    x, y = side * s.half_w * 0.98, -s.half_h * 0.98
    _shade(s, picture, side)
    for blur in (0.07, 0.03):
        _leaves(s, picture, side, blur)
    for radius, amount in ((0.1, 0.9), (0.5, 0.55)):
        screen(picture, s.glow(x, y, radius) * (amount * shine), _rgb(1.0, 0.93, 0.7))
    _flare(s, picture, x, y, shine)


def _flare(s: Stage, picture: Array, x: float, y: float, shine: float) -> None:
    """Faint discs on the line from the sun through the middle, as a lens throws them."""
    for along, radius, amount in ((0.5, 0.07, 0.12), (0.72, 0.035, 0.16), (1.12, 0.13, 0.07)):
        w = s.window(x * (1 - along), y * (1 - along), radius * 1.3)
        gone = np.sqrt((w.x - x * (1 - along)) ** 2 + (w.y - y * (1 - along)) ** 2) / radius
        ring = soft(1 - gone, 0.05) * (0.55 + 0.45 * np.clip(gone, 0, 1) ** 3)
        screen(picture[w.cut], ring * (amount * shine), _rgb(1.0, 0.86, 0.55))


def _shade(s: Stage, picture: Array, side: float) -> None:
    """The shadow of leaves on whatever lies low in the picture, soft as from far away."""
    for _ in range(3):
        x, y = side * (s.half_w + s.draw(-0.3, 0.1)), s.at_v(s.draw(0.78, 1.0))
        angle = np.pi / 2 * (1 + side) + s.draw(-0.4, 0.4)
        cast = spray(s, Pose(x, y, s.draw(0.9, 1.3), angle, 0.5, 0.065), 5, 1.0)
        if cast:
            low = soft((cast[0].y - s.at_v(0.7)) / s.half_h, 0.12)
            picture[cast[0].cut] *= 1 - 0.19 * (1 - 0.6 * s.night) * low * cast[1]


def _leaves(s: Stage, picture: Array, side: float, blur: float) -> None:
    """Sunlit leaves in the outer top corner, out of focus."""
    for _ in range(2):
        x, y = side * (s.half_w + s.draw(-0.1, 0.15)), -s.half_h + s.draw(-0.15, 0.3)
        angle = np.pi / 2 + side * s.draw(0.15, 1.3)
        painted = spray(s, Pose(x, y, s.draw(0.55, 0.8), angle, s.draw(0.75, 1.0), blur), 5, 0.95)
        if painted:
            w, cover, shade = painted
            dark, lit = s.local(_rgb(0.16, 0.36, 0.1), 0.15), s.local(_rgb(0.62, 0.78, 0.24), 0.15)
            over(picture[w.cut], cover * 0.92, mix(dark, lit, shade))


def _autumn(s: Stage, picture: Array) -> None:
    _light(s, picture, (1.02, 0.975, 0.92), _rgb(1.0, 0.76, 0.46), 0.34)
    tones = (
        (_rgb(0.93, 0.68, 0.2), _rgb(0.82, 0.42, 0.1)),
        (_rgb(0.88, 0.42, 0.12), _rgb(0.62, 0.16, 0.07)),
        (_rgb(0.8, 0.5, 0.2), _rgb(0.5, 0.26, 0.1)),
    )
    things = _drift(s, 10, (0.09, 0.15), 0.0)
    side = _outer(s)
    for v, out, size, blur in ((0.93, 0.92, 0.34, 0.16), (0.1, 0.97, 0.26, 0.2)):
        x = side * s.half_w * (out + s.draw(-0.06, 0.06))
        pose = Pose(x, s.at_v(v + s.draw(-0.05, 0.05)), size, s.draw(0, 6.3), s.draw(0.6, 0.95), blur)
        things.append((int(s.draw(0, 3)), pose, 0.93))
    for j, pose, amount in things:
        inner, outer = (s.local(c, 0.12) for c in tones[j % 3])
        (leaf if j % 5 > 2 else maple)(s, picture, pose, inner, outer, amount)


def _winter(s: Stage, picture: Array) -> None:
    _light(s, picture, (0.9, 0.925, 0.95), _rgb(0.95, 0.975, 1.0), 0.25)
    white = WHITE * 0.98
    for low, high, blur, amount, count in (
        (0.005, 0.01, 0.6, 0.75, 80),
        (0.012, 0.026, 0.55, 0.9, 30),
        (0.045, 0.1, 0.6, 0.42, 6),
    ):
        _flakes(s, picture, white, (low, high, blur, amount), count)
    _frost(s, picture)


def _flakes(
    s: Stage, picture: Array, white: Array, kind: tuple[float, float, float, float], count: int
) -> None:
    low, high, blur, amount = kind
    for u, v, size, bright in s.draws(MOST * 4, 4)[: _count(s, count, MOST * 4)].tolist():
        u, room = 2 * u - 1, float(_busy(s, 2 * u - 1)) * _clear(s, 2 * u - 1, v)
        radius = low + (high - low) * size * (0.4 + 0.6 * room)
        x, y = u * s.half_w, s.at_v(v)
        w = s.window(x, y, radius * 2.2 + s.pixel)
        gone = np.sqrt((w.x - x) ** 2 + (w.y - y) ** 2)
        cover = s.edge(radius - gone, radius * blur) * min(1.0, (radius / s.pixel) ** 2)
        over(picture[w.cut], cover * (amount * (0.6 + 0.4 * bright) * (0.14 + 0.86 * room)), white)


def _frost(s: Stage, picture: Array) -> None:
    """Rime that creeps in from the edges and thickest in the corners."""
    grain = s.noise(4, octaves=6, gain=0.7)
    rim = np.exp((np.abs(s.x) - s.half_w) / np.float32(0.13)) + np.exp(
        (np.abs(s.y) - s.half_h) / np.float32(0.13)
    )
    calm = 0.28 + 0.72 * _busy(s, s.u)
    cover = np.clip((rim * (0.95 + 0.42 * grain) - 0.2) * calm, 0, 1)
    # White rime on a dark frame is the brightest thing in it: in a low key it lies in the shade, too.
    tint = _rgb(0.93, 0.97, 1.0) * (1 - 0.4 * s.dim) + s.light * (0.4 * s.dim)
    over(picture, np.minimum(cover * 0.9, 0.88) * (1 - 0.12 * max(s.night, s.drama)), tint)


def _light(s: Stage, picture: Array, grade: tuple[float, float, float], glow: Array, amount: float) -> None:
    """The season's colour of light over all, and a wash of it from the outer top corner."""
    picture *= np.array(grade, np.float32)[:, None, None]
    gone = ((s.u - _outer(s)) * 0.75) ** 2 + (s.v * 1.1) ** 2
    screen(picture, np.exp(-gone * 1.3) * (amount * (1 - 0.6 * s.night - 0.3 * s.drama)), glow)


def _drift(s: Stage, count: int, sizes: tuple[float, float], fall: float) -> list[tuple[int, Pose, float]]:
    """Things adrift at all depths: number, pose and opacity, the far ones first.

    Those in the plane of focus are sharp; nearer and farther ones blur. On the side of the copy they are far,
    small and faint. `fall` is the share that is large and close by.
    """
    things = []
    for j, (u, v, z, turn, tilt, size) in enumerate(s.draws(MOST, 6)[: _count(s, count, MOST)].tolist()):
        u = 2 * u - 1
        room = float(_busy(s, u)) * _clear(s, u, v)
        if room < 0.5 and z > 0.4:
            z *= 0.4
        scale = 0.55 + 0.6 * z + (1.1 if z > 1 - fall * 0.6 else 0)
        defocus = abs(z - 0.6) ** 1.5 * 0.9 + (0.14 if z > 1 - fall * 0.6 else 0)
        radius = (sizes[0] + (sizes[1] - sizes[0]) * size) * scale * (0.75 + 0.25 * room)
        pose = Pose(
            u * s.half_w, s.at_v(1.1 * v - 0.05), radius, 6.3 * turn, 0.35 + 0.65 * tilt, 0.03 + defocus
        )
        things.append((z, j, pose, (0.25 + 0.75 * room) * (0.96 - 0.3 * defocus)))
    return [(j, pose, amount) for _, j, pose, amount in sorted(things, key=lambda thing: thing[0])]


def _count(s: Stage, count: int, most: int) -> int:
    """How many things fill this aspect as `count` fill a square."""
    return min(most, round(count * (s.half_w * s.half_h) ** 0.8))


def _outer(s: Stage) -> float:
    """The side of the outer corner: the product's, or the sun's where the product is in the middle."""
    return s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))


def _busy(s: Stage, u: float | Array) -> Array:
    """How much may happen at u: 0 where copy stands, 1 at the product's outer side."""
    if s.copy_side == "center":
        return np.asarray(0.25 + 0.75 * soft(np.abs(u) - 0.5, 0.2))
    return np.asarray(soft(u * np.float32(np.sign(s.focus_u)) + 0.05, 0.2))


def _clear(s: Stage, u: float, v: float) -> float:
    """How much may float at a place: little before what the product and the headline need, 1 elsewhere."""
    body = np.exp(-(((u - s.focus_u) / 0.26) ** 4) - ((v - 0.6) / 0.34) ** 4)
    line = np.exp(-((v / 0.36) ** 4)) if s.copy_side == "center" else 0.0
    return 1 - 0.7 * float(max(body, 0.8 * line))


def _rgb(red: float, green: float, blue: float) -> Array:
    return np.array([red, green, blue], np.float32)


_SEASONS: Mapping[str, Callable[[Stage, Array], None]] = {
    "spring": _spring,
    "summer": _summer,
    "autumn": _autumn,
    "winter": _winter,
}
