"""Leaves from blurred to sharp on the product's side, with light falling through from the other."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, Window, mix, over, soft

LEAF = np.array([0.2, 0.42, 0.18], np.float32)
LEAVES, MOST = 30, 90


def paint(s: Stage) -> Array:
    haze = np.clip(0.35 + 0.16 * s.noise(1.5, octaves=1) + 0.4 * s.v, 0, 1)
    picture = s.ramp(s.light * 0.75 + s.mid * 0.25, s.mid, haze)
    over(picture, np.exp(((s.u + s.focus_u) ** 2 + (s.v * 1.6 - 0.5) ** 2) / -0.5) * 0.55, s.light)
    places = s.draws(MOST, 5)
    long = s.half_w * s.half_h
    count = min(MOST, round(LEAVES * long**0.7))
    for j in range(count):
        _leaf(s, picture, j / count, long**0.2, places[j].tolist())
    return picture


def _leaf(s: Stage, picture: Array, near: float, grow: float, place: list[float]) -> None:
    out, down, turn, size, slim = place
    if s.copy_side == "center":
        side = 1.0 if turn < 0.25 or turn > 0.75 else -1.0
    else:
        side = 1.0 if s.focus_u > 0 else -1.0
    x, y = side * (0.45 + 0.7 * out) * s.half_w, s.at_v(-0.05 + 1.1 * down)
    length = (0.16 + 0.26 * size) * (1.2 - 0.3 * near) * grow
    width = length * (0.2 + 0.16 * slim)
    w = s.window(x, y, length * 1.45)
    if not (w.x.size and w.y.size):
        return
    angle = np.float32(2 * np.pi * ((turn * 7.3) % 1))
    along = (w.x - x) * np.cos(angle) + (w.y - y) * np.sin(angle)
    across = -(w.x - x) * np.sin(angle) + (w.y - y) * np.cos(angle)
    across = across + 0.25 * along * along / length
    _paint_leaf(s, picture, w, along / length, across / width, near, width)


def _paint_leaf(
    s: Stage, picture: Array, w: Window, along: Array, across: Array, near: float, width: float
) -> None:
    """along and across run from -1 to 1 over the blade."""
    part = picture[w.cut]
    shadow = 1 - (along - 0.1) ** 2 - np.abs(across - 0.25 * s.sun)
    over(part, soft(shadow + 0.1, 0.5) * 0.25, s.deep0)
    tone = (s.mid0 * 0.5 + LEAF * 0.5) * ((0.45 + 0.6 * near) * (1 - 0.5 * s.night - 0.25 * s.drama))
    tone = tone * (1 - 0.2 * s.gold) + s.accent * 0.2 * s.gold
    ribs = 0.15 * np.sin(along * 16 + np.abs(across) * 5) if near > 0.5 else np.float32(0)
    lit = np.clip(0.5 + 0.5 * np.tanh(across * 3 * s.sun) + ribs, 0, 1)
    blade = mix(tone * 0.7, tone * 1.25 + 0.08 * s.light, lit)
    over(blade, np.exp(-((across / 0.08) ** 2)) * 0.4 * near, s.light)
    softness = max(0.35 * (1 - near) ** 2 + 0.012, 0.9 * s.pixel / width)
    over(part, soft(1 - along**2 - np.abs(across), softness), blade)


SCENE = Scene(("foliage", "green leaves", "tropical foliage"), paint)
