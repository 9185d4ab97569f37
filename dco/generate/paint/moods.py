"""Moods as a film grade over the finished picture: a tone curve, split toning, bloom, local contrast and a vignette.

A grade keeps the hue of the palette and ends inside [0, 1]: the curve runs through black, the picture's own
middle and white, and what light adds is rolled off (`shoulder`) rather than cut.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Stage, over, screen
from dco.generate.paint.lens import blur

_GREY = np.array([0.3, 0.59, 0.11], np.float32)
_KNEE = 0.92
_GOLD = np.array([1.0, 0.78, 0.42], np.float32)
_CHAMPAGNE = np.array([1.0, 0.84, 0.62], np.float32)
_CORAL = np.array([1.0, 0.52, 0.42], np.float32)
_AQUA = np.array([0.3, 0.8, 0.95], np.float32)
RGB = tuple[float, float, float]


class Grade(NamedTuple):
    """`bias` moves the middle tones (0.5 leaves them), `contrast` bends the curve around the picture's middle,
    `black` and `white` are where the curve ends; `shadows` and `highlights` are added at either end, `bloom` is how
    much of the blurred highlights comes back, `clarity` the contrast of large shapes, `vignette` the dark corners."""

    bias: float
    contrast: float
    saturation: float
    black: float
    white: float
    shadows: RGB
    highlights: RGB
    bloom: float
    clarity: float
    vignette: float


GRADES = {
    "calm": Grade(
        0.55, -0.14, 0.84, 0.085, 0.965, (0.0, 0.01, 0.018), (0.012, 0.006, -0.004), 0.3, -0.25, 0.0
    ),
    "fresh": Grade(
        0.605, 0.05, 1.08, 0.03, 0.99, (-0.02, 0.028, 0.042), (-0.026, 0.006, 0.014), 0.3, 0.12, 0.0
    ),
    "bold": Grade(0.48, 0.27, 1.15, 0.0, 1.0, (-0.008, -0.008, 0.012), (0.014, 0.002, -0.01), 0.1, 0.45, 0.3),
    "luxurious": Grade(
        0.39, 0.17, 0.82, 0.004, 0.95, (0.006, -0.002, 0.004), (0.03, 0.004, -0.06), 0.36, 0.22, 0.5
    ),
    "playful": Grade(
        0.55, 0.16, 1.25, 0.02, 0.99, (0.016, -0.006, 0.024), (0.012, 0.004, -0.012), 0.15, 0.2, 0.0
    ),
}


def mood(s: Stage, picture: Array) -> None:
    """Grade a picture for the stage's mood, in place."""
    grade = _for_light(GRADES[s.mood], s)
    np.clip(picture, 0, 1, out=picture)
    _tone(picture, grade)
    grey = np.tensordot(_GREY, picture, 1)
    blurred = blur(s, grey, 0.22)
    picture += np.float32(grade.clarity) * 4 * grey * (1 - grey) * (grey - blurred)
    picture += (np.float32(grade.saturation) - 1) * _room(picture, grey)
    _split(picture, grey, grade)
    _bloom(s, picture, grey, grade)
    if s.mood == "fresh":
        _daylight(s, picture)
    if s.mood == "luxurious":
        _rim(s, picture)
    if s.mood == "playful":
        _gels(s, picture)
    away = (s.u - 0.35 * s.focus_u) ** 2 * 0.5 + (2 * s.v - 1) ** 2 * 0.5
    picture *= 1 - np.float32(grade.vignette) * (1 - np.exp(away * np.float32(-0.9)))
    shoulder(picture)


def _for_light(grade: Grade, s: Stage) -> Grade:
    """The grade, gentler where a low key has put the tones already: darkened, greyed or fogged again they are mud."""
    if not (s.night or s.drama):
        return grade
    r, g, b = grade.highlights
    return grade._replace(
        bias=0.5 + (grade.bias - 0.5) * 0.65,
        contrast=max(grade.contrast, grade.contrast * 0.8),
        saturation=max(grade.saturation, 1 + (grade.saturation - 1) * 0.5),
        black=grade.black * 0.6,
        highlights=(r * 0.8, g * 0.8, b * 0.6),
        bloom=grade.bloom * 0.6,
        vignette=grade.vignette * 0.6,
    )


def shoulder(picture: Array) -> None:
    """Roll highlights off towards 1 from a knee on, in place, so that bright gradients stay gradients."""
    np.maximum(picture, 0, out=picture)
    excess = np.maximum(picture - np.float32(_KNEE), 0)
    picture -= excess
    picture += excess / (1 + excess * np.float32(1 / (1 - _KNEE)))


def _tone(picture: Array, grade: Grade) -> None:
    """Schlick's bias (Graphics Gems IV), then a cubic through 0, the picture's middle and 1."""
    picture /= np.float32(1 / grade.bias - 2) * (1 - picture) + 1
    middle = np.clip(np.float32(picture.mean()), 0.3, 0.7)
    picture += np.float32(4 * grade.contrast) * picture * (1 - picture) * (picture - middle)
    picture *= np.float32(grade.white - grade.black)
    picture += np.float32(grade.black)


def _room(picture: Array, grey: Array) -> Array:
    """Distance from grey, less where a colour is saturated already: that is what keeps skin of fruit from glowing."""
    spread = picture - grey
    return np.asarray(spread * (1 - 0.55 * np.abs(spread).max(0)), np.float32)


def _split(picture: Array, grey: Array, grade: Grade) -> None:
    dark = (1 - grey) ** 2
    light = grey * grey
    for channel, (low, high) in enumerate(zip(grade.shadows, grade.highlights, strict=True)):
        picture[channel] += np.float32(low) * dark + np.float32(high) * light


def _bloom(s: Stage, picture: Array, grey: Array, grade: Grade) -> None:
    bright = np.clip(grey - 0.55, 0, 1) * np.float32(1 / 0.45)
    halo = blur(s, bright * bright, 0.07) * 0.6 + blur(s, bright * bright, 0.28) * 0.4
    tint = _GOLD if s.mood == "luxurious" else s.light0 * 0.3 + 0.7
    screen(picture, halo * np.float32(grade.bloom), tint)


def _daylight(s: Stage, picture: Array) -> None:
    """Cool light of the sky that falls in from above."""
    fall = np.exp(-((s.v / 0.42) ** 2)) * (1 - 0.25 * s.u * s.sun)
    screen(picture, 0.2 * fall, np.array([0.86, 0.97, 1.0], np.float32))


def _rim(s: Stage, picture: Array) -> None:
    """Gold light from behind the product's place and along the lit side of the frame."""
    halo = np.exp(-(((s.u - s.focus_u) / 0.6) ** 2) - ((s.v - 0.5) / 0.42) ** 2)
    side = np.exp((s.u * s.sun - 1) * np.float32(5)) * np.exp(-(((s.v - 0.42) / 0.45) ** 2))
    low = max(s.night, s.drama)
    # Gold laid over the dark of another hue is brown: it warms what is lit, and leaves the shade alone.
    tone = np.clip(picture.mean(0) * 3, 0, 1)
    light = 0.13 * halo * (0.25 + 0.75 * tone) + (0.36 - 0.14 * low) * side * (0.2 + 0.8 * tone)
    screen(picture, light, _CHAMPAGNE if low else _GOLD)


def _gels(s: Stage, picture: Array) -> None:
    """A key light and two coloured ones: coral from the sun's upper corner, aqua from the other side."""
    key = np.exp(-((s.u - s.focus_u) ** 2 + (2 * s.v - 0.9) ** 2) * 0.8)
    screen(picture, 0.05 * key, np.ones(3, np.float32))
    coral = np.exp(-((s.u - s.sun) ** 2 + (2 * s.v - 0.1) ** 2) * 0.7)
    aqua = np.exp(-((s.u + s.sun) ** 2 + (2 * s.v - 1.9) ** 2) * 0.7)
    over(picture, 0.17 * coral, _CORAL)
    over(picture, 0.17 * aqua, _AQUA)
