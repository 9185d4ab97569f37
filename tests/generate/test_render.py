"""The renderer as a whole: composition, seeds, grain, geometry, errors."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import sobel

from dco.errors import BadInput
from dco.generate.paint.canvas import Stage, colour, ellipse, normal_at, soft, uniform_at
from dco.generate.paint.render import GRAIN, add_grain, render
from dco.generate.vocabulary import PALETTES, Look, values


def stage(width: int, height: int, seed: int = 1) -> Stage:
    colours = np.stack([colour(c) for c in PALETTES["blue"]])
    return Stage(width, height, colours=colours, light="soft light", copy_side="left", seed=(seed,))


def busy(picture: np.ndarray) -> float:
    grey = picture.mean(2)
    return float(np.hypot(sobel(grey, 0), sobel(grey, 1)).mean())


@pytest.mark.parametrize("scene", ["studio podium", "foliage", "soft gradient", "neon grid"])
def test_the_copy_side_is_the_calmer_one(scene: str) -> None:
    for seed in range(6):
        left = render(Look(scene, "coral", composition="copy space left"), 200, 200, seed, grain=False)
        right = render(Look(scene, "coral", composition="copy space right"), 200, 200, seed, grain=False)
        assert busy(left[:, :80]) < busy(left[:, 120:])
        assert busy(right[:, 120:]) < busy(right[:, :80])


def test_a_seed_paints_the_same_scene_in_another_palette() -> None:
    """So that a test of two palettes compares palettes: the leaves stay where they were."""
    a, b = (render(Look("foliage", p), 160, 160, 9, grain=False).mean(2) for p in ("beige", "coral"))
    edges = [np.hypot(sobel(p, 0), sobel(p, 1)) for p in (a, b)]
    assert np.corrcoef(edges[0].ravel(), edges[1].ravel())[0, 1] > 0.9


def test_grain_comes_last_and_is_the_only_difference() -> None:
    look = Look("abstract waves", "teal")
    clean = render(look, 120, 90, 2, grain=False)
    assert np.array_equal(render(look, 120, 90, 2), add_grain(clean, 2))
    grey = np.full((200, 200, 3), 0.5, np.float32)
    noise = add_grain(grey, 7) - grey
    assert noise.std() == pytest.approx(GRAIN, rel=0.02)  # 40,000 draws: relative error 0.35 %
    assert np.array_equal(noise[:, :, 0], noise[:, :, 2])


def test_discs_are_round_at_every_aspect() -> None:
    for size in ((200, 200), (400, 100), (100, 400)):
        s = stage(*size)
        disc = s.disc(0, 0, 0.5)
        rows, columns = np.nonzero(disc > 0.5)
        assert np.ptp(rows) == np.ptp(columns)
        assert disc.sum() * s.pixel**2 == pytest.approx(np.pi * 0.25, rel=0.02)


def test_ellipse_distance_is_right_on_its_axes() -> None:
    s = stage(400, 400)
    w = s.window(0, 0, 1)
    d = ellipse(w, 0, 0, 0.6, 0.3)
    middle = 200
    along = w.x[0, middle:]
    near = np.abs(along - 0.6) < 0.05
    assert d[middle, middle:][near] == pytest.approx(0.6 - along[near], abs=0.006)


def test_a_window_holds_its_circle_and_may_be_empty() -> None:
    s = stage(300, 100)
    w = s.window(1.0, 0.2, 0.3)
    inside = s.distance(1.0, 0.2) < 0.3
    covered = np.zeros((100, 300), bool)
    covered[w.cut[1:]] = True
    assert (covered | ~inside).all()
    assert s.window(9, 0, 0.5).x.size == 0


def test_hashed_numbers_are_uniform_and_normal_and_never_infinite() -> None:
    u = uniform_at(12345, np.arange(300)[:, None], np.arange(300))
    assert u.min() > 0 and u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    z = normal_at(999, np.arange(300)[:, None], np.arange(300))
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z[:, :-1].ravel(), z[:, 1:].ravel())[0, 1]) < 0.015  # 4.5 standard errors
    # The largest value a 23-bit hash can give, by hand.
    assert np.float32(2**23 - 1 + 0.5) * np.float32(2.0**-23) < 1


def test_hashed_numbers_do_not_depend_on_the_window() -> None:
    whole = uniform_at(5, np.arange(-20, 20)[:, None], np.arange(-30, 30))
    part = uniform_at(5, np.arange(-4, 3)[:, None], np.arange(7, 19))
    assert np.array_equal(whole[16:23, 37:49], part)


def test_noise_has_unit_variance_and_no_size() -> None:
    spread = [stage(256, 256, seed).noise(6, octaves=4).std() for seed in range(20)]
    assert 0.6 < np.mean(spread) < 1.1
    small, large = stage(64, 64).noise(3, octaves=3), stage(256, 256).noise(3, octaves=3)
    assert large.reshape(64, 4, 64, 4).mean((1, 3)) == pytest.approx(small, abs=0.12)


def test_soft_is_a_step_of_the_asked_width() -> None:
    x = np.linspace(-1, 1, 2001, dtype=np.float32)
    y = soft(x, 0.1)
    assert y[0] == 0 and y[-1] == 1 and y[1000] == pytest.approx(0.5, abs=1e-6)
    assert (np.diff(y) >= 0).all()
    assert np.count_nonzero((y > 0) & (y < 1)) == pytest.approx(238, abs=4)  # 0.1 / 0.42 of 1000 steps a unit


@pytest.mark.parametrize(
    ("width", "height", "seed"), [(4, 100, 1), (100, 0, 1), (10_000, 100, 1), (64, 64, -1)]
)
def test_sizes_and_seeds_out_of_range_are_refused(width: int, height: int, seed: int) -> None:
    with pytest.raises(BadInput, match="render: "):
        render(Look("beach", "blue"), width, height, seed)


def test_a_picture_of_768_pixels_takes_seconds_at_most() -> None:
    """A generous ceiling for a shared machine: the slowest scene takes half a second of CPU time."""
    slowest = 0.0
    for scene in values("scene"):
        began = time.process_time()
        render(Look(scene, "blue"), 768, 768, 1)
        slowest = max(slowest, time.process_time() - began)
    assert slowest < 3
