"""Solid props and gobos: areas, sides of the light, how many panes a window has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from dco.generate.paint import gobos, props
from dco.generate.paint.canvas import Array, Stage, colour
from dco.generate.vocabulary import PALETTES


def stage(width: int = 200, height: int = 200, seed: int = 1) -> Stage:
    colours = np.stack([colour(c) for c in PALETTES["beige"]])
    return Stage(width, height, colours=colours, light="soft light", copy_side="left", seed=(seed,))


def grey(s: Stage) -> Array:
    return np.full((3, s.height, s.width), 0.6, np.float32)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-0.5, 0.0), st.floats(-0.5, 0.0), st.floats(0.2, 0.6), st.floats(0.2, 0.6), st.floats(-0.3, 0.3)
)
def test_a_quad_covers_its_area_in_either_order(x: float, y: float, w: float, h: float, lean: float) -> None:
    s = stage()
    corners = [(x, y), (x + w, y), (x + w + lean * h, y + h), (x + lean * h, y + h)]
    window = s.window(0, 0, 2)
    for points in (corners, corners[::-1]):
        assert props.quad(s, window, points).sum() * s.pixel**2 == pytest.approx(w * h, rel=0.06, abs=0.002)


@pytest.mark.parametrize("seed", range(4))
def test_shadows_fall_away_from_the_sun(seed: int) -> None:
    s = stage(seed=seed)
    picture = grey(s)
    props.shadow(s, picture, 0.0, 0.0, 0.2, 0.6, 0.6)
    dark = 0.6 - picture.mean(0)
    centre = float((dark * s.x).sum() / dark.sum())
    assert np.sign(centre) == -s.sun
    assert picture.max() <= 0.6 + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_round_blocks_and_balls_are_brighter_towards_the_sun(seed: int) -> None:
    s = stage(seed=seed)
    picture, tone = grey(s), np.array([0.7, 0.6, 0.5], np.float32)
    props.cylinder(s, picture, props.Block(0.0, -0.1, 0.4, 0.5), tone)
    body = picture.mean(0)[110:130]
    towards, away = (body[:, 100 + int(side * 30)].mean() for side in (s.sun, -s.sun))
    assert towards > away + 0.05
    props.ball(s, picture, 0.0, 0.0, 0.4, tone)
    ball = picture.mean(0)[100]
    assert ball[100 + int(s.sun * 25)] > ball[100 - int(s.sun * 25)] + 0.05


def test_a_block_of_a_material_is_not_plaster() -> None:
    pictures = []
    for material in ("plaster", "wood", "terrazzo"):
        s = stage()
        picture = grey(s)
        props.cylinder(s, picture, props.Block(0.0, 0.2, 0.5, 0.3), s.light, material)
        pictures.append(picture)
        assert np.array_equal(picture[:, :60], grey(s)[:, :60])
    assert min(np.abs(pictures[0] - other).mean() for other in pictures[1:]) > 0.01


def test_props_outside_the_picture_paint_nothing() -> None:
    s = stage(64, 64)
    picture, tone = grey(s), np.ones(3, np.float32)
    props.shadow(s, picture, 9.0, 0.0, 0.2, 0.3, 0.5)
    props.cylinder(s, picture, props.Block(9.0, 0.0, 0.2, 0.3), tone)
    props.box(s, picture, 8.0, 8.5, 0.0, 0.4, tone)
    props.ball(s, picture, -9.0, 0.0, 0.2, tone)
    assert np.array_equal(picture, grey(s))


@pytest.mark.parametrize("count", [(1, 1), (2, 3), (3, 2)])
def test_a_window_has_the_panes_that_were_asked_for(count: tuple[int, int]) -> None:
    s = stage()
    light = gobos.panes(s.x, s.y, (0.7, 0.8), count, 0.04, 0.01)
    assert label(light > 0.5)[1] == count[0] * count[1]
    bars = 1.4 * 1.6 - (1.4 - 0.08 * count[0]) * (1.6 - 0.08 * count[1])
    assert light.sum() * s.pixel**2 == pytest.approx(1.4 * 1.6 - bars, rel=0.03)


def test_fronds_and_twigs_lie_along_their_stem() -> None:
    s = stage()
    x, y = gobos.turned(s.x, s.y, -0.6, 0.0, 0.0)
    for shade in (gobos.frond(x, y, 1.2, 0.0, 12, 0.01), gobos.twig(s, x, y, 1.2, 9, 0.01)):
        assert shade.min() >= 0 and shade.max() <= 1
        columns = np.flatnonzero(shade.max(0) > 0.5)
        # The stem of a frond goes on behind its foot; half a leaf may reach past the end of a stem of 1.2 units, which is 120 pixels from pixel 40.
        assert columns[0] <= 50
        assert 140 <= columns[-1] <= 185
        assert shade[:20].max() < 0.01
        assert 0.02 < shade.mean() < 0.4


def test_a_turned_frame_keeps_lengths() -> None:
    s = stage(40, 40)
    x, y = gobos.turned(s.x, s.y, 0.2, -0.1, 0.7)
    assert np.hypot(x, y) == pytest.approx(s.distance(0.2, -0.1), abs=1e-5)
