"""What the light does to the finished scene: soft light, golden hour, and the two low keys, dramatic light and night.

A low key is lit as in a studio: one key light behind the product's place and on what it stands on, exposed for that
place; a shade that keeps the palette's hue and closes on one deep tone where the copy stands; lamps left burning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dco.generate.paint.canvas import Array, Stage, over, screen
from dco.generate.paint.moods import shoulder

_GREY = np.array([0.3, 0.59, 0.11], np.float32)
_SHADE = 0.13  # no shade is lighter than this, else white type on a pale palette's deep tone does not read


class Key(NamedTuple):
    """`target` is the grey the lit part is exposed for, as a share of the palette's light tone; `least` and `most`
    bound that exposure; `pool` is how much brighter the middle of the key light is; `density` is how far the shade
    takes the palette's hue, `fill` how far it closes on the deep tone, `haze` the light in the air of the pool."""

    target: float
    least: float
    most: float
    pool: float
    density: float
    fill: float
    haze: float


_DRAMA = Key(0.54, 0.88, 1.35, 0.22, 0.26, 0.1, 0.07)
_NIGHT = Key(0.315, 0.73, 1.25, 0.27, 0.26, 0.1, 0.05)


def light(picture: Array, s: Stage) -> None:
    """Grade a picture for the stage's light, in place."""
    np.clip(picture, 0, 1.2, out=picture)
    away = (s.u - s.focus_u * 0.6 - s.sun * 0.2) ** 2 * 0.55 + (s.v * 2 - 1) ** 2 * 0.45
    if s.gold:
        _golden(picture, s)
    if s.drama:
        _low_key(picture, s, _DRAMA, (1 - 0.7 * (1 - np.exp(away * -1.25))) * _shaft(s))
        picture += np.array([-0.008, -0.004, 0.006], np.float32)[:, None, None]
    elif s.night:
        _low_key(picture, s, _NIGHT, 1 - 0.4 * (1 - np.exp(away * -1.15)))
        _moonlit(picture, s)
    else:
        picture *= 1 - 0.11 * (1 - np.exp(away * -1.15))
    shoulder(picture)


def _golden(picture: Array, s: Stage) -> None:
    """A low sun outside the frame: its flare, warm light on what is bright and plum in what is dark."""
    tone = picture.mean(0)
    gone = (s.u - s.sun * 1.05) ** 2 + (s.v - 0.28) ** 2 * 2.2
    lit = 0.55 + 0.45 * np.exp(gone * -0.5)
    for channel, (high, shade) in enumerate(((1.08, 0.024), (0.975, 0.004), (0.82, 0.006))):
        warm = 1 + (high - 1) * lit * np.clip(tone * 1.6, 0.35, 1)
        picture[channel] = picture[channel] * warm + shade * (1 - tone)
    screen(picture, np.exp(gone / -0.42) * 0.5, np.array([1, 0.74, 0.36], np.float32))
    screen(picture, np.exp(gone / -0.06) * 0.35, np.array([1, 0.9, 0.68], np.float32))


def _shaft(s: Stage) -> Array:
    """Gain of one hard source: a shaft from the sun's upper corner onto what the product stands on."""
    across = (s.u + s.sun * 0.2 + (s.v - 0.1) * s.sun * 0.9 - s.focus_u * 0.5) / 0.42
    shaft = np.exp(-(across**2)) * (1 - s.v * 0.5)
    ground = np.exp(-(((s.u - s.focus_u) / 0.75) ** 2) - ((s.v - 0.72) / 0.3) ** 2)
    return np.asarray(0.88 + 0.36 * np.clip(shaft + 0.7 * ground, 0, 1.2), np.float32)


def _low_key(picture: Array, s: Stage, key: Key, fall: Array) -> None:
    """Expose for what the key light strikes, and let the rest fall off into the palette's own shade, in place.

    `fall` is the gain of the light before that, float32[height, width].
    """
    pool = _pool(s)
    weight = pool * pool
    seen = float((np.tensordot(_GREY, picture, 1) * fall * weight).sum() / weight.sum())
    bright = float(s.light0 @ _GREY)
    black = max(0.0, 0.8 - bright)  # a palette without a light tone has its depth from the key light alone
    target = key.target * (bright + 0.35 * black)
    gain = fall * np.float32(np.clip(target / max(seen, 0.02), key.least, key.most + 1.6 * black))
    gain *= 1 + np.float32(key.pool + 1.1 * black) * pool - np.float32(1.9 * black) * (1 - pool)
    # Lamps are as bright in the dark as by day; walls, painted in the stage's dimmed tones, are not.
    lamps = np.clip((picture.mean(0) - 0.82) * (1 / 0.18), 0, 1) * 0.75
    # Dimmed in grey, a pastel turns to mud; dimmed in the palette's hue, it turns into the colour it is a tint of.
    # What has a colour of its own, as leaves and fruit have, keeps it.
    most = picture.max(0)
    dye = np.clip(1.15 - (most - picture.min(0)) * 1.6 / (most + 0.1), 0, 1)
    dye *= (1 - 0.7 * pool) * np.float32(key.density)
    # A palette that is itself pale needs the more of its hue to be seen as more than grey.
    tone = s.mid0 / max(float(s.mid0.max()), 0.05)
    hue = np.log(np.maximum(tone, 0.2)) * (1 + float(tone.min()) ** 2 * 1.3)
    for channel in range(3):
        tinted = gain * np.exp(dye * hue[channel])
        picture[channel] *= tinted + lamps * np.maximum(1 - tinted, 0)
    over(picture, (1 - pool) ** 2 * (1 - lamps) * np.float32(key.fill), _shade(s))
    screen(picture, weight * np.float32(key.haze + 0.04 * black), s.mid0 * 0.7 + s.light0 * 0.3)


def _pool(s: Stage) -> Array:
    """The key light on the backdrop behind the product, from 0 to 1, float32[height, width]."""
    return np.asarray(np.exp(-(((s.u - s.focus_u) / 0.62) ** 2) - ((s.v - 0.52) / 0.45) ** 2), np.float32)


def _shade(s: Stage) -> Array:
    """The deep tone of the palette, no lighter than a shade may be: float32[3]."""
    return np.asarray(s.deep0 * min(1.0, _SHADE / max(float(s.deep0 @ _GREY), 1e-3)), np.float32)


def _moonlit(picture: Array, s: Stage) -> None:
    """Eyes adapted to the dark see what is in the shade as blue; what the lamp strikes keeps its colour."""
    shade = 1 - 0.6 * _pool(s)
    for channel, (gain, lift) in enumerate(((-0.04, 0.0), (-0.025, 0.003), (0.06, 0.02))):
        picture[channel] *= 1 + np.float32(gain) * shade
        picture[channel] += np.float32(lift) * shade
