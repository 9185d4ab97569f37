"""Features of pictures and words: known colours, invariances, names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.elements.features import PICTURE, TEXT, picture_features, text_features
from dco.errors import BadData

AT = {f.name: i for i, f in enumerate(PICTURE)}
SAYS = {f.name: i for i, f in enumerate(TEXT)}


def flat(r: int, g: int, b: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.broadcast_to(np.array([r, g, b], np.uint8), (*size, 3))


@pytest.mark.parametrize(
    ("colour", "lab"),
    [  # published sRGB to CIELAB values (D65)
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_flat_colours_have_their_published_lab_values(
    colour: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    found = picture_features(flat(*colour))
    assert found[:3] == pytest.approx(lab, abs=0.05)
    assert found[AT["contrast"]] == pytest.approx(0, abs=1e-9) and found[AT["calmness"]] == 1


def test_grey_is_colourless_and_noise_is_not_calm() -> None:
    rng = np.random.default_rng(0)
    grey = picture_features(flat(90, 90, 90))
    noise = picture_features(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert abs(grey[AT["colourfulness"]]) < 1e-9 and noise[AT["colourfulness"]] > 20
    assert noise[AT["edges"]] > 0.5 and noise[AT["calmness"]] < 0.5
    busy_right = np.array(flat(200, 200, 200, (64, 64)))
    busy_right[:, 40:] = rng.integers(0, 256, (64, 24, 3))
    found = picture_features(busy_right)
    assert found[AT["calmness"]] == 1 and found[AT["edges"]] > 0.2


def test_a_size_twice_as_large_looks_the_same() -> None:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (64, 128, 3), dtype=np.uint8)
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_allclose(picture_features(large), picture_features(small), atol=1e-9)


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_shape_gives_finite_features(height: int, width: int) -> None:
    found = picture_features(np.full((height, width, 3), 7, np.uint8))
    assert found.shape == (len(PICTURE),) and np.isfinite(found).all()


def test_what_is_no_picture_is_refused() -> None:
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(BadData, match="picture: expected bytes"):
            picture_features(wrong)


@given(st.text(max_size=60))
def test_any_text_has_finite_features(text: str) -> None:
    found = text_features(text)
    assert found.shape == (len(TEXT),) and np.isfinite(found).all()


def test_a_headline_is_read() -> None:
    found = text_features("Save 20% on YOUR first box!")
    assert (
        found[SAYS["words"]] == 6
        and found[SAYS["per cent"]] == found[SAYS["exclamation"]] == found[SAYS["you"]] == 1
    )
    assert found[SAYS["question"]] == 0 and 0.2 < found[SAYS["capitals"]] < 0.4
