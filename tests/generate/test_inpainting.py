from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dco.errors import BadInput
from dco.generate.diffusion.inpainting import alpha, composite, encoded, linear, place

MASKS = arrays(np.uint8, (12, 15), elements=st.sampled_from([0, 0, 0, 255, 255, 128]))


@given(MASKS, st.integers(0, 9), st.floats(0, 6))
def test_black_pixels_keep_every_bit_whatever_is_drawn(mask: np.ndarray, seed: int, feather: float) -> None:
    rng = np.random.default_rng(seed)
    init = rng.integers(0, 256, (12, 15, 3), np.uint8)
    out = composite(init, rng.random((12, 15, 3), np.float32), mask, feather)
    assert (out[mask == 0] == init[mask == 0]).all()
    assert out.dtype == np.uint8 and out is not init


@given(MASKS)
def test_the_rim_rises_from_black_into_white_and_never_leaves_the_mask(mask: np.ndarray) -> None:
    cover = alpha(mask, 3)
    assert (cover[mask == 0] == 0).all() and (cover[mask > 0] > 0).all()
    assert (cover <= mask / np.float32(255)).all()


def test_far_from_black_the_drawn_picture_shows_as_it_is() -> None:
    mask = np.full((40, 40), 255, np.uint8)
    mask[:, :10] = 0
    drawn = np.random.default_rng(1).random((40, 40, 3), np.float32)
    out = composite(np.zeros((40, 40, 3), np.uint8), drawn, mask, 4)
    assert (out[:, 15:] == np.round(drawn[:, 15:] * 255)).all()
    rising = alpha(mask, 4)[20, 9:16]
    assert rising[0] == 0 and rising[-1] == 1 and (np.diff(rising) >= 0).all()


def test_at_the_rim_light_is_mixed_and_not_its_code() -> None:
    """Half of white over black is 188 of 255 in sRGB (half the light), not 128."""
    mask = np.full((8, 8), 255, np.uint8)
    mask[:, 0] = 0
    mask[0, 7] = 128
    out = composite(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8, 3), np.float32), mask, 0)
    assert out[0, 7].tolist() == [188] * 3


def test_the_transfer_function_is_its_own_inverse_and_hits_the_published_points() -> None:
    codes = np.arange(256, dtype=np.float32) / 255
    assert np.abs(encoded(linear(codes)) - codes).max() < 1e-5
    assert float(linear(np.float32(0.5))) == pytest.approx(0.21404, abs=1e-5)


def test_a_placed_product_is_kept_and_nothing_of_the_old_backdrop_stays_around_it() -> None:
    backdrop = np.full((20, 30, 3), 255, np.uint8)
    product = np.zeros((4, 5, 4), np.uint8)
    product[1:3, 1:4] = [10, 20, 30, 255]
    product[0, 0] = [0, 0, 0, 128]
    init, mask = place(backdrop, product, 7, 3)
    assert (mask.pixels == 0).sum() == 6 and mask.pixels[3, 7] == 127
    assert (init.pixels[mask.pixels == 255] == 255).all()
    black = composite(init.pixels, np.zeros((20, 30, 3), np.float32), mask.pixels)
    assert (black[4:6, 8:11] == [10, 20, 30]).all()
    black[4:6, 8:11] = 0
    assert not black.any()
    white = composite(init.pixels, np.ones((20, 30, 3), np.float32), mask.pixels)
    assert white[3, 7].tolist() == [187] * 3  # half of the light is the new backdrop's


def test_a_hard_mask_gets_a_narrow_rim_and_a_soft_one_keeps_its_own() -> None:
    hard = np.zeros((9, 30), np.uint8)
    hard[:, 10:] = 255
    rising = alpha(hard)[4]
    assert (rising[:10] == 0).all() and 0 < rising[10] < rising[11] < 1 and (rising[13:] == 1).all()
    soft = np.broadcast_to(np.linspace(0, 255, 30).astype(np.uint8), (9, 30))
    assert (alpha(soft) == soft / np.float32(255)).all()


@pytest.mark.parametrize(("left", "top"), [(-1, 0), (26, 0), (0, 17)])
def test_a_product_outside_of_the_backdrop_is_refused(left: int, top: int) -> None:
    with pytest.raises(BadInput, match="does not lie in the backdrop of 30x20"):
        place(np.zeros((20, 30, 3), np.uint8), np.zeros((4, 5, 4), np.uint8), left, top)
    with pytest.raises(BadInput, match="expected uint8"):
        place(np.zeros((20, 30, 3), np.uint8), np.zeros((4, 5, 3), np.uint8), 0, 0)


def test_laying_a_picture_around_what_is_kept_loads_no_torch() -> None:
    code = "import sys, dco.generate.diffusion.inpainting; assert not {'torch', 'diffusers'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
