"""A wooden counter before a kitchen out of focus, lit through a window."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import WHITE, Array, Scene, Stage, over, soft

WOOD = np.array([0.55, 0.37, 0.22], np.float32)
SHELF = 7


def paint(s: Stage) -> Array:
    edge = s.draw(0.56, 0.68)
    picture = _room(s)
    over(picture, s.edge(s.y - s.at_v(edge)), _counter(s, edge))
    lip = np.exp(-(((s.y - s.at_v(edge) - 0.012) / max(0.012, s.pixel)) ** 2)) * 0.35
    over(picture, lip, s.light * 0.7 + 0.3)
    contact = ((s.x - s.focus) / 0.35) ** 2 + ((s.v - edge - 0.14) / 0.05) ** 2
    over(picture, np.exp(-contact) * 0.28, s.deep)
    return picture


def _room(s: Stage) -> Array:
    wall = np.clip(0.5 + 0.3 * s.noise(3, 2, octaves=2), 0, 1)
    room = s.ramp(s.mid * 0.6 + s.light * 0.4, s.light, wall)
    for shelf in range(2):
        _shelf(s, room, 0.2 + 0.21 * shelf + s.draw(-0.03, 0.03))
    window = np.exp(-(((s.u + s.focus_u * 1.4) / 0.5) ** 2) - ((s.v - 0.25) / 0.3) ** 2)
    over(room, window * 0.7 * (1 - 0.6 * s.night), WHITE * 0.97)
    for _ in range(7):
        x, v, radius, amount = s.draw(-1, 1), s.draw(0.05, 0.5), s.draw(0.05, 0.13), s.draw(0.1, 0.4)
        w_ = s.window(x * s.half_w, s.at_v(v), radius * 1.6)
        gone = np.sqrt((w_.x - x * s.half_w) ** 2 + (w_.y - s.at_v(v)) ** 2)
        over(room[w_.cut], soft(radius - gone, 0.03) * amount, s.accent * 0.4 + 0.55)
    return room


def _shelf(s: Stage, room: Array, v: float) -> None:
    """A blurred board and what stands on it."""
    board, middle, half = s.at_v(v), s.draw(-0.6, 0.6) * s.half_w, s.draw(0.45, 0.8)
    dark = s.mid * 0.65 + s.deep * 0.35
    for j, (along, wide, tall, tone) in enumerate(s.draws(SHELF, 4).tolist()):
        x = middle + half * (2 * (j + 0.2 + 0.6 * along) / SHELF - 1)
        high = 0.06 + 0.13 * tall
        item = soft(0.03 + 0.04 * wide - np.abs(s.x - x), 0.02) * soft(
            high - np.abs(s.y - board + high), 0.025
        )
        tint = dark * (1 - tone) + (s.accent * 0.45 + s.light * 0.45) * tone
        over(room, item * 0.6, tint)
    plank = soft(half - np.abs(s.x - middle), 0.05) * soft(0.022 - np.abs(s.y - board - 0.02), 0.018)
    over(room, plank * 0.7, dark)


def _counter(s: Stage, edge: float) -> Array:
    tone = (WOOD * 0.6 + s.mid0 * 0.4) * (1 - 0.45 * s.night - 0.25 * s.drama)
    depth = np.clip((s.v - edge) / (1 - edge), 0, 1)
    grain = s.noise(3, 60, octaves=5, gain=0.6) * 0.55 + s.noise(1.5, 14, octaves=4) * 0.6
    top = s.ramp(tone * 0.75, tone * 1.15, np.clip(0.5 + 0.28 * grain, 0, 1))
    shine = np.exp(-(((s.u + s.focus_u) / 0.6) ** 2)) * (1 - depth) * 0.45
    over(top, shine, s.light)
    for j in range(3):
        joint = (depth - (0.2 + 0.33 * j)) * (1 - edge) * 2 * s.half_h
        over(top, np.exp(-((joint / max(0.009, s.pixel)) ** 2)) * 0.4, s.deep0)
    return top


SCENE = Scene(("kitchen counter", "wooden kitchen counter", "kitchen"), paint)
