"""The two low keys: where their light falls, what colour their shade has, and what they leave alone."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from dco.generate.paint.canvas import Stage, colour
from dco.generate.paint.lights import light
from dco.generate.paint.render import render
from dco.generate.vocabulary import PALETTES, Look

LOW = ("dramatic light", "night")


def stage(word: str, palette: str, side: str = "left", size: tuple[int, int] = (96, 96)) -> Stage:
    colours = np.stack([colour(c) for c in PALETTES[palette]])
    return Stage(*size, colours=colours, light=word, copy_side=side, seed=(4,))


def lit(word: str, palette: str, grey: float, side: str = "left") -> np.ndarray:
    """A flat grey wall under a light: float32[3, 96, 96]."""
    picture = np.full((3, 96, 96), grey, np.float32)
    light(picture, stage(word, palette, side))
    return picture


@pytest.mark.parametrize("word", LOW)
@pytest.mark.parametrize("palette", tuple(PALETTES))
def test_the_key_light_falls_on_the_products_side(word: str, palette: str) -> None:
    for side, product, copy in (
        ("left", slice(58, 78), slice(4, 34)),
        ("right", slice(18, 38), slice(62, 92)),
    ):
        tone = lit(word, palette, 0.4, side).mean(0)
        assert tone[40:60, product].mean() > 1.25 * tone[20:70, copy].mean()


@pytest.mark.parametrize("word", LOW)
@pytest.mark.parametrize("palette", ["coral", "violet", "teal", "green", "amber"])
def test_a_grey_wall_falls_off_into_the_palettes_hue(word: str, palette: str) -> None:
    shade = lit(word, palette, 0.5)[:, 10:80, :20].mean((1, 2))
    hue, saturation, _ = colorsys.rgb_to_hsv(*shade.tolist())
    off = abs(hue - colorsys.rgb_to_hsv(*colour(PALETTES[palette][1]).tolist())[0])
    assert saturation > 0.08
    assert min(off, 1 - off) < 45 / 360


@pytest.mark.parametrize("word", LOW)
def test_a_dull_wall_is_exposed_up_and_a_bright_one_down(word: str) -> None:
    place = (slice(None), slice(44, 56), slice(62, 74))
    gain = [lit(word, "blue", grey)[place].mean() / grey for grey in (0.2, 0.7)]
    assert gain[0] > 1.2 > gain[1]


@pytest.mark.parametrize("word", LOW)
def test_lamps_stay_lit_in_the_shade(word: str) -> None:
    picture = np.full((3, 96, 96), 0.4, np.float32)
    picture[:, 20:24, 10:14] = 1.0
    light(picture, stage(word, "violet"))
    assert picture[:, 20:24, 10:14].mean() > 0.7
    assert picture[:, 30:40, 10:14].mean() < 0.4


def test_the_day_has_no_pool_of_light() -> None:
    tone = lit("soft light", "black", 0.4).mean(0)
    assert tone.min() > 0.85 * tone.max()


@pytest.mark.parametrize("palette", ["violet", "coral", "teal", "black"])
def test_luxury_at_night_leaves_room_between_the_lit_and_the_dark(palette: str) -> None:
    """A low-key picture has both: no haze of one grey over all of it, and nothing of it drowned."""
    for seed in range(3):
        look = Look("window light", palette, light="night", mood="luxurious")
        tones = np.quantile(render(look, 128, 128, seed, grain=False).mean(2), (0.05, 0.95))
        assert tones[1] > 2 * tones[0]
        assert tones[1] > 0.2
