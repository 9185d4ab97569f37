"""Above the clouds: banks of cumulus with lit edges, and one near cloud to stand on."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft

PUFFS, MOST = 84, 800
Puff = tuple[float, float, float]
"""Centre and radius of one swelling, in units."""


def paint(s: Stage) -> Array:
    high = s.mid * 0.85 + s.deep * 0.15
    picture = s.ramp(high, s.light * 0.8 + s.mid * 0.2, np.clip(s.v * 1.25, 0, 1))
    screen(
        picture, s.glow(s.sun * s.half_w * 0.7, s.at_v(0.28), 0.7) * 0.55, s.accent * 0.4 + np.float32(0.45)
    )
    wisps = np.clip(s.noise(0.9, 5, octaves=6, gain=0.6) * 0.4 - 0.05, 0, 0.55) * soft(0.5 - s.v, 0.2)
    over(picture, wisps, s.light * 0.85 + 0.12 * (1 - s.dim))
    # Rounded bumps with creases between them: what makes a heap of cloud look boiled up.
    rough = 0.85 - np.abs(s.noise(2.4, octaves=6, gain=0.66)) * 1.1
    for j in range(3):
        _bank(s, picture, j / 2, rough)
    _platform(s, picture, rough)
    return picture


def _tones(s: Stage, far: float) -> tuple[Array, Array]:
    lit = (s.light0 * 0.4 + 0.58) * (1 - 0.62 * s.dim) + s.accent * 0.06 * s.gold
    shade = s.mid * 0.66 + s.deep * 0.1 + s.light * 0.24
    air = s.light * 0.7 + s.mid * 0.3
    return lit * (1 - far) + air * far, shade * (1 - far) + air * far


def _bank(s: Stage, picture: Array, near: float, rough: Array) -> None:
    """A row of heaped clouds that rises towards the product's outer side."""
    side = s.sun if s.copy_side == "center" else float(np.sign(s.focus_u))
    count = min(MOST, round(PUFFS * s.half_w))
    base = s.at_v(0.58 + 0.18 * near)
    puffs: list[Puff] = []
    for place, high, size in s.draws(MOST, 3)[:count].tolist():
        u = 2.3 * place - 1.15
        rise = (
            (0.03 + 0.75 * max(0.0, u * side + 0.1) ** 1.4) if s.copy_side != "center" else 0.08 + 0.5 * u * u
        )
        lift = min(high, 0.9) ** 2.2 / s.half_w**0.3
        radius = (0.07 + 0.16 * size**1.5) * (0.8 + 0.4 * near) * (1.1 - 0.45 * lift)
        if s.copy_side != "center":
            radius *= 0.62 + 0.38 * float(soft(u * side + 0.1, 0.4))
        radius += 0.03
        puffs.append((u * s.half_w, base + 0.06 - lift * rise * (1.2 - 0.45 * near), radius))
    _heap(s, picture, puffs, rough, (1 - near) * 0.5 + 0.15, base + 0.14)
    lit, shade = _tones(s, 0.45)
    over(picture, soft(s.y - base - 0.12, 0.2) * 0.6, lit * 0.65 + shade * 0.35)


def _platform(s: Stage, picture: Array, rough: Array) -> None:
    """The cloud under the product: broad, nearly level on top, bright in the middle."""
    top = s.at_v(0.85)
    puffs: list[Puff] = []
    for place, down, size in s.draws(120, 3).tolist():
        u = 2 * place - 1
        radius = (0.13 + 0.11 * size) * (1.15 - 0.5 * abs(u))
        puffs.append(
            (s.focus + 1.3 * u, top + 0.8 * radius + 0.3 * down * down + 0.1 * u * u + 0.22 * u**6, radius)
        )
    _heap(s, picture, puffs, rough, 0.02, s.half_h + 0.6)


def _heap(s: Stage, picture: Array, puffs: list[Puff], rough: Array, far: float, base: float) -> None:
    """Swellings joined into one body, roughened, and lit by its slope towards the sun; it thins out below `base`."""
    total = np.zeros((s.height, s.width), np.float32)
    for x, y, radius in puffs:
        w = s.window(x, y, radius * 1.5)
        gone = ((w.x - x) ** 2 + (w.y - y) ** 2) * np.float32(1 / radius**2)
        swell = np.maximum(1 - gone, 0) * np.float32(radius)
        total[w.cut[1:]] += swell * swell * swell
    # The cube root of the sum of cubes: the highest swelling rules, and neighbours run into each other.
    start = min(y - radius for _, y, radius in puffs)
    w = s.window(0.0, (start + s.half_h) / 2, s.half_w + 1, (s.half_h - start) / 2)
    total, rough = total[w.cut[1:]], rough[w.cut[1:]]
    height = np.cbrt(total) + rough * np.float32(0.05) - np.float32(0.1)
    across, down = 0.75 * _slope(s, height, 1), 0.75 * _slope(s, height, 0)
    facing = (0.45 - 0.5 * s.sun * across + 0.75 * down) / np.sqrt(1 + across * across + down * down)
    lit, shade = _tones(s, far)
    glow = np.clip(0.27 + 0.62 * facing + 0.08 * rough + 0.6 * np.minimum(height, 0.2), 0, 1)
    body = mix(shade, lit, glow)
    rim = np.exp(-np.maximum(height, 0) / 0.035) * np.clip(facing + 0.15, 0, 1)
    screen(body, rim * ((1 - far) * (0.35 + 0.3 * s.gold)), lit)
    cover = soft(height - 0.01, 0.03 + 0.03 * far) * soft(base - w.y, 0.14)
    over(picture[w.cut], cover * 0.97, body)


def _slope(s: Stage, height: Array, axis: int) -> Array:
    """Rise per unit along an axis, over a step of fixed length, so that every size sees the same relief."""
    step = max(1, round(0.022 / s.pixel))
    wide = np.pad(height, [(step, step) if a == axis else (0, 0) for a in (0, 1)], "edge")
    n = height.shape[axis]
    ahead, behind = np.take(wide, range(2 * step, 2 * step + n), axis), np.take(wide, range(n), axis)
    return np.asarray(np.clip((ahead - behind) / np.float32(2 * step * s.pixel), -3, 3), np.float32)


SCENE = Scene(("cloudscape", "clouds", "above the clouds", "dreamy sky"), paint)
