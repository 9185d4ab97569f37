"""The procedural renderer: a `Look` and a seed painted at any size, on the CPU, without a model.

The picture is the scene, a ledge of the material where the scene has no surface of its own, what the season brings,
then a grade that light and mood decide, then a little grain. The grain comes last and
can be left out, because whatever else is added to the picture has to go under it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco import registry
from dco.errors import BadInput
from dco.generate.paint.canvas import Array, Stage, colour, screen
from dco.generate.paint.materials import ledge
from dco.generate.paint.moods import mood, shoulder
from dco.generate.paint.seasons import season
from dco.generate.vocabulary import PALETTES, Look, copy_side

GRAIN = 0.008
MAX_SIDE = 8192


def render(look: Look, width: int, height: int, seed: int, *, grain: bool = True) -> NDArray[np.float32]:
    """Paint a backdrop.

    Args:
        look: what to paint.
        width, height: pixels; any aspect ratio.
        seed: a non-negative number. The same seed gives the same composition at every size of a similar aspect,
            and in every palette and light.
        grain: add film grain as the last step.

    Returns:
        float32[height, width, 3], sRGB in [0, 1].

    Raises:
        BadInput: a side is not within 8 .. 8192 pixels, or the seed is negative.
    """
    _check(width, height, seed)
    scene = registry.load("scenes", look.scene.replace(" ", "_"), where="look")
    stage = Stage(
        width,
        height,
        colours=np.stack([colour(c) for c in PALETTES[look.palette]]),
        light=look.light,
        copy_side=copy_side(look.composition),
        # Only the scene is in the seed: a test of blue against coral, or of autumn against none, shows the same beach.
        seed=(seed, *look.scene.encode()),
        season=look.season,
        mood=look.mood,
        material=look.material,
    )
    picture = scene.paint(stage)
    if look.material != "none" and not scene.surface:
        ledge(stage.fork("ledge"), picture)
    if look.season != "none":
        season(stage.fork("season"), picture)
    _grade(picture, stage)
    if look.mood != "none":
        mood(stage.fork("mood"), picture)
    out = np.ascontiguousarray(np.clip(picture, 0, 1).transpose(1, 2, 0))
    return add_grain(out, seed) if grain else out


def add_grain(picture: NDArray[np.float32], seed: int, amount: float = GRAIN) -> NDArray[np.float32]:
    """Film grain on a float32[height, width, 3] picture: one normal number a pixel, equal in all channels."""
    rng = np.random.Generator(np.random.SFC64((seed, 0x6772)))
    noise = rng.standard_normal(picture.shape[:2], np.float32)
    return np.clip(picture + np.float32(amount) * noise[:, :, None], 0, 1)


def _grade(picture: Array, s: Stage) -> None:
    """What the light does to the finished scene, in place: where it falls, and the colour of light and shade."""
    np.clip(picture, 0, 1.2, out=picture)
    away = (s.u - s.focus_u * 0.6 - s.sun * 0.2) ** 2 * 0.55 + (s.v * 2 - 1) ** 2 * 0.45
    if s.gold:
        _golden(picture, s)
    if s.drama:
        _dramatic(picture, s, away)
    elif s.night:
        _night(picture, s, away)
    else:
        picture *= 1 - 0.11 * (1 - np.exp(away * -1.15))
    shoulder(picture)


def _golden(picture: Array, s: Stage) -> None:
    """A low sun outside the frame: its flare, warm light on what is bright and plum in what is dark."""
    tone = picture.mean(0)
    gone = (s.u - s.sun * 1.05) ** 2 + (s.v - 0.28) ** 2 * 2.2
    lit = 0.55 + 0.45 * np.exp(gone * -0.5)
    for channel, (light, shade) in enumerate(((1.08, 0.024), (0.975, 0.004), (0.82, 0.006))):
        warm = 1 + (light - 1) * lit * np.clip(tone * 1.6, 0.35, 1)
        picture[channel] = picture[channel] * warm + shade * (1 - tone)
    screen(picture, np.exp(gone / -0.42) * 0.5, np.array([1, 0.74, 0.36], np.float32))
    screen(picture, np.exp(gone / -0.06) * 0.35, np.array([1, 0.9, 0.68], np.float32))


def _dramatic(picture: Array, s: Stage, away: Array) -> None:
    """One hard source: a shaft from the sun's upper corner onto the product's place, and deep shade around it."""
    across = (s.u + s.sun * 0.2 + (s.v - 0.1) * s.sun * 0.9 - s.focus_u * 0.5) / 0.42
    shaft = np.exp(-(across**2)) * (1 - s.v * 0.5)
    pool = np.exp(-(((s.u - s.focus_u) / 0.75) ** 2) - ((s.v - 0.72) / 0.3) ** 2)
    lit = np.clip(shaft + 0.7 * pool, 0, 1.2)
    picture *= (1 - 0.7 * (1 - np.exp(away * -1.25))) * (0.88 + 0.36 * lit)
    picture += np.array([-0.008, -0.004, 0.006], np.float32)[:, None, None]


def _night(picture: Array, s: Stage, away: Array) -> None:
    """A pool of light around the product's place, blue shade, and lamps that stay lit."""
    pool = np.exp(-(((s.u - s.focus_u) / 0.8) ** 2) - ((s.v - 0.6) / 0.4) ** 2)
    dim = (1 - 0.4 * (1 - np.exp(away * -1.15))) * (0.78 + 0.2 * pool)
    # Lamps are as bright at night as by day; walls, painted in the stage's dimmed tones, are not.
    lamps = np.clip((picture.mean(0) - 0.82) * (1 / 0.18), 0, 1)
    picture *= dim + (1 - dim) * 0.75 * lamps
    # Eyes adapted to the dark see less colour, and what there is of light as blue.
    picture += 0.06 * (picture.mean(0) - picture)
    picture *= np.array([0.96, 0.99, 1.04], np.float32)[:, None, None]
    picture += np.array([0, 0.005, 0.018], np.float32)[:, None, None]


def _check(width: int, height: int, seed: int) -> None:
    for name, value in (("width", width), ("height", height)):
        if not 8 <= value <= MAX_SIDE:
            raise BadInput(f"render: {name} {value} is out of range; expected 8 to {MAX_SIDE} pixels")
    if seed < 0:
        raise BadInput(f"render: seed {seed} is negative; expected 0 or more")
