"""Cut paper in layers: a wavy opening that steps back around the product, hills, clouds and leaves, all with soft shadows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, Window, mix, over

STEPS, HILLS, CLOUDS, LEAVES = 4, 3, 2, 5
SUN = np.array([0.98, 0.78, 0.44], np.float32)
LEAF = np.array([0.36, 0.5, 0.3], np.float32)
Field = Callable[[Array, Array], Array]
"""Signed distance in units from the edge of a sheet at places x, y; positive on the paper."""


def paint(s: Stage) -> Array:
    wide = max(0.78, min(1.0, s.half_w))
    tall = s.half_h**0.5  # the opening of a tall picture is taller, and stands on the hills all the same
    centre = (s.focus, s.at_v(0.8) - 0.64 * tall)
    picture = s.ramp(*_sky(s), np.clip(s.v * 1.1, 0, 1))
    _disc(s, picture, centre)
    for j in range(CLOUDS):
        _cloud(s, picture, centre, j)
    for j in reversed(range(STEPS)):
        _opening(s, picture, centre, wide, tall, j)
    hills = [_hill(s, j) for j in range(HILLS)]
    _leaves(s, picture)
    for j, hill in enumerate(hills):
        tone = s.mid * (0.85 - 0.35 * j) + s.light * (0.15 - 0.05 * j) + s.deep * (0.28 * j)
        if j == 1:
            tone = tone * 0.5 + s.accent * 0.5 * (1 - 0.45 * s.dim)
        w = s.window(0, s.half_h, s.half_w + 1, s.half_h - s.at_v(0.76 + 0.075 * j) + 0.3)
        _sheet(s, picture, w, hill, tone, 0.07)
    fibre = s.noise(90, 60, octaves=3, gain=0.75) * 0.011 + s.noise(9, 14, octaves=2) * 0.006
    picture *= 1 + fibre
    return picture


def _sky(s: Stage) -> tuple[Array, Array]:
    return s.light * 0.75 + s.accent * 0.25 * (1 - 0.5 * s.dim), s.light * 0.95 + 0.03


def _sheet(s: Stage, picture: Array, w: Window, field: Field, tone: Array, depth: float) -> None:
    """Lay a sheet of paper over a window: its shadow falls away from the light by `depth`, and its cut edge is bright
    on the side of the light."""
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    shadow = field(w.x - np.float32(s.sun * depth * 0.55), w.y - np.float32(depth * 0.6))
    inside = field(w.x, w.y)
    dark = np.clip(1 + shadow / depth, 0, 1) ** 2 * (0.3 + 0.12 * s.drama)
    over(part, np.maximum(dark, np.clip(1 + inside / 0.03, 0, 1) ** 2 * 0.2), s.deep * 0.85)
    lit = np.clip((inside - shadow) / depth * 0.6, -0.5, 0.5)
    # The thickness of the paper: a bright line on the cut that faces the light.
    rim = np.maximum(1 - ((inside - 0.004) / max(0.0065, 0.9 * s.pixel)) ** 2, 0)
    shine = 0.055 * lit + rim * (0.03 + 0.15 * np.clip(lit * 1.7 + 0.2, 0, 1))
    over(part, s.edge(inside), tone[:, None, None] * (1 + shine) + shine * 0.35)


def _opening(s: Stage, picture: Array, centre: tuple[float, float], wide: float, tall: float, j: int) -> None:
    """One sheet with a hole: the innermost is the smallest, the outermost is the wall the copy stands on."""
    p1, p2, p3, p4 = (s.draw(0, 6.28) for _ in range(4))
    radius = (0.98 - 0.15 * j) * wide

    def field(x: Array, y: Array) -> Array:
        dx, dy = x - np.float32(centre[0]), (y - np.float32(centre[1])) / np.float32(tall)
        gone = np.sqrt(dx * dx + dy * dy) + np.float32(1e-4)
        c, d = dx / gone, dy / gone  # cosine and sine of the angle; the waves are their multiples
        c2, d2 = c * c - d * d, 2 * c * d
        c3, d3 = c2 * c - d2 * d, d2 * c + c2 * d
        c5, d5 = c3 * c2 - d3 * d2, d3 * c2 + c3 * d2
        wave = 0.07 * (c2 * np.cos(p1) + d2 * np.sin(p1)) + 0.055 * (c3 * np.cos(p2) + d3 * np.sin(p2))
        wave += 0.03 * (c5 * np.cos(p3) + d5 * np.sin(p3)) + 0.02 * np.cos(p4)
        return np.asarray(gone - np.float32(radius) * (1 + wave), np.float32)

    t = j / (STEPS - 1)
    tone = s.light * (0.9 - 0.25 * t) * (1 - 0.45 * t) + s.mid * (0.1 + 0.75 * t) * (0.35 + 0.65 * t)
    weight = (0.9 - 0.25 * t) * (1 - 0.45 * t) + (0.1 + 0.75 * t) * (0.35 + 0.65 * t)
    tone = tone / weight
    if j == 2:
        tone = tone * 0.6 + s.accent * 0.4 * (1 - 0.45 * s.dim)
    # An inner sheet shows only through the hole of the next one out, which is laid after it.
    reach = (radius + 0.15 * wide) * 1.18
    w = s.window(*centre, reach, reach * tall) if j else s.window(0, 0, s.half_w + 1, s.half_h + 1)
    _sheet(s, picture, w, field, tone, 0.085)


def _hill(s: Stage, j: int) -> Field:
    slow, fast, p0, p1, rise = (
        s.draw(1.0, 1.9),
        s.draw(2.4, 3.8),
        s.draw(0, 6.28),
        s.draw(0, 6.28),
        s.draw(-0.08, 0.08),
    )
    level = s.at_v(0.76 + 0.075 * j)

    def field(x: Array, y: Array) -> Array:
        crest = 0.085 * np.sin(x * slow + p0) + 0.03 * np.sin(x * fast + p1) + rise * (x - s.focus) * 0.5
        # Flat where the product stands.
        stand = 1 - 0.8 * np.exp(-(((x - s.focus) / 0.42) ** 2))
        return np.asarray((y - level - crest * stand) * np.float32(0.95), np.float32)

    return field


def _disc(s: Stage, picture: Array, centre: tuple[float, float]) -> None:
    x, y, radius = centre[0] - s.sun * s.draw(0.05, 0.3), centre[1] - s.draw(0.12, 0.3), s.draw(0.2, 0.32)

    def field(px: Array, py: Array) -> Array:
        return np.asarray(radius - np.hypot(px - np.float32(x), py - np.float32(y)), np.float32)

    sun = s.local(SUN, 0.12) * 0.84 + s.accent * (0.16 - 0.05 * s.dim)
    _sheet(s, picture, s.window(x, y, radius + 0.12), field, sun, 0.05)


def _cloud(s: Stage, picture: Array, centre: tuple[float, float], j: int) -> None:
    side = s.sun * (1 if j else -1)
    x, y, size = centre[0] + side * s.draw(0.24, 0.5), centre[1] - s.draw(0.08, 0.42), s.draw(0.75, 1.15)
    lumps = [(-0.13, 0.0, 0.06), (-0.03, -0.045, 0.085), (0.08, -0.02, 0.07), (0.15, 0.015, 0.045)]

    def field(px: Array, py: Array) -> Array:
        parts = [
            size * r - np.hypot(px - np.float32(x + size * a), py - np.float32(y + size * b))
            for a, b, r in lumps
        ]
        base = np.float32(y + 0.02 * size) - py
        return np.asarray(np.minimum(np.maximum.reduce(parts), base), np.float32)

    _sheet(s, picture, s.window(x, y, size * 0.3 + 0.1), field, s.light * 0.94 + 0.05, 0.045)


def _leaves(s: Stage, picture: Array) -> None:
    """A fan of folded leaves that grows from behind the hills at the outer side."""
    side = s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))
    green = s.local(LEAF, 0.5)
    root_x = s.focus + side * min(0.62, max(s.half_w - abs(s.focus) - 0.06, 0.36))
    root_y = s.at_v(0.84)
    for j, (turn, long, slim, tone, shift) in enumerate(s.draws(LEAVES, 5).tolist()):
        angle = (-0.5 + 0.17 * (j - (LEAVES - 1) / 2) + 0.06 * (turn - 0.5)) * np.pi
        length, half = 0.42 + 0.3 * long, 0.055 + 0.035 * slim
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        x, y = root_x + (shift - 0.5) * 0.12, root_y
        w = s.window(x + cos * length / 2, y + sin * length / 2, length * 0.62 + half + 0.06)
        if not (w.x.size and w.y.size):
            continue
        part = picture[w.cut]
        tint = green * (0.75 + 0.5 * tone) if j % 2 else s.mid * 0.6 + s.deep * 0.25 + s.accent * 0.15
        for layer in range(2):
            off_x, off_y = (s.sun * 0.028, 0.03) if layer == 0 else (0.0, 0.0)
            dx, dy = w.x - x - off_x, w.y - y - off_y
            along, across = (dx * cos + dy * sin) / length, -dx * sin + dy * cos
            belly = half * 3.4 * np.maximum(along, 0) ** 0.75 * np.maximum(1 - along, 0) ** 0.9 * 0.62
            tips = np.maximum(along - 1, -along) * np.float32(length)
            inside = belly - np.abs(across) - np.maximum(tips, 0) * 4
            if layer == 0:
                over(part, s.edge(inside, 0.03) * 0.32, s.deep * 0.85)
                continue
            fold = np.clip(0.5 + across * s.sun / 0.012, 0, 1)
            over(part, s.edge(inside), mix(tint * 0.8, tint * 1.12 + 0.02, fold))
            vein = np.exp(-((across / max(0.003, 0.5 * s.pixel)) ** 2)) * (inside > 0) * 0.3
            over(part, vein, tint * 0.55)


SCENE = Scene(("paper cutout", "paper cut art", "layered paper", "paper craft", "cut paper layers"), paint)
