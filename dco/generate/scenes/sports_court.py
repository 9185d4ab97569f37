"""A playing floor under arena lights: lines that run to the far boards, dark stands, beams in the haze."""

from __future__ import annotations

from typing import Any

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen
from dco.generate.paint.lens import blur, bokeh, halo
from dco.generate.paint.materials import Plane, surface

HARDWOOD = np.array([0.72, 0.49, 0.29], np.float32)
LAMP = np.array([0.97, 0.98, 1.0], np.float32)
LAMPS, CROWD = 6, 70
KINDS = ("hardwood", "track", "court")


def paint(s: Stage) -> Array:
    kind = KINDS[int(s.draw() * len(KINDS))]
    far, vanish = s.at_v(s.draw(0.55, 0.6)), s.at_v(s.draw(0.36, 0.42))
    dark = min(1.0, 0.16 + 0.66 * s.drama + 0.8 * s.night + 0.12 * s.gold)
    lamps = _lamps(s)
    picture = _stands(s, far, dark)
    for x, y, lean, shine in lamps:
        _beam(s, picture, (x, y), lean, shine * (0.4 + 0.5 * dark))
    floor = _floor(s, kind, far, vanish, dark)
    _gloss(s, floor, picture, far)
    over(picture, s.edge(s.y - far, 0.008), floor)
    over(picture, np.exp(-np.maximum(s.y - far, 0) / 0.05) * s.edge(s.y - far) * 0.4, s.deep * 0.6)
    haze = np.exp(-(((s.y - far) / 0.2) ** 2) - ((s.x - s.focus) / 1.3) ** 2)
    screen(picture, haze * (0.12 + 0.12 * dark), s.accent * 0.35 + s.light0 * 0.65)
    for x, y, _, shine in lamps:
        halo(s, picture, (x, y), 0.16, shine * (0.3 + 0.25 * dark), s.light0 * 0.5 + LAMP * 0.5)
        halo(s, picture, (x, y), 0.035, shine, LAMP)
    return picture


def _lamps(s: Stage) -> list[tuple[float, float, float, float]]:
    """x, y, where its beam leans, and brightness; the copy's side has the faint ones."""
    found = []
    for j, (jitter, up, lean, shine) in enumerate(s.draws(LAMPS, 4).tolist()):
        u = (2 * (j + 0.25 + 0.5 * jitter) / LAMPS - 1) * 1.02
        copy = s.copy_side != "center" and u * s.focus_u < 0
        x, y = u * s.half_w, s.at_v(0.05 + 0.07 * up)
        aim = s.focus + (lean - 0.5) * 1.1
        found.append((x, y, aim, (0.55 + 0.45 * shine) * (0.35 if copy else 1)))
    return found


def _stands(s: Stage, far: float, dark: float) -> Array:
    """Roof, tiers of seats out of focus, and the boards at the far edge of the floor."""
    high = s.mid * (0.62 - 0.5 * dark) + s.deep * (0.38 + 0.3 * dark)
    low = s.mid * (0.7 - 0.38 * dark) + s.light * (0.3 - 0.2 * dark) + s.deep * 0.3 * dark
    picture = s.ramp(high, low, np.clip((s.y + s.half_h) / (far + s.half_h), 0, 1) ** 1.5)
    band = np.clip((far - 0.08 - s.y) / 0.5, 0, 1) * (s.y < far - 0.08)
    tiers = 0.5 + 0.5 * np.sin((far - s.y) * 46)
    over(picture, tiers * np.exp(-(((band - 0.3) / 0.3) ** 2)) * 0.2, s.deep * (1 - 0.3 * dark))
    for px, py, size, tone in s.draws(CROWD, 4).tolist():
        place = ((2 * px - 1) * s.half_w, far - 0.11 - 0.36 * py)
        calm = 0.45 if s.copy_side != "center" and place[0] * s.focus < 0 else 1.0
        tint = s.accent if tone > 0.8 else s.light0 * (0.4 + 0.5 * tone) + s.mid0 * 0.2
        bokeh(s, picture, place, 0.012 + 0.016 * size, (0.1 + 0.24 * tone) * calm, tint)
    board = s.edge(s.y - far + 0.085, 0.01)
    over(picture, board * 0.92, s.deep * 0.75 + s.mid * 0.25)
    strip = np.exp(-(((s.y - far + 0.045) / 0.014) ** 2))
    screen(picture, strip * (0.4 + 0.35 * dark) * (0.4 + 0.6 * np.exp(-((s.x - s.focus) ** 2))), s.accent)
    return picture


def _beam(s: Stage, picture: Array, lamp: tuple[float, float], aim: float, shine: float) -> None:
    """A cone of lit haze from a lamp towards a place on the floor."""
    x, y = lamp
    dx, dy = aim - x, s.at_v(0.9) - y
    long = float(np.hypot(dx, dy))
    along = ((s.x - x) * dx + (s.y - y) * dy) / long
    across = ((s.x - x) * dy - (s.y - y) * dx) / long
    wide = 0.035 + 0.15 * np.maximum(along, 0)
    cone = np.exp(-((across / wide) ** 2)) * np.exp(-np.maximum(along, 0) / 0.8) * np.clip(along / 0.06, 0, 1)
    screen(picture, cone * np.float32(0.55 * shine), s.light0 * 0.55 + LAMP * 0.15 + s.accent * 0.3)


def _floor(s: Stage, kind: str, far: float, vanish: float, dark: float) -> Array:
    """The floor in perspective with its lines; `z` is the distance of a row from the eye, 1 at the bottom edge."""
    z = np.maximum((s.half_h - vanish) / np.maximum(s.y - vanish, (far - vanish) * 0.8), 0.05)
    x = (s.x - s.focus * 0.35) * z
    plane = Plane(x, np.broadcast_to(z * 1.6, (s.height, s.width)).astype(np.float32), s.pixel * z * z * 1.6)
    first = s.draw(1.25, 1.5)
    if s.material != "none":
        ground = surface(s.fork("surface"), s.material, plane)
    elif kind == "hardwood":
        wood = surface(s.fork("surface"), "wood", plane)
        ground = wood * 0.55 + s.local(HARDWOOD, 0.15)[:, None, None] * 0.45
    else:
        clay = s.mid * 0.75 + s.deep * 0.2 + s.accent * 0.08
        rough = np.float32(0.025) * s.noise(80, 220, octaves=2, gain=0.8)
        ground = mix(clay * 0.92, clay * 0.8, np.clip((s.y - far) * 0.8, 0, 1)) * (1 + rough)
        ground = np.array(np.broadcast_to(ground, (3, s.height, s.width)), np.float32)
    lines = _lines(s, kind, x, z, s.half_h - vanish, first)
    chalk = s.light0 * 0.35 + 0.6
    if kind == "hardwood":
        over(ground, _zone(s, x, z, s.half_h - vanish, first) * 0.55, s.accent * 0.5 + s.mid * 0.5)
    over(ground, np.minimum(lines, 1) * (0.85 - 0.25 * dark), chalk * (1 - 0.3 * dark))
    pool = np.exp(-(((s.x - s.focus) / 0.8) ** 2) - ((s.y - s.at_v(0.88)) / 0.26) ** 2)
    ground *= 0.76 - 0.2 * dark + 0.34 * pool
    return ground


def _line(s: Stage, off: Any, half: float, scale: Any) -> Array:
    """Coverage of a painted line whose centre is `off` floor units away; `scale` is floor units per picture unit."""
    thin = np.minimum(
        half * 1.6 / (scale * np.float32(s.pixel)), 1
    )  # a line under a pixel wide covers part of it
    return np.asarray(s.edge((half - np.abs(off)) / scale) * thin, np.float32)


def _lines(s: Stage, kind: str, x: Array, z: Array, eye: float, first: float) -> Array:
    wide = 0.022
    lane, phase = s.draw(0.42, 0.56), s.draw(0.3, 0.7)
    steep, level = z * z / eye, 1.2 / eye
    if kind == "track":
        side = np.abs((x / lane + phase) % 1 - 0.5) * lane - lane * 0.5
        return _line(s, side, wide, z) + _line(s, z - first, wide * 1.6 * level, steep)
    across = _line(s, z - first, wide * level, steep) + _line(s, z - first - 1.6, wide * level, steep)
    if kind == "court":
        return across + _line(s, x - 1.5 * s.sun * lane, wide, z) + _line(s, x + 2.1 * s.sun * lane, wide, z)
    gone = np.hypot(x - 0.2 * s.sun, (z - first) * (0.92 * eye))
    return across + _line(s, gone - 0.75, wide, z) + _line(s, x + 2.6 * s.sun * lane, wide, z)


def _zone(s: Stage, x: Array, z: Array, eye: float, first: float) -> Array:
    """The painted middle of a hardwood floor."""
    return np.asarray(s.edge(0.75 - np.hypot(x - 0.2 * s.sun, (z - first) * (0.92 * eye)), 0.006), np.float32)


def _gloss(s: Stage, floor: Array, picture: Array, far: float) -> None:
    """What a polished floor gives back: the lights and stands upside down, drawn out downwards."""
    first = int(np.searchsorted(s.y[:, 0], far))
    if first >= s.height or not first:
        return
    source = np.clip(np.searchsorted(s.y[:, 0], far - (s.y[first:, 0] - far) * 1.7), 0, first - 1)
    mirror = np.zeros_like(floor)
    mirror[:, first:] = picture[:, source]
    hazy = np.stack([blur(s, plane, max(0.05, s.pixel)) for plane in mirror])
    fade = np.clip(1 - (s.y - far) / (1.15 * s.half_h), 0.15, 1)
    screen(floor, 0.42 * fade * s.edge(s.y - far), hazy)


SCENE = Scene(
    ("sports court", "sports arena", "basketball court", "running track", "stadium floor"),
    paint,
    surface=True,
)
