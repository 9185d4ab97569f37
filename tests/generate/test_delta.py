from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

from dco.generate.diffusion.delta import delta_transfer, resize
from dco.generate.paint.render import render
from dco.generate.vocabulary import Look


def painted(width: int = 384, height: int = 384, scene: str = "studio podium") -> np.ndarray:
    return render(Look(scene, "teal"), width, height, 3, grain=False)


def small(picture: np.ndarray, height: int = 64, width: int = 64) -> np.ndarray:
    return resize(picture, (height, width), Image.Resampling.BOX)


def smooth(shape: tuple[int, int, int], amount: float) -> np.ndarray:
    rng = np.random.default_rng(5)
    noise = gaussian_filter(rng.standard_normal(shape), (6, 6, 0))
    noise -= noise.mean((0, 1))  # a cast is taken out of the change; see the test of that
    return (amount * noise / noise.std()).astype(np.float32)


def reference(render: np.ndarray, delta: np.ndarray, box: int, eps: float = 2e-3) -> np.ndarray:
    """The guided filter at full resolution, as He, Sun and Tang write it."""
    guide = render.mean(2, keepdims=True)
    mean = lambda z: uniform_filter(z, (box, box, 1))  # noqa: E731
    m = mean(guide)
    slope = (mean(guide * delta) - m * mean(delta)) / (mean(guide * guide) - m * m + eps)
    return mean(slope) * guide + mean(mean(delta) - slope * m)


def test_no_change_gives_the_render_back() -> None:
    picture = painted()
    copy = small(picture)
    np.testing.assert_allclose(delta_transfer(picture, copy, copy), picture, atol=1e-6)


def test_a_plain_render_takes_the_change_as_it_is() -> None:
    """Without an edge there is nothing to follow: light that moves from one side to the other moves so."""
    picture = np.full((384, 384, 3), 0.5, np.float32)
    copy = small(picture)
    ramp = np.linspace(-0.1, 0.1, 64, dtype=np.float32)[None, :, None]
    moved = delta_transfer(picture, copy + ramp, copy) - picture
    np.testing.assert_allclose(moved[192, 40:-40:8, 1], np.linspace(-0.1, 0.1, 384)[40:-40:8], atol=0.01)


def test_a_cast_is_held_back_and_a_local_colour_is_not() -> None:
    """The palette was asked for; where the light is warm was not."""
    picture = 0.2 + 0.5 * painted()
    copy = small(picture)
    cast = np.array([0.06, 0.0, -0.06], np.float32)
    np.testing.assert_allclose(delta_transfer(picture, copy + cast, copy), picture, atol=1e-4)
    warm = np.zeros((64, 64, 3), np.float32)
    warm[:, 32:] = cast
    moved = delta_transfer(picture, copy + warm, copy) - picture
    assert moved[:, 330:, 0].mean() - moved[:, :50, 0].mean() == pytest.approx(0.06, abs=0.01)


def test_a_change_of_contrast_is_held_back_and_light_that_moves_is_not() -> None:
    """How dramatic a picture is was asked for; where its light lies was not."""
    picture = 0.2 + 0.5 * painted()
    copy = small(picture)
    steeper = copy + 0.3 * (copy.mean(2, keepdims=True) - copy.mean())
    np.testing.assert_allclose(delta_transfer(picture, steeper, copy), picture, atol=1e-4)
    ramp = np.linspace(-0.1, 0.1, 64, dtype=np.float32)[None, :, None]
    moved = delta_transfer(picture, copy + ramp, copy) - picture
    assert moved[:, 330:].mean() - moved[:, :50].mean() > 0.1


def test_the_blur_of_the_autoencoder_cancels() -> None:
    """Whatever the reconstruction lost, losing the same in the diffused copy changes nothing."""
    picture = painted()
    blurred = gaussian_filter(small(picture), (2, 2, 0))
    np.testing.assert_allclose(delta_transfer(picture, blurred, blurred), picture, atol=1e-6)


@pytest.mark.parametrize("scene", ["studio podium", "mountain ridge", "beach"])
def test_the_subsampled_filter_agrees_with_the_full_one(scene: str) -> None:
    """The full filter on all pixels is the oracle. 1/255 of the mean picture is the least anybody can see."""
    picture = 0.2 + 0.6 * painted(scene=scene)
    change, copy = smooth((64, 64, 3), 0.05), small(picture)
    grey = (copy.mean(2) - copy.mean())[..., None]
    change -= (
        grey * (change.mean(2, keepdims=True) * grey).sum() / (grey**2).sum()
    )  # contrast is held; see its test
    full = picture + reference(picture, resize(change, (384, 384), Image.Resampling.BICUBIC), 25)
    difference = delta_transfer(picture, copy + change, copy) - np.clip(full, 0, 1)
    assert np.sqrt((difference**2).mean()) < 1 / 255
    assert np.abs(difference).max() < 12 / 255


def test_the_change_stops_at_the_renders_edges() -> None:
    """A step in the render, a change that is smeared over it: the filter puts the step back into the change."""
    picture = np.full((384, 384, 3), 0.25, np.float32)
    picture[:, 192:] = 0.75
    change = np.zeros((64, 64, 3), np.float32)
    change[:, 32:] = (
        0.2,
        0.0,
        -0.2,
    )  # warmer, and no brighter: brightness that follows the grey would be contrast
    change = gaussian_filter(change, (0, 2, 0))
    moved = delta_transfer(picture, small(picture) + change, small(picture)) - picture
    plain = resize(change, (384, 384), Image.Resampling.BICUBIC)
    jump = moved[:, 194, 0].mean() - moved[:, 189, 0].mean()
    plain_jump = plain[:, 194, 0].mean() - plain[:, 189, 0].mean()
    assert jump > 2 * plain_jump


@pytest.mark.parametrize(("width", "height"), [(160, 600), (1200, 628), (320, 50), (31, 17), (8, 8)])
def test_any_size_works_and_stays_in_range(width: int, height: int) -> None:
    picture = painted(width, height)
    h, w = (192, 96) if height > width else (96, 192)
    copy = np.clip(small(picture, h, w), 0, 1)
    moved = delta_transfer(picture, copy + smooth((h, w, 3), 0.3), copy)
    assert moved.shape == picture.shape
    assert moved.dtype == np.float32
    assert moved.min() >= 0 and moved.max() <= 1


def test_inputs_are_left_alone() -> None:
    picture, copy = painted(), small(painted())
    before = picture.copy(), copy.copy()
    delta_transfer(picture, copy * np.float32(0.9), copy)
    assert (picture == before[0]).all() and (copy == before[1]).all()


def test_area_means_are_exact() -> None:
    picture = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
    expected = picture.reshape(2, 2, 2, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(picture, (2, 2), Image.Resampling.BOX), expected, rtol=1e-6)
