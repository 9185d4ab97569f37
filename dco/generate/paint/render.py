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
from dco.generate.paint.canvas import Stage, colour
from dco.generate.paint.lights import light
from dco.generate.paint.materials import ledge
from dco.generate.paint.moods import mood
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
    light(picture, stage)
    if look.mood != "none":
        mood(stage.fork("mood"), picture)
    out = np.ascontiguousarray(np.clip(picture, 0, 1).transpose(1, 2, 0))
    return add_grain(out, seed) if grain else out


def add_grain(picture: NDArray[np.float32], seed: int, amount: float = GRAIN) -> NDArray[np.float32]:
    """Film grain on a float32[height, width, 3] picture: one normal number a pixel, equal in all channels."""
    rng = np.random.Generator(np.random.SFC64((seed, 0x6772)))
    noise = rng.standard_normal(picture.shape[:2], np.float32)
    return np.clip(picture + np.float32(amount) * noise[:, :, None], 0, 1)


def _check(width: int, height: int, seed: int) -> None:
    for name, value in (("width", width), ("height", height)):
        if not 8 <= value <= MAX_SIDE:
            raise BadInput(f"render: {name} {value} is out of range; expected 8 to {MAX_SIDE} pixels")
    if seed < 0:
        raise BadInput(f"render: seed {seed} is negative; expected 0 or more")
