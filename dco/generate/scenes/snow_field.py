"""Snow drifts in low light before pines that fade into haze; a sparkle here and there."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft

SNOW = np.array([0.97, 0.98, 1.0], np.float32)
SHADOW = np.array([0.62, 0.72, 0.86], np.float32)
PINE = np.array([0.16, 0.26, 0.24], np.float32)
PINES, MOST = 28, 200


def paint(s: Stage) -> Array:
    horizon = s.draw(0.5, 0.56)
    high = s.mid * 0.85 + s.deep * 0.05 + s.light * 0.1
    picture = s.ramp(high, s.light, np.clip(s.v / horizon, 0, 1) ** 0.85)
    veil = np.clip(s.noise(1, 4, octaves=5) * 0.35, 0, 0.5)
    over(picture, veil, s.light * 0.85 + 0.12 * (1 - s.dim))
    screen(
        picture,
        s.glow(s.sun * s.half_w * 0.55, s.at_v(horizon - 0.1), 0.55) * 0.6,
        s.accent * 0.4 + np.float32(0.5),
    )
    for j in range(3):
        _forest(s, picture, horizon, j)
    for j in range(4):
        _drift(s, picture, j / 3, horizon)
    _sparkle(s, picture)
    return picture


def _forest(s: Stage, picture: Array, horizon: float, j: int) -> None:
    """A row of pines: far ones are small, pale and close together."""
    haze = (0.8, 0.58, 0.3)[j]
    places = s.draws(MOST, 4)
    foot0, size = s.at_v(horizon) + 0.015 + 0.035 * j, 0.2 + 0.14 * j
    tone = s.local(PINE, 0.5) * (1 - haze) + (s.light * 0.7 + s.mid * 0.3) * haze
    count = min(MOST, round(PINES * s.half_w / (1 + 0.8 * j)))
    for place, tall, slim, snow in places[:count].tolist():
        u = 2 * place - 1
        aside = s.copy_side != "center" and u * s.focus_u < 0.1 * abs(s.focus_u)
        if aside and (j == 2 or j > 2 * snow):  # few and only far ones behind the copy
            continue
        if j == 2 and abs(u * s.half_w - s.focus) < 0.42:
            continue
        height = size * (0.6 + 0.7 * tall)
        foot = foot0 + 0.02 * snow
        _pine(s, picture, u * s.half_w, foot, height, height * (0.2 + 0.08 * slim), tone, 0.013 - 0.003 * j)
    low = np.exp(-(((s.y - foot0) / 0.1) ** 2)) * 0.55
    over(picture, low * (1 - 0.25 * j), s.light * 0.85 + s.mid * 0.15)


def _pine(
    s: Stage, picture: Array, x: float, foot: float, height: float, half: float, tone: Array, blur: float
) -> None:
    w = s.window(x, foot - height / 2, half * 1.4, height * 0.6)
    if not (w.x.size and w.y.size):
        return
    down = np.clip((w.y - foot + height) / height, 0, 1)  # 0 at the tip, 1 at the foot
    # Boughs hang in tiers, out of step left and right, and their tips are ragged.
    step = 9 * down**0.9 + 0.4 * (w.x > x) + 0.5 * np.abs(w.x - x) / half
    flare = step - np.floor(step)
    ragged = np.sin(w.x * 97 + w.y * 31 + x * 50) * 0.14 + np.sin(w.y * 71 - w.x * 43) * 0.16
    thick = half * (0.04 + 0.96 * down**0.9) * (0.66 + 0.34 * flare + ragged)
    cover = soft(thick - np.abs(w.x - x), blur) * soft(w.y - foot + height, blur) * soft(foot - w.y, 0.02)
    lit = np.clip(0.5 + 0.7 * (w.x - x) / half * s.sun, 0, 1)
    snow = np.clip(0.95 - flare * 1.5, 0, 1) * (0.15 + 0.45 * lit)
    over(picture[w.cut], cover * 0.95, mix(tone * 0.92, s.light * 0.75 + tone * 0.25, snow))


def _drift(s: Stage, picture: Array, near: float, horizon: float) -> None:
    base = s.at_v(horizon + 0.035 + (0.78 - horizon) * near**1.15)
    swell = 0.035 + 0.055 * near
    crest = (
        base
        + swell * s.ridge(0.7, octaves=2, gain=0.35) * 0.8
        + 0.02 * np.sin(s.x * s.draw(1, 2) + s.draw(0, 6))
    )
    below = s.y - crest
    t = np.maximum(below, 0)
    form = s.noise(0.9 + 0.5 * near, 2.4, octaves=3, gain=0.45)
    across = np.gradient(crest[0]) / s.pixel if crest.shape[1] > 1 else crest[0]
    lit = (
        0.62
        + 0.3 * np.tanh(form * 0.9 - across[None, :] * s.sun * 3)
        - 0.35 * np.clip(t * (1.6 - near), 0, 1)
    )
    light, shadow = s.local(SNOW, 0.3), s.local(SHADOW, 0.5) * 0.94
    snow = mix(shadow, light, np.clip(lit + np.exp(t / -0.05) * 0.3, 0, 1))
    snow *= 1 + s.noise(46, 60, octaves=2, gain=0.9) * 0.012 * near
    over(snow, (1 - near) * 0.35, s.light)
    over(picture, s.edge(below, 0.02 - 0.012 * near), snow)


def _sparkle(s: Stage, picture: Array) -> None:
    bright = 1 - 0.4 * s.night
    for u, v, size, calm in s.draws(70, 4).tolist():
        u = 2 * u - 1
        if calm > 0.4 and s.copy_side != "center" and u * s.focus_u < 0:
            continue
        x, y, radius = u * s.half_w, s.at_v(0.68 + 0.32 * v), 0.003 + 0.006 * size**3
        w = s.window(x, y, radius * 5 + s.pixel, radius * 5 + s.pixel)
        dx, dy = np.abs(w.x - x) / radius, np.abs(w.y - y) / radius
        star = np.exp(-(dx * dx + dy * dy) / 2) + 0.5 * size * (
            np.exp(-dx / 1.6 - dy * 3) + np.exp(-dy / 1.6 - dx * 3)
        )
        screen(
            picture[w.cut],
            np.minimum(star, 1) * bright * min(1.0, (2.2 * radius / s.pixel) ** 2),
            np.ones(3, np.float32),
        )


SCENE = Scene(("snow field", "snowy field", "snow drifts", "snowy landscape"), paint)
