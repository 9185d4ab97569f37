"""Silk that falls in folds from a gather on the product's side and lies nearly smooth under the copy."""

from __future__ import annotations

import numpy as np

from dco.generate.paint.canvas import Array, Scene, Stage, mix, over, soft


def paint(s: Stage) -> Array:
    cloth = _height(s)
    down, right = (np.asarray(g, np.float32) for g in np.gradient(cloth, s.pixel))
    steep = 1 / np.sqrt(1 + right * right + down * down)
    facing = (-right * np.float32(0.62 * s.sun) + down * np.float32(0.45) + np.float32(0.64)) * steep
    # Halfway between the lamp and the viewer, where silk shines.
    shine = (-right * np.float32(0.35 * s.sun) + down * np.float32(0.25) + np.float32(0.9)) * steep
    low = soft(0.14 - cloth, 0.1)

    body = s.mid * 0.85 + s.accent * 0.15
    # In a low key the valleys go dark and the crests keep their shine, or nothing of the folds is left.
    valley = 0.66 - 0.3 * s.dim
    picture = mix(
        s.mid * valley + s.deep * (1 - valley), body * 0.46 + s.light * 0.54, soft(facing - 0.44, 0.5)
    )
    over(picture, low * (0.3 + 0.3 * s.dim), s.deep * 0.8 + s.mid * 0.2)
    sheen = np.clip(shine, 0, 1)
    weave = 1 + 0.05 * s.noise(3, 40, octaves=4)
    over(picture, sheen**14 * weave * (0.42 + 0.12 * s.dim - 0.1 * s.night), s.light * 0.9 + s.accent * 0.1)
    over(picture, sheen**70 * weave * (0.4 + 0.2 * s.dim - 0.12 * s.night), s.light * 0.6 + 0.4 * (1 - s.dim))
    back = np.clip(
        (right * np.float32(s.sun) - 0.5) * 0.35, 0, 0.3
    )  # light that comes back from the next fold
    over(picture, back, s.accent * 0.7 + s.light * 0.2)
    picture *= 1 - 0.1 * (1 - s.u * s.sun) - 0.05 * s.v
    return np.asarray(picture, np.float32)


def _height(s: Stage) -> Array:
    """How far the cloth stands out, in units: folds that fan out of a gather, or that cross in waves."""
    outer = float(np.sign(s.focus_u)) if s.copy_side != "center" else s.sun
    fan, lean, start = s.draw() < 0.55, s.draw(0.35, 0.75), s.draw(0, 6)
    reach, count = s.draw(0.4, 0.9) + s.half_h, s.draw(13, 18)
    sway, ripple, fine = _swing(s, 1.5), _swing(s, 2.9), _swing(s, 2.2)
    x, y = s.x - np.float32(s.focus), s.y
    if fan:
        gone_x, gone_y = x - np.float32(outer * 0.75), y + np.float32(reach)
        radius = np.hypot(gone_x, gone_y)
        turn = np.arctan2(gone_x, gone_y)
        phase = turn * np.float32(count) + 0.75 * sway + 0.3 * ripple
        size = np.float32(0.07) * radius
    else:
        c, q = np.float32(np.cos(lean)), np.float32(np.sin(lean) * outer)
        across, along = x * c + y * q, y * c - x * q
        phase = across * np.float32(count * 0.5) + 1.1 * sway + 0.35 * ripple + 0.25 * along
        size = np.float32(0.11) + 0 * phase
    t = phase + np.float32(start)
    # Round backs and narrow valleys; a second, unequal run of folds keeps them from repeating.
    fold = _rounded(np.sin(t * 0.5 + 0.4 * np.sin(t * 0.31) + 0.4 * fine), 0.05)
    second = _rounded(np.sin(t * 1.13 + 0.9 * fine + 0.5 * ripple), 0.09)
    swell, other = np.exp(0.35 * fine), 0.5 + 0.5 * np.tanh(1.4 * ripple)
    cloth = size * (1.75 * fold * swell + 0.85 * second * other) + 0.06 * sway
    # Of tanh, smooth in every derivative: where the height of silk bends sharply its shine shows a seam.
    far = np.sqrt(x * x + np.float32(0.15))
    out = far - 0.75 if s.copy_side == "center" else x * np.float32(outer) + 0.6
    calm = (0.5 if s.copy_side == "center" else 0.2) + 0.3 * (1 + np.tanh(out * np.float32(2.2)))
    # In a strip many times as wide as high the cloth lies flat beyond the folds.
    return np.asarray(cloth * calm * (0.56 - 0.44 * np.tanh(far - np.float32(2.6))), np.float32)


def _swing(s: Stage, fastest: float) -> Array:
    """Slow random waves of about unit variance; of sines, because lattice noise has creases where light slants."""
    total = np.zeros((s.height, s.width), np.float32)
    for along, down, phase in s.draws(6, 3).tolist():
        x = s.x * np.float32((2 * along - 1) * fastest)
        total += np.sin(x + s.y * np.float32((2 * down - 1) * fastest) + np.float32(6.28 * phase))
    return total * np.float32(0.58)


def _rounded(wave: Array, round_off: float) -> Array:
    """|wave| with its valley rounded off, so that cloth bends there and does not break."""
    return np.asarray(np.sqrt(wave * wave + np.float32(round_off)), np.float32)


SCENE = Scene(
    ("fabric drape", "draped silk", "silk folds", "satin drapery", "flowing fabric"),
    paint,
)
