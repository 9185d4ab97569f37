"""A slow gradient of the palette with soft bands of light, and satin balls floating on the product's side."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, screen, soft


def paint(s: Stage) -> Array:
    picture = _mesh(s)
    _bands(s, picture)
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    places = s.draws(4, 4).tolist()
    # One far and blurred, a large one, one opposite and one small and near, from the top of the picture to its foot.
    for j, (out, down, size, ink) in enumerate(places):
        reach, high = (0.22, 0.42, -0.36, 0.36)[j] + 0.16 * out, (0.12, 0.34, 0.3, 0.72)[j] + 0.12 * down
        if j == 2 and s.copy_side != "center":
            reach *= 0.8
        radius = (0.13, 0.26, 0.1, 0.15)[j] * (0.8 + 0.5 * size)
        blur = (0.06, 0.008, 0.035, 0.008)[j]
        _ball(s, picture, (s.focus + outer * reach, s.at_v(high), radius), blur, ink)
    return picture


def _mesh(s: Stage) -> Array:
    first, second, third = (np.clip(0.5 + 0.42 * s.noise(f, octaves=1), 0, 1) for f in (0.9, 1.1, 1.0))
    lamp = np.hypot(s.u - s.sun * 0.55, (s.v - 0.15) * 1.3)
    picture = s.ramp(s.light, s.mid, np.clip(0.28 + 0.46 * lamp + 0.35 * (first - 0.5), 0, 1))
    over(picture, second * 0.42, s.accent * 0.6 + s.light * 0.1 + s.mid * 0.3)
    over(picture, third**2 * np.clip(lamp * 0.55, 0, 0.75), s.mid * 0.72 + s.deep * 0.28)
    return picture


def _bands(s: Stage, picture: Array) -> None:
    """Wide waves of light, each with one soft and one clearer edge."""
    for _ in range(3):
        level, bend, tilt, phase = s.draw(0.15, 0.95), s.draw(0.08, 0.22), s.draw(-0.35, 0.35), s.draw(0, 6)
        wave = s.y - s.at_v(level) + tilt * (s.x - s.focus) + bend * np.sin((s.x - s.focus) * 1.9 + phase)
        lit = np.exp(-np.maximum(wave, 0) / 0.42) * soft(
            wave, 0.025 + 0.02 * s.u * np.sign(-s.focus_u or 1) + 0.03
        )
        quiet = 0.55 + 0.45 * soft((s.x - s.focus) * np.sign(s.focus_u or 1) + 0.6, 0.5)
        screen(picture, lit * quiet * (0.26 - 0.16 * s.night), s.light * 0.8 + s.accent * 0.2)


def _ball(s: Stage, picture: Array, place: tuple[float, float, float], blur: float, ink: float) -> None:
    """A satin ball: its own colour, the lamp on one side, the gradient coming back on the other, a shadow below."""
    x, y, radius = place
    w = s.window(x, y, radius * 1.9 + blur * 2, radius * 2.2 + blur * 2)
    if not (w.x.size and w.y.size):
        return
    part = picture[w.cut]
    fall = np.hypot(
        w.x - np.float32(x - 0.35 * s.sun * radius), w.y - np.float32(y + 0.55 * radius)
    ) / np.float32(radius)
    over(part, soft(1.02 - fall, 0.4) * 0.22, s.deep * 0.7 + s.mid * 0.3)
    dx, dy = (w.x - np.float32(x)) / np.float32(radius), (w.y - np.float32(y)) / np.float32(radius)
    gone = np.hypot(dx, dy)
    dz = np.sqrt(np.maximum(1 - gone * gone, 0))
    facing = 0.52 * s.sun * dx - 0.6 * dy + 0.55 * dz
    tone = s.accent if ink < 0.4 else s.mid if ink < 0.75 else s.light * 0.8 + s.mid * 0.2
    tone = tone * (1 - 0.35 * s.dim)
    skin = mix(tone * 0.62 + s.deep * 0.22, tone * 0.72 + s.light * 0.28, soft(facing - 0.25, 0.6))
    edge_light = np.clip(gone, 0, 1) ** 5 * np.clip(0.3 - 0.5 * facing, 0, 1)
    over(skin, edge_light * 1.1, s.light * 0.75 + s.accent * 0.25)
    spot = np.exp(-((dx - 0.4 * s.sun) ** 2 + (dy + 0.45) ** 2) / np.float32(0.09))
    over(skin, spot * 0.55, s.light * 0.5 + 0.5 * (1 - 0.6 * s.dim))
    over(part, s.edge(radius * (1 - gone), blur), skin)


SCENE = Scene(
    (
        "soft gradient",
        "abstract gradient",
        "gradient with glass circles",
        "gradient with floating spheres",
        "color gradient",
    ),
    paint,
)
