"""Folds of silk: sheets that lie over each other, shaded by the slope of the cloth, with a soft sheen on every crest."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen

SHEETS = 5


def paint(s: Stage) -> Array:
    light = np.clip(0.35 + 0.4 * s.v + 0.3 * s.u * s.sun, 0, 1)
    picture = s.ramp(s.light, s.light * 0.55 + s.mid * 0.45, light)
    toward = s.u * np.sign(s.focus_u) if s.copy_side != "center" else s.v * 2 - 0.9
    calm = np.clip(0.5 + 0.85 * toward, 0.12, 1) * np.ones((s.height, 1), np.float32)
    hems = [_hem(s, j) for j in range(SHEETS)]
    folds = [(s.draw(3, 5), s.draw(1.3, 2.2), s.draw(0, 6.28), s.draw(0, 6.28)) for _ in hems]
    lowest = [*(float(hem.max()) for hem in hems[1:]), s.half_h + 1]
    for j, hem in enumerate(hems):
        # A sheet shows from its own hem to the next one's; above it lies its shadow.
        top, foot = float(hem.min()), lowest[j] + 0.03
        shadow = slice(*np.searchsorted(s.y[:, 0], (top - 0.6, float(hem.max()) + 0.03)))
        _shadow(s, picture[:, shadow], s.y[shadow], hem, calm[shadow])
        rows = slice(*np.searchsorted(s.y[:, 0], (top - 0.03, foot)))
        _sheet(s, picture[:, rows], s.y[rows], hem, j, folds[j], calm[rows])
    return picture


def _hem(s: Stage, j: int) -> Array:
    """The upper edge of a sheet, float32[1, width]."""
    x = s.x / np.float32(s.half_w**0.5)  # a banner gets longer waves, not only more of them
    rise, slow, fast = s.draw(-0.22, 0.22), s.draw(0.9, 1.7), s.draw(1.9, 3.1)
    p0, p1 = s.draw(0, 6.28), s.draw(0, 6.28)
    line = rise * (x - s.focus / s.half_w**0.5) + 0.26 * np.sin(x * slow + p0) + 0.09 * np.sin(x * fast + p1)
    # The cloth rises towards the product and leaves the copy's side low.
    lean = -0.3 * s.u * np.sign(s.focus_u) if s.copy_side != "center" else np.float32(0)
    return np.asarray(s.at_v(0.32 + 0.15 * j) + line + lean, np.float32)


def _shadow(s: Stage, part: Array, y: Array, hem: Array, calm: Array) -> None:
    above = np.maximum(hem - y, 0)
    fall = np.exp(above * np.float32(-1 / 0.05)) * 0.3 + np.exp(above * np.float32(-1 / 0.2)) * 0.16
    over(part, fall * (0.5 + 0.5 * calm), s.deep)


def _sheet(
    s: Stage, part: Array, y: Array, hem: Array, j: int, fold: tuple[float, float, float, float], calm: Array
) -> None:
    """One sheet: the slope of the cloth below its hem, and the light on that slope."""
    drape, along, p0, p1 = fold
    x = s.x / np.float32(s.half_w**0.5)
    below = np.maximum(y - hem, 0)
    # The folds run along the hem and open away from it, so their phase is bent by both.
    phase = x * along + below * (drape * 2) + 0.8 * np.sin(x * 1.3 - below * drape + p0) + p1
    slope = np.cos(phase) * 0.75 + np.cos(phase * 2.3 + below * 3 + p0) * (0.25 * calm)
    slope *= np.clip(0.35 + below * 2.2, 0, 1) * (0.35 + 0.65 * calm)
    base = _tone(s, j / (SHEETS - 1))
    if j == 2:
        base = base * 0.45 + s.accent * 0.55 * (1 - 0.5 * s.dim)
    cloth = mix(base * 0.66 + s.deep * 0.06, base * 1.02 + s.light * 0.1, np.clip(0.5 + 0.5 * slope, 0, 1))
    rim = np.exp(-(((y - hem - 0.012) / max(0.012, s.pixel)) ** 2)) * (0.1 + 0.16 * calm)
    sheen = np.maximum(1 - ((slope - 0.72) / 0.4) ** 2, 0) ** 2 * calm
    screen(cloth, sheen * (0.2 + 0.12 * s.drama) * (1 - 0.15 * s.night) + rim * (1 + s.dim), s.light0)
    over(part, s.edge(y - hem, 0.005), cloth)


def _tone(s: Stage, near: float) -> Array:
    """From the light of the palette behind to its deep tone in front."""
    weights = np.array([(1 - near) ** 1.3, (1 - abs(2 * near - 1)) * 0.9, 0.62 * near**1.8], np.float32)
    return np.asarray(weights / weights.sum() @ np.stack([s.light, s.mid, s.deep]), np.float32)


SCENE = Scene(
    ("abstract waves", "flowing abstract waves", "abstract ribbons", "flowing silk", "satin folds"), paint
)
