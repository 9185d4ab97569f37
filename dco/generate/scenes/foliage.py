"""A flat stone among leaves, from blurred to sharp on the product's side, with light falling through from the other."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.flora import Pose, blossom, leaf, spray
from dco.generate.paint.materials import level, surface

LEAF = np.array([0.17, 0.38, 0.15], np.float32)
FRESH = np.array([0.5, 0.68, 0.26], np.float32)
TURNED = (np.array([0.55, 0.2, 0.07], np.float32), np.array([0.92, 0.62, 0.18], np.float32))
LEAVES, MOST = 24, 60


def paint(s: Stage) -> Array:
    picture = _behind(s)
    edge = s.at_v(s.draw(0.78, 0.83))
    count = min(MOST, round(LEAVES * (s.half_w * s.half_h) ** 0.55))
    _fronds(s, picture)
    places = s.draws(MOST, 6)
    for j in range(count):
        near = j / count
        if near > 0.75:
            continue
        _one(s, picture, near, places[j].tolist())
    _slab(s, picture, edge)
    for j in range(count):  # the nearest overlap the stone at the outer edge
        if j / count > 0.75:
            _one(s, picture, j / count, places[j].tolist())
    for j in range(4):
        x, y, size, turn = s.draw(0.5, 1.0), s.draw(0.1, 0.75), s.draw(0.05, 0.085), s.draw(0, 6)
        if s.season == "spring":
            pose = Pose(_sides(s, j) * x * s.half_w, s.at_v(y), size, turn, 0.85, 0.06)
            blossom(s, picture, pose, s.light * 0.3 + 0.7, s.accent * 0.8 + 0.1)
    return picture


def _behind(s: Stage) -> Array:
    """The wood out of focus: haze, discs of light, and a glow where the sun comes through."""
    haze = np.clip(0.3 + 0.22 * s.noise(1.5, octaves=2) + 0.35 * s.v, 0, 1)
    green = s.local(np.array([0.42, 0.55, 0.32], np.float32), 0.86)
    picture = s.ramp(s.light * 0.55 + s.mid * 0.45, green * 0.35 + s.mid * 0.65, haze)
    shade = soft(np.abs(s.u - s.focus_u * 0.15) - 0.55, 0.6) if s.copy_side == "center" else None
    shade = soft(s.u * np.sign(s.focus_u) - 0.2, 0.6) if shade is None else shade
    over(picture, shade * 0.6, s.local(LEAF, 0.6) * 0.7)
    away = -np.sign(s.focus_u) if s.copy_side != "center" else s.sun
    screen(picture, np.exp(((s.u - away * 0.5) ** 2 + (s.v * 1.5) ** 2) / -0.45) * 0.4, s.light)
    for u, v, size, bright in s.draws(20, 4).tolist():
        u = 2 * u - 1
        room = 0.3 + 0.7 * float(soft(u * np.sign(s.focus_u), 0.4))
        radius, x, y = 0.03 + 0.07 * size, u * s.half_w, s.at_v(v * 0.8)
        w = s.window(x, y, radius * 1.4)
        gone = np.sqrt((w.x - x) ** 2 + (w.y - y) ** 2) / radius
        disc = soft(1 - gone, 0.1) * (0.7 + 0.3 * np.clip(gone, 0, 1) ** 2)
        screen(picture[w.cut], disc * (0.24 * bright * room), s.light * 0.6 + s.accent * 0.4)
    return picture


def _fronds(s: Stage, picture: Array) -> None:
    """Palm leaves behind, out of focus, from the outer edge."""
    for j in range(4):
        side = _sides(s, j)
        x, y = side * s.half_w * s.draw(0.95, 1.15), s.at_v(s.draw(-0.05, 0.8))
        angle = (np.pi if side > 0 else 0.0) + side * s.draw(-0.7, 0.9)
        painted = spray(s, Pose(x, y, s.draw(0.7, 1.05), angle, s.draw(0.7, 1), 0.035), 6, 0.8)
        if painted:
            w, cover, lit = painted
            dark, fresh = _tones(s, 0.35)
            over(picture[w.cut], cover * 0.8, mix(dark, fresh * 0.8, lit))


def _one(s: Stage, picture: Array, near: float, place: list[float]) -> None:
    out, down, turn, size, tilt, tone = place
    side = _sides(s, int(turn * 64))
    x, y = side * (0.62 + 0.5 * out) * s.half_w, s.at_v(-0.05 + 1.05 * down)
    hangs = s.half_w > 1.5 and turn > 0.4
    if hangs:  # a wide picture has more leaves hanging in from above, over the product's side
        x, y = (
            side * (abs(s.focus) - 1.3 + (s.half_w - abs(s.focus) + 1.3) * out),
            (0.12 * down - 1) * s.half_h,
        )
    elif s.half_w > 1.5:
        x = side * max(abs(x), s.half_w - 1.4 * out)
    length = (0.2 + 0.24 * size) * (1.15 - 0.25 * near) * (s.half_w * s.half_h) ** 0.1
    angle = (np.pi if side > 0 else 0.0) + side * (down - 0.55) * -1.6 + (turn - 0.5) * 1.4
    if hangs:
        angle = np.pi / 2 + (tilt - 0.5) * 1.4
    blur = 0.14 * (1 - near) ** 1.5 + 0.012 if near < 0.9 else 0.16
    pose = Pose(x, y, length, angle, 0.6 + 0.4 * tilt, blur)
    shadow = Pose(x - 0.05 * s.sun, y + 0.06, length, angle, pose.tilt, blur + 0.12)
    leaf(s, picture, shadow, s.deep, s.deep, 0.3)
    dark, fresh = _tones(s, near * (0.6 + 0.4 * tone) if near < 0.9 else 0.1)
    leaf(s, picture, pose, fresh * (0.75 + 0.35 * tone), dark)


def _tones(s: Stage, near: float) -> tuple[Array, Array]:
    """Dark and lit colour of a leaf at a depth, turned in autumn, rimed in winter."""
    dark, fresh = TURNED if s.season == "autumn" else (LEAF, FRESH)
    if s.season == "winter":
        fresh = fresh * 0.45 + np.float32(0.42)
    dark = s.local(dark, 0.3) * (0.75 + 0.35 * near)
    fresh = s.local(fresh, 0.3) * (0.6 + 0.45 * near)
    return dark * (1 - 0.15 * s.gold), fresh * (1 - 0.15 * s.gold) + s.accent * 0.12 * s.gold


def _sides(s: Stage, j: int) -> float:
    if s.copy_side == "center":
        return 1.0 if j % 2 else -1.0
    return 1.0 if s.focus_u > 0 else -1.0


def _slab(s: Stage, picture: Array, edge: float) -> None:
    over(picture, np.exp(np.minimum(s.y - edge, 0) / 0.1) * 0.4, s.local(LEAF, 0.5) * 0.4)
    top = surface(s, s.surface("stone"), level(s, edge))
    lit = np.exp(-(((s.x - s.focus) / 0.6) ** 2)) * 0.3 + 0.78
    over(picture, s.edge(s.y - edge), top * lit)
    rim = np.exp(-(((s.y - edge - 0.008) / max(0.008, s.pixel)) ** 2)) * 0.4
    screen(picture, rim, s.light)


SCENE = Scene(("foliage", "green leaves", "tropical foliage", "leafy backdrop"), paint, surface=True)
