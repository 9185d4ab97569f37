"""An evening street out of focus: discs of light from small and far to large and near, over a wet pavement."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft
from dco.generate.paint.lens import bokeh, halo

LAMP = np.array([1.0, 0.76, 0.42], np.float32)
HEAD = np.array([1.0, 0.96, 0.88], np.float32)
TAIL = np.array([1.0, 0.2, 0.12], np.float32)
FACADES = 9
FAR, MIDDLE, NEAR = 46, 16, 6


def paint(s: Stage) -> Array:
    dark = min(1.0, 0.45 + 0.55 * s.night + 0.35 * s.drama + 0.1 * s.gold)
    horizon = s.at_v(s.draw(0.62, 0.68))
    vanish = -s.focus * s.draw(0.15, 0.45)
    picture = _street(s, horizon, vanish, dark)
    lights = _lights(s, horizon, vanish, dark)
    over(picture, s.edge(s.y - horizon, 0.05), _pavement(s, horizon, lights, dark))
    for x, y, radius, strength, tint in lights:
        halo(s, picture, (x, y), radius * 1.9, strength * 0.22, tint)
        bokeh(s, picture, (x, y), radius, strength, tint)
    return picture


Light = tuple[float, float, float, float, Array]


def _street(s: Stage, horizon: float, vanish: float, dark: float) -> Array:
    """Sky between two rows of facades, all of it blurred past any edge."""
    low = s.mid * (0.62 - 0.2 * dark) + s.light * (0.38 - 0.22 * dark) + s.deep * (0.42 * dark)
    picture = s.ramp(
        s.mid * (0.55 - 0.4 * dark) + s.deep * (0.45 + 0.4 * dark), low, np.clip(s.v * 1.5, 0, 1)
    )
    for j, (out, tall, wide, tone) in enumerate(s.draws(FACADES, 4).tolist()):
        side = -1.0 if j % 2 else 1.0
        x = vanish + side * (0.3 + (0.15 + 1.1 * out) * s.half_w)
        top = horizon - (0.3 + 1.2 * tall) * (0.35 + 1.2 * out) * s.half_h**0.5
        block = soft(0.16 + 0.3 * wide * s.half_w - np.abs(s.x - x), 0.07) * soft(s.y - top, 0.14)
        wall = (s.deep * (0.7 + 0.3 * tone) + s.mid * 0.3 * tone) * (1 - 0.2 * dark)
        over(picture, block * (0.4 + 0.4 * tone), wall)
    gone = ((s.x - vanish) / 0.8) ** 2 + ((s.y - horizon) / 0.4) ** 2
    screen(picture, np.exp(-gone) * 0.3, s.local(LAMP, 0.45))
    return picture


def _lights(s: Stage, horizon: float, vanish: float, dark: float) -> list[Light]:
    """Far lights crowd around the vanishing point, near ones are large and faint; the copy's side keeps few."""
    warm, head, tail = (s.local(c, 0.18) for c in (LAMP, HEAD, TAIL))
    tints = (warm, warm, head, s.accent, warm * 0.5 + s.accent * 0.5, tail)
    gain = 0.55 + 0.45 * dark
    found: list[Light] = []
    for j, (out, up, size, shine, kind, order) in enumerate(s.draws(FAR + MIDDLE + NEAR, 6).tolist()):
        depth = 0 if j < FAR else 1 if j < FAR + MIDDLE else 2
        spread = (0.6, 0.95, 1.15)[depth] * s.half_w
        middle = (vanish * 0.5 + s.focus * 0.5, s.focus * 0.75, s.focus)[depth]
        x = middle + (2 * out - 1) * (abs(2 * out - 1) ** 0.5) * spread
        rise = (0.34, 0.8, 1.3)[depth] * s.half_h**0.6
        y = horizon - 0.02 - rise * up ** (1.6, 1.2, 1.0)[depth] + (0.0, 0.03, 0.12)[depth]
        radius = (0.018 + 0.03 * size, 0.055 + 0.06 * size, 0.15 + 0.13 * size)[depth]
        strength = (0.42 + 0.5 * shine, 0.24 + 0.45 * shine, 0.09 + 0.16 * shine)[depth] * gain
        if s.copy_side != "center" and (x - 0.1 * s.focus) * s.focus < 0:
            strength *= 0.34 if depth else 0.6
        low = up < 0.3
        tint = tints[5] if low and kind < 0.3 else tints[2] if low and kind < 0.55 else tints[int(kind * 5)]
        found.append((x, y, radius, strength * (0.8 + 0.2 * order), tint))
    return found


def _pavement(s: Stage, horizon: float, lights: list[Light], dark: float) -> Array:
    """Wet asphalt: every light stands in it as a streak that the ripples break up."""
    depth = np.clip((s.y - horizon) / max(s.half_h - horizon, 0.2), 0, 1)
    near = s.deep * (0.6 - 0.25 * dark) + s.mid * (0.22 - 0.14 * dark)
    floor = s.ramp(s.mid * 0.45 + s.deep * 0.4, near, depth**0.7)
    wet = np.clip(0.62 + 0.34 * s.noise(2.2, 9, octaves=3), 0.1, 1.3)
    grit = np.clip(s.noise(110, 300, octaves=1) - 0.5, 0, 1.5) * depth
    ripple = np.clip(0.8 + 0.3 * s.noise(7, 26, octaves=3), 0, 1.6) * wet
    sheet = np.zeros_like(floor)
    for x, y, radius, strength, tint in lights:
        if radius > 0.12:
            continue
        mirror, long = horizon + (horizon - y) * 0.7, 0.12 + radius * 2.2
        w = s.window(x, mirror + long * 0.5, radius * 3, long * 3)
        if w.x.size and w.y.size:
            streak = np.exp(-(((w.x - x) / (radius * 1.15)) ** 2) - ((w.y - mirror - long * 0.4) / long) ** 2)
            sheet[w.cut] += streak * np.float32(strength * 0.8) * tint[:, None, None]
    lit = sheet * (ripple + 0.4 * grit)
    floor += (1 - floor) * (lit / (1 + 0.6 * lit))
    return mix(floor, floor * 0.8 + near[:, None, None] * 0.2, depth)


SCENE = Scene(
    ("city bokeh", "evening street lights", "blurred city lights", "bokeh lights of a street"), paint
)
