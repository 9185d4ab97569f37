"""Above the clouds: banks of cumulus with lit edges, and one near cloud to stand on."""

from __future__ import annotations

import numpy as np

from dco.generate.canvas import Array, Scene, Stage, mix, over, screen, soft

PUFFS, MOST = 34, 150


def paint(s: Stage) -> Array:
    high = s.mid * 0.9 + s.deep * 0.1
    picture = s.ramp(high, s.light * 0.8 + s.mid * 0.2, np.clip(s.v * 1.25, 0, 1))
    screen(
        picture, s.glow(s.sun * s.half_w * 0.7, s.at_v(0.28), 0.7) * 0.55, s.accent * 0.4 + np.float32(0.45)
    )
    wisps = np.clip(s.noise(0.9, 5, octaves=6, gain=0.6) * 0.4 - 0.05, 0, 0.55) * soft(0.5 - s.v, 0.2)
    over(picture, wisps, s.light * 0.85 + 0.12 * (1 - s.dim))
    rough = s.noise(5, octaves=5, gain=0.6)
    for j in range(3):
        _bank(s, picture, j / 2, rough)
    _platform(s, picture, rough)
    return picture


def _tones(s: Stage, far: float) -> tuple[Array, Array]:
    lit = (s.light0 * 0.4 + 0.58) * (1 - 0.62 * s.dim) + s.accent * 0.06 * s.gold
    shade = s.mid * 0.62 + s.light * 0.38
    air = s.light * 0.7 + s.mid * 0.3
    return lit * (1 - far) + air * far, shade * (1 - far) + air * far


def _bank(s: Stage, picture: Array, near: float, rough: Array) -> None:
    """A row of heaped clouds that rises towards the product's outer side."""
    side = s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))
    count = min(MOST, round(PUFFS * s.half_w**0.9))
    base = s.at_v(0.56 + 0.17 * near)
    rows = sorted(s.draws(MOST, 4)[:count].tolist(), key=lambda row: row[1])
    for place, high, size, _ in rows:
        u = 2.3 * place - 1.15
        rise = (0.12 + 0.5 * max(0.0, u * side) ** 1.5) if s.copy_side != "center" else 0.12 + 0.42 * u * u
        radius = (0.09 + 0.13 * size) * (0.75 + 0.5 * near)
        y = base - (1 - high) * rise * (1.15 - 0.5 * near) + 0.05
        _puff(s, picture, u * s.half_w, y, radius, rough, (1 - near) * 0.62 + 0.12, 0.24)
    lit, shade = _tones(s, 0.45)
    over(picture, soft(s.y - base - 0.1, 0.16) * 0.75, lit * 0.6 + shade * 0.4)


def _platform(s: Stage, picture: Array, rough: Array) -> None:
    """The cloud under the product: broad, level on top, bright in the middle."""
    top = s.at_v(0.86)
    lit, shade = _tones(s, 0.1)
    rows = s.draws(44, 4)
    order = np.argsort(rows[:, 1])
    for place, down, size, _ in rows[order].tolist():
        u = 2 * place - 1
        wide = 0.95 * u * (1 + 0.25 * down)
        radius = (0.1 + 0.1 * size) * (1.1 - 0.5 * abs(u))
        y = top + 0.6 * radius + 0.22 * down + 0.05 * u * u - 0.03 * (1 - down)
        _puff(s, picture, s.focus + wide, y, radius, rough, 0.04, 0.12)
    floor = soft(s.y - top - 0.16, 0.14) * 0.5
    over(picture, floor * (0.6 + 0.1 * np.clip(rough, -1, 1)), lit * 0.75 + shade * 0.25)


def _puff(
    s: Stage, picture: Array, x: float, y: float, radius: float, rough: Array, far: float, fuzz: float
) -> None:
    """One swelling of a cloud: a ball with a ragged rim, lit from the sun's side and fading out below."""
    w = s.window(x, y, radius * 1.6)
    if not (w.x.size and w.y.size):
        return
    dx, dy = (w.x - x) / radius, (w.y - y) / radius
    ragged = rough[w.cut[1:]]
    gone = np.sqrt(dx * dx + dy * dy) + 0.13 * ragged
    height = np.sqrt(np.maximum(1 - gone * gone, 0))
    glow = 0.42 + 0.42 * (0.55 * dx * s.sun - 0.75 * dy) + 0.22 * height + 0.09 * ragged
    lit, shade = _tones(s, far)
    body = mix(shade, lit, np.clip(glow, 0, 1))
    edge = np.clip(gone - 0.62, 0, 0.4) * 2.2 * np.clip(0.3 + dx * s.sun - dy, 0, 1)
    screen(body, np.minimum(edge, 0.8) * (1 - far) * (0.55 + 0.3 * s.gold), lit)
    over(picture[w.cut], soft(1 - gone, fuzz) * soft(0.75 - dy, 0.5) * 0.95, body)


SCENE = Scene(("cloudscape", "clouds", "above the clouds", "dreamy sky"), paint)
