"""What a mood's grade keeps and what it changes; what the lens does to points of light."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from dco.generate.paint.canvas import Stage, colour
from dco.generate.paint.lens import blur, bokeh, defocus
from dco.generate.paint.moods import GRADES, mood, shoulder
from dco.generate.paint.render import render
from dco.generate.vocabulary import MOODS, PALETTES, Look

NAMED = [m for m in MOODS if m != "none"]


def stage(width: int = 128, height: int = 128, *, word: str = "calm", palette: str = "blue") -> Stage:
    colours = np.stack([colour(c) for c in PALETTES[palette]])
    return Stage(width, height, colours=colours, light="soft light", copy_side="left", seed=(3,), mood=word)


def graded(word: str, plain: np.ndarray) -> np.ndarray:
    picture = plain.copy()
    mood(stage(plain.shape[2], plain.shape[1], word=word), picture)
    return picture


def test_every_mood_has_a_grade_and_no_other() -> None:
    assert set(GRADES) == set(NAMED)


@pytest.mark.parametrize("word", NAMED)
def test_a_grade_stays_within_range_and_burns_nothing_out(word: str) -> None:
    """Pure black and white of the picture are still told apart from what lies next to them."""
    ramp = np.linspace(0, 0.95, 128, dtype=np.float32)
    ramp[1::2] += 0.05  # neighbours lie in the same light, so only the curve can bring them together
    picture = graded(word, np.broadcast_to(ramp, (3, 128, 128)).astype(np.float32))
    assert picture.min() >= 0 and picture.max() < 1
    odd, even = picture[:, :, 1:-1:2], (picture[:, :, :-2:2] + picture[:, :, 2::2]) / 2
    assert (odd - even).min() > 0.005


@pytest.mark.parametrize("word", NAMED)
@pytest.mark.parametrize("palette", ["coral", "violet", "blue", "teal", "green"])
def test_a_grade_keeps_the_hue_of_the_palette(word: str, palette: str) -> None:
    mid = colour(PALETTES[palette][1])
    middle = np.array(graded(word, np.broadcast_to(mid[:, None, None], (3, 64, 64)).astype(np.float32)))
    red, green, blue = middle.mean((1, 2)).tolist()
    turned = abs(colorsys.rgb_to_hsv(red, green, blue)[0] - colorsys.rgb_to_hsv(*mid.tolist())[0])
    assert min(turned, 1 - turned) < 25 / 360


def test_moods_differ_from_none_and_from_each_other_at_128_pixels() -> None:
    """By more than grain or a change of one seed's tint would: a hundredth of the range on average over the picture."""
    pictures = {m: render(Look("studio podium", "blue", mood=m), 128, 128, 5, grain=False) for m in MOODS}
    names = list(pictures)
    gaps = [np.abs(pictures[a] - pictures[b]).mean() for k, a in enumerate(names) for b in names[:k]]
    assert min(gaps) > 0.02


def test_calm_has_less_contrast_and_bold_more() -> None:
    look = {m: render(Look("abstract waves", "coral", mood=m), 128, 128, 2, grain=False) for m in MOODS}
    spread = {m: float(picture.mean(2).std()) for m, picture in look.items()}
    assert spread["calm"] < spread["none"] < spread["bold"]
    assert look["fresh"].mean() > look["none"].mean() > look["luxurious"].mean()


@pytest.mark.parametrize("word", NAMED)
def test_a_grade_does_not_depend_on_the_size(word: str) -> None:
    def painted(side: int) -> np.ndarray:
        s = stage(side, side)
        plain = 0.5 + 0.45 * np.stack([np.sin(2 * s.x + s.y), np.cos(s.x - 3 * s.y), np.sin(s.x * s.y + 1)])
        return graded(word, plain.astype(np.float32))

    assert painted(256).reshape(3, 64, 4, 64, 4).mean((2, 4)) == pytest.approx(painted(64), abs=0.01)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-0.5, 3, width=32), min_size=2, max_size=30))
def test_the_shoulder_keeps_the_order_of_tones_and_never_reaches_one(tones: list[float]) -> None:
    before = np.array(sorted(tones), np.float32)
    after = before.copy()
    shoulder(after)
    assert (np.diff(after) >= 0).all()
    assert after.min() >= 0 and after.max() < 1
    below = (before >= 0) & (before <= 0.9)
    assert np.array_equal(after[below], before[below])


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.25])
def test_blur_is_a_gaussian_of_its_sigma(sigma: float) -> None:
    """Against SciPy's filter. The nodes widen it by 1.06: two bells of 0.75 sigma after each other."""
    s = stage(160, 160)
    plane = s.disc(0.1, -0.05, 0.3)
    expected = gaussian_filter(plane, 1.06 * sigma / s.pixel, mode="constant")
    assert blur(s, plane, sigma)[30:-30, 30:-30] == pytest.approx(expected[30:-30, 30:-30], abs=0.05)


def test_blur_keeps_a_flat_plane_flat_to_its_borders() -> None:
    s = stage(150, 90)
    assert blur(s, np.full((90, 150), 0.4, np.float32), 0.2) == pytest.approx(
        np.full((90, 150), 0.4), abs=1e-4
    )


def test_defocus_leaves_alone_what_it_cannot_resolve_and_spreads_a_lamp_as_light() -> None:
    s = stage(96, 96)
    picture = np.full((3, 96, 96), 0.1, np.float32)
    picture[:, 48, 48] = 3
    assert defocus(s, picture, 0.2 * s.pixel) is picture
    spread = defocus(s, picture, 0.06)
    assert np.square(spread).sum() == pytest.approx(np.square(picture).sum(), rel=0.05)
    assert spread[0, 48, 52] > gaussian_filter(picture[0], 0.06 / s.pixel)[48, 52]


def test_a_disc_out_of_focus_stays_within_its_radius_and_may_lie_outside() -> None:
    s = stage(200, 100)
    picture = np.zeros((3, 100, 200), np.float32)
    bokeh(s, picture, (0.8, 0.1), 0.3, 1.0, np.ones(3, np.float32))
    lit = picture[0] > 0.01
    assert lit.any() and s.distance(0.8, 0.1)[lit].max() < 0.33
    before = picture.copy()
    bokeh(s, picture, (9, 9), 0.3, 1.0, np.ones(3, np.float32))
    assert np.array_equal(picture, before)
