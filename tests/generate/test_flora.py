"""Shapes of leaves and flowers: where they lie, their symmetry, their blur."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dco.generate.paint.canvas import Array, Stage, colour
from dco.generate.paint.flora import Pose, blossom, leaf, maple, petal, spray, twig
from dco.generate.vocabulary import PALETTES

Shape = Callable[[Stage, Array, Pose, Array, Array, float], None]
SHAPES: tuple[Shape, ...] = (petal, blossom, maple, leaf)


def stage(width: int = 240, height: int = 240) -> Stage:
    colours = np.stack([colour(c) for c in PALETTES["blue"]])
    return Stage(width, height, colours=colours, light="soft light", copy_side="left", seed=(1,))


def cover(shape: Shape, pose: Pose, s: Stage | None = None) -> np.ndarray:
    """Coverage, read off a shape painted in black on white."""
    s = s or stage()
    picture = np.ones((3, s.height, s.width), np.float32)
    shape(s, picture, pose, np.zeros(3, np.float32), np.zeros(3, np.float32), 1.0)
    return 1 - picture[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_lies_about_its_place_and_within_its_reach(shape: Shape) -> None:
    pose = Pose(0.3, -0.2, 0.3, 0.8)
    s = stage()
    seen = cover(shape, pose, s) > 0.3
    gone = s.distance(pose.x, pose.y)
    assert seen[gone < 0.06].mean() > 0.9
    assert not seen[gone > 1.7 * pose.size].any()
    assert seen.sum() * s.pixel**2 < np.pi * pose.size**2


@pytest.mark.parametrize("shape", SHAPES)
def test_area_grows_with_the_square_of_the_size_and_shrinks_with_tilt(shape: Shape) -> None:
    small, large = (cover(shape, Pose(0, 0, size)).sum() for size in (0.2, 0.4))
    assert large / small == pytest.approx(4, rel=0.12)
    turned = cover(shape, Pose(0, 0, 0.4, 0.0, 0.5)).sum()
    assert turned / large == pytest.approx(0.5, rel=0.25)


@pytest.mark.parametrize("shape", SHAPES)
def test_blur_softens_the_edge_and_keeps_the_amount(shape: Shape) -> None:
    sharp, soft = (cover(shape, Pose(0, 0, 0.4, blur=blur)) for blur in (0.01, 0.15))
    partly = [np.count_nonzero((c > 0.1) & (c < 0.9)) for c in (sharp, soft)]
    assert partly[1] > 2 * partly[0]
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.35)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_outside_the_picture_paints_nothing(shape: Shape) -> None:
    assert not cover(shape, Pose(9.0, 0.0, 0.2)).any()


def test_a_blossom_has_five_petals() -> None:
    s = stage(480, 480)
    seen = cover(blossom, Pose(0, 0, 0.6), s)
    turn = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    ring = 0.85 * 0.6
    rows = np.round((ring * np.sin(turn) + 1) * 240 - 0.5).astype(int)
    columns = np.round((ring * np.cos(turn) + 1) * 240 - 0.5).astype(int)
    inside = seen[rows, columns] > 0.5
    assert np.count_nonzero(inside & ~np.roll(inside, 1)) == 5


def test_a_spray_runs_from_its_foot_along_its_angle() -> None:
    s = stage()
    found = spray(s, Pose(-0.4, 0.0, 0.8, 0.0))
    assert found is not None
    w, seen, shade = found
    assert seen.shape == shade.shape == (w.y.size, w.x.size)
    xs = w.x[0, np.nonzero(seen > 0.5)[1]]
    assert xs.min() > -0.45 and xs.max() < 0.75 and xs.max() - xs.min() > 0.6
    assert spray(s, Pose(9.0, 0.0, 0.3)) is None


def test_a_twig_tapers() -> None:
    s = stage()
    picture = np.ones((3, 240, 240), np.float32)
    points = np.array([[-0.8, 0.0], [0.0, 0.0], [0.8, 0.0]], np.float32)
    twig(s, picture, points, 0.1, 0.005, np.zeros(3, np.float32))
    width = (1 - picture[1]).sum(0) * s.pixel
    assert width[30] == pytest.approx(0.2, abs=0.02)
    assert width[210] == pytest.approx(0.2 * 0.25, abs=0.03)
    assert picture[1, :40].min() == 1
