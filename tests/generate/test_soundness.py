from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import GenerationFailed
from dco.generate.paint.render import render
from dco.generate.soundness import inspect, to_uint8
from dco.generate.vocabulary import COMPOSITIONS, LIGHTS, PALETTES, Look, scene_names


def noise(size: int = 80) -> np.ndarray:
    return np.random.default_rng(0).random((size, size, 3)).astype(np.float32)


@given(st.integers(0, 79), st.integers(0, 79), st.integers(0, 2), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_one_value_that_is_not_finite_is_found_wherever_it_is(y: int, x: int, c: int, bad: float) -> None:
    pixels = noise()
    pixels[y, x, c] = bad
    assert "not finite: 1 of 19200" in str(inspect(pixels))
    with pytest.raises(GenerationFailed, match="not finite"):
        to_uint8(pixels)


def test_infinities_of_both_signs_do_not_cancel() -> None:
    pixels = noise()
    pixels[0, 0, 0], pixels[1, 1, 1] = np.inf, -np.inf
    assert "not finite: 2" in str(inspect(pixels))


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_black_and_flat_pictures_are_failed_variants(kind: type) -> None:
    scale = 255 if kind is np.uint8 else 1
    assert str(inspect(np.zeros((90, 90, 3), kind))).startswith("black")
    assert str(inspect(np.full((90, 90, 3), 0.5 * scale).astype(kind))).startswith("flat")
    assert inspect((noise() * scale).astype(kind)) is None


def test_one_bright_spot_does_not_save_a_black_picture() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[0, 0] = 255
    assert str(inspect(pixels)).startswith("black")


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (1, 4, 4, 3)])
def test_a_wrong_shape_is_named(shape: tuple[int, ...]) -> None:
    assert str(inspect(np.zeros(shape, np.uint8))).startswith("wrong shape")


def test_a_wrong_size_or_type_is_named() -> None:
    assert inspect(noise(), (80, 81)) == "wrong size: expected 80x81, got 80x80"
    assert str(inspect(noise().astype(int))).startswith("wrong type")


def test_no_picture_the_renderer_paints_is_refused() -> None:
    for scene in scene_names():
        for palette in ("black", "white", *list(PALETTES)[:1]):
            for light in LIGHTS:
                look = Look(scene, palette, light, next(iter(COMPOSITIONS)))
                assert inspect(render(look, 64, 40, 1, grain=False)) is None, look


def test_rounding_is_to_the_nearest_and_cuts_what_lies_outside() -> None:
    row = np.array([[-0.2, 0.0, 0.4 / 255], [0.6 / 255, 1.0, 1.7]], np.float32)
    pixels = np.broadcast_to(row[:, None, :], (2, 2, 3))
    assert to_uint8(pixels)[:, 0].tolist() == [[0, 0, 0], [1, 255, 255]]
