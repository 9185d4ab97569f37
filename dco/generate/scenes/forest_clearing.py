"""A mossy clearing between trunks out of focus, with shafts of light through the mist."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.flora import Pose, spray

BARK = np.array([0.3, 0.22, 0.16], np.float32)
MOSS = np.array([0.37, 0.42, 0.17], np.float32)
GREEN = np.array([0.3, 0.44, 0.22], np.float32)
FERN = (np.array([0.08, 0.14, 0.06], np.float32), np.array([0.26, 0.36, 0.14], np.float32))
TRUNKS, MOST = 20, 80


def paint(s: Stage) -> Array:
    floor = s.draw(0.66, 0.71)
    picture = _depth(s, floor)
    places = s.draws(MOST, 5)
    count = min(MOST, round(TRUNKS * s.half_w**0.8))
    for j in range(count):
        if j == count * 2 // 3:
            _mist(s, picture, floor)
        _trunk(s, picture, j / count, floor, places[j].tolist())
    _bushes(s, picture, floor)
    _moss(s, picture, floor)
    _shafts(s, picture)
    _ferns(s, picture)
    return picture


def _leaves(s: Stage) -> Array:
    """The colour of the crowns in the season."""
    if s.season == "autumn":
        return np.array([0.66, 0.42, 0.14], np.float32)
    return GREEN * 0.4 + np.float32(0.36) if s.season == "winter" else GREEN


def _depth(s: Stage, floor: float) -> Array:
    leaves = np.clip(0.5 + 0.3 * s.noise(3, 3, octaves=3), 0, 1)
    far = s.local(_leaves(s), 0.75)
    picture = s.ramp(s.light * 0.5 + s.mid * 0.5, far * 0.8 + s.mid * 0.2, leaves)
    over(picture, soft(0.24 - s.v, 0.35) * 0.45, s.local(_leaves(s), 0.6) * 0.6)
    x, y = s.focus * 0.7 + 0.12 * s.sun, s.at_v(floor - 0.3)
    away = ((s.x - x) / (0.75 * s.half_w**0.5)) ** 2 + ((s.y - y) / (0.75 * s.half_h**0.5)) ** 2
    screen(picture, np.exp(-away) * 0.75, s.light * 0.75 + s.accent * 0.15)
    for u, v, size, bright in s.draws(30, 4).tolist():
        x, y, radius = (2 * u - 1) * s.half_w, s.at_v(v * 0.45), 0.025 + 0.05 * size
        w = s.window(x, y, radius * 1.3)
        gone = np.sqrt((w.x - x) ** 2 + (w.y - y) ** 2) / radius
        screen(picture[w.cut], soft(1 - gone, 0.12) * (0.3 * bright), s.light)
    return picture


def _trunk(s: Stage, picture: Array, near: float, floor: float, place: list[float]) -> None:
    out, size, lean, tone, bend = place
    # Near trunks stand aside: the product's place and the copy's keep their view into the light.
    u = (2 * out - 1) * (1 if near < 0.55 else 0.35) + (0 if near < 0.55 else 0.8 * (1 if out > 0.5 else -1))
    if near >= 0.55 and s.copy_side != "center":
        u = abs(u) * float(np.sign(s.focus_u))
    x, radius = u * s.half_w, (0.02 + 0.025 * size) * (1 + 3.2 * near * near)
    foot = s.at_v(floor) + 0.02 + 0.16 * near**2
    w = s.window(x, 0, radius * 2 + 0.25, s.half_h)
    if not w.x.size:
        return
    climb = (foot - w.y) * 0.5
    middle = x + (lean - 0.5) * 0.16 * climb + 0.02 * np.sin(climb * 4 + bend * 6)
    thick = radius * (1.05 - 0.12 * climb + 0.5 * np.exp(np.maximum(climb, -0.05) / -0.06))
    blur = 0.02 + 0.016 * (1 - near) if near < 0.8 else 0.035
    across = np.clip((w.x - middle) / thick, -1, 1)
    haze = (1 - near) ** 1.1 * 0.72
    bark = s.local(BARK, 0.45) * (0.55 + 0.3 * tone)
    streak = s.fork(f"bark{out:.5f}").noise(14, 2, octaves=3)[w.cut[1:]] * 0.1 if near > 0.6 else 0
    body = mix(
        bark * 0.7, bark * 1.5 + s.light * 0.12, np.clip(0.5 + 0.5 * across * s.sun + streak, 0, 1) ** 1.5
    )
    over(body, haze, s.light * 0.55 + s.mid * 0.45)
    over(picture[w.cut], soft(thick - np.abs(w.x - middle), blur) * soft(foot - w.y, 0.02) * 0.94, body)


def _mist(s: Stage, picture: Array, floor: float) -> None:
    low = np.exp(-(((s.v - floor) / 0.16) ** 2)) * np.clip(0.5 + 0.2 * s.noise(1, 3, octaves=3), 0, 0.8)
    screen(picture, low, s.light * 0.85)


def _bushes(s: Stage, picture: Array, floor: float) -> None:
    """Low growth out of focus, which hides where the trunks meet the ground."""
    for far, tall in ((0.6, 0.2), (0.25, 0.11)):
        crest = s.at_v(floor) + 0.03 - tall * np.clip(0.5 + 0.5 * s.ridge(3, octaves=4), 0, 1.6)
        tone = s.local(_leaves(s), 0.5) * 0.75 * (1 - far) + (s.light * 0.5 + s.mid * 0.5) * far
        over(picture, soft(s.y - crest, 0.04) * 0.8, tone)


def _moss(s: Stage, picture: Array, floor: float) -> None:
    edge = s.at_v(floor) + 0.05 * s.ridge(1.1, octaves=4)
    below = s.y - edge
    depth = np.clip(below / (s.at_v(1) - s.at_v(floor)), 0, 1)
    clumps = s.noise(2.5, 8, octaves=5, gain=0.55) * 0.17
    fine = s.noise(34, 52, octaves=3, gain=0.9) * (0.04 + 0.09 * depth)
    pool = np.exp(-(((s.x - s.focus) / 0.75) ** 2) - (((s.v - 0.86) / 0.13) ** 2)) * 0.44
    moss = MOSS * 0.25 + np.float32(0.58) if s.season == "winter" else MOSS
    lit = s.local(moss, 0.3)
    ground = mix(lit * 0.55, lit * 1.35, np.clip(0.34 + clumps + fine + pool - 0.1 * depth, 0, 1))
    over(ground, np.exp(np.maximum(below, 0) / -0.06) * 0.5, s.light * 0.6 + s.mid * 0.4)
    over(picture, s.edge(below, 0.035), ground)


def _shafts(s: Stage, picture: Array) -> None:
    """Beams from a point above the frame; how bright each is, is noise over its angle."""
    x0, y0 = s.sun * s.half_w * 0.7, -s.half_h - 0.7
    angle = np.arctan2(s.x - x0, s.y - y0)
    knots = s.draws(40) ** 2
    beams = np.interp(angle, np.linspace(-1.5, 1.5, 40), knots).astype(np.float32)
    fine = np.interp(angle, np.linspace(-1.5, 1.5, 120), s.draws(120)).astype(np.float32)
    fade = np.exp(-((s.v - 0.35) ** 2) / 0.14)
    calm = 0.5 if s.copy_side == "center" else 0.35 + 0.65 * soft(s.u * np.sign(s.focus_u) + 0.2, 0.4)
    beams = beams * (0.75 + 0.25 * fine) * fade * calm * (0.9 - 0.3 * s.night)
    screen(picture, beams, s.light * 0.85 + s.accent * 0.12)


def _ferns(s: Stage, picture: Array) -> None:
    for j in range(5):
        side = (1.0 if j % 2 else -1.0) if s.copy_side == "center" else float(np.sign(s.focus_u))
        x, y = side * (s.half_w - s.draw(-0.05, 0.2)), s.at_v(s.draw(0.93, 1.06))
        angle = -np.pi / 2 - side * s.draw(-0.2, 1.0)
        pose = Pose(x, y, s.draw(0.4, 0.62), angle, s.draw(0.6, 0.9), 0.025 + 0.03 * (j % 2))
        painted = spray(s, pose, 8, 0.62)
        if painted:
            w, cover, lit = painted
            dark, fresh = (s.local(c, 0.3) for c in FERN)
            over(picture[w.cut], cover * 0.95, mix(dark, fresh, lit))


SCENE = Scene(("forest clearing", "forest", "woodland clearing", "mossy forest floor"), paint)
