"""Line breaks, resampling, shadows, sizes, files, sheets, cut-outs: each by itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dco.compose import sample
from dco.compose.ad import compose
from dco.compose.colour import from_linear, rgb, to_linear, worst_contrast
from dco.compose.cutout import cutout
from dco.compose.encode import RESERVED, encode
from dco.compose.kit import Kit
from dco.compose.product import resample, shadow, stance
from dco.compose.sheet import contact_sheet
from dco.compose.sizes import SIZES, masters
from dco.compose.typeset import HEADLINE, Text, fonts_of
from dco.compose.wrap import torn
from dco.errors import BadData, BadInput, BadPicture, DoesNotFit


def test_srgb_bytes_survive_the_way_to_linear_light_and_back() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(from_linear(to_linear(every)), every)


def test_contrast_of_black_and_white_is_21() -> None:
    assert worst_contrast(np.zeros((4, 4, 3), np.uint8), "#ffffff") == pytest.approx(21)


def test_a_colour_in_another_form_is_refused() -> None:
    with pytest.raises(BadInput, match="expected '#rrggbb'"):
        rgb("red")


def test_lines_are_balanced_and_leave_no_word_alone(fonts: tuple[bytes, bytes]) -> None:
    text = Text(fonts_of(*fonts), "Fresh roasted coffee beans delivered to you", HEADLINE, "headline", "x")
    lines = text.lines(10, 10 * text.width * 0.55, 3)
    assert lines is not None and len(lines) == 2
    first, last = (text.fonts.width(line, HEADLINE) for line in lines)
    assert 0.7 < first / last < 1.4
    alone = Text(fonts_of(*fonts), "Mornings worth waking for", HEADLINE, "headline", "x")
    narrow = alone.longest_word * 10 + 1
    assert alone.lines(10, narrow, 4) is None
    assert alone.lines(10, narrow, 4, orphan=True) == ("Mornings", "worth", "waking", "for")


def test_no_line_starts_with_a_dash(fonts: tuple[bytes, bytes]) -> None:
    text = Text(fonts_of(*fonts), "Frisch – à la carte – jeden Tag", HEADLINE, "headline", "x")
    for count in range(1, 7):
        lines = text.lines(10, 1e9, count, orphan=True) or ()
        assert not any(line.startswith("–") for line in lines)
    assert not any(line.startswith("–") for found in text.breaks for line in found.lines)


def test_resampling_keeps_light_not_bytes() -> None:
    """A fine black and white check looks as bright as half the light: byte 188, not 128."""
    check = np.zeros((64, 64, 4), np.uint8)
    check[..., 3] = 255
    check[::2, ::2, :3] = check[1::2, 1::2, :3] = 255
    small = resample(check, 8, 8)
    assert abs(int(small[3:5, 3:5, :3].mean()) - 188) <= 1


def test_resampling_keeps_hidden_colour_out_of_the_edge() -> None:
    disc = np.zeros((80, 80, 4), np.uint8)
    y, x = np.mgrid[:80, :80] - 40
    disc[..., :3] = (255, 0, 255)
    disc[x**2 + y**2 < 900] = (20, 120, 20, 255)
    small = resample(disc, 27, 27)
    seen = small[small[..., 3] > 8][:, :3].astype(int)
    # At the faintest alpha counted, 9 of 255, the colour itself is known to a few bytes only.
    assert np.abs(seen - (20, 120, 20)).max() <= 5


def test_what_stands_has_a_contact_shadow_below_it_and_what_hangs_a_soft_copy() -> None:
    block = np.full((100, 60, 4), 255, np.uint8)
    assert stance(block).stands
    under = shadow(block, 70, 40, (200, 200), stance(block))
    assert under[140, 85:115].min() > 0.3 and under[:120].max() == 0 and under[150:].max() < 0.05
    y, x = np.mgrid[:100, :100]
    diamond = np.zeros((100, 100, 4), np.uint8)
    diamond[abs(x - 50) + abs(y - 50) <= 50] = 255
    assert not stance(diamond).stands
    soft = shadow(diamond, 50, 40, (200, 200), stance(diamond))
    assert 0.3 < soft.max() <= 0.5 and soft.min() == 0


def test_every_size_is_cut_from_a_backdrop_at_least_as_large() -> None:
    chosen = masters(SIZES)
    for key, (width, height) in chosen.items():
        assert width >= SIZES[key].width and height >= SIZES[key].height
        assert width % 8 == 0 and height % 8 == 0
    assert len(set(chosen.values())) <= 3


def test_five_standard_sizes_need_three_backdrops() -> None:
    chosen = masters(["300x250", "728x90", "160x600", "1080x1080", "1200x628"])
    assert len(set(chosen.values())) == 3
    assert chosen["300x250"] == chosen["1080x1080"] and chosen["728x90"] == chosen["1200x628"]


@pytest.mark.parametrize("size", ["300x250", "728x90", "160x600", "1200x628", "1080x1080"])
def test_every_file_is_light_enough_with_room_for_the_manifest(size: str, kit: Kit, busy: Any) -> None:
    limit = SIZES[size].max_bytes
    ad = compose(busy, kit, sample.COPY, size, copy_side="left")
    data, quality = encode(ad.raster, limit)
    assert len(data) <= limit - RESERVED
    opened = Image.open(BytesIO(data))
    assert opened.format == "JPEG" and opened.info["progressive"] and opened.size == ad.raster.shape[1::-1]
    assert 60 <= quality <= 95
    assert np.abs(np.asarray(opened).astype(float) - ad.raster).mean() < 4


def test_the_heaviest_quality_that_fits_is_found_by_bisection() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    data, quality = encode(noise, 30_000)
    heavier = BytesIO()
    Image.fromarray(noise).save(
        heavier,
        "JPEG",
        quality=quality + 1,
        subsampling="4:4:4" if quality >= 60 else "4:2:0",
        progressive=True,
        optimize=True,
    )
    assert len(data) <= 30_000 - RESERVED < len(heavier.getvalue())


def test_a_picture_too_heavy_at_any_quality_is_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    with pytest.raises(DoesNotFit, match="bytes at quality 30"):
        encode(noise, 20_000)


def test_a_sheet_holds_every_tile_at_its_place() -> None:
    tiles = [(f"tile {i}", np.full((40, 60, 3), 20 * i, np.uint8)) for i in range(5)]
    sheet = contact_sheet(tiles, 3, 60)
    assert sheet.shape == (2 * (40 + 22 + 12) + 12, 3 * 72 + 12, 3)
    assert sheet[12 + 22 + 20, 12 + 30].tolist() == [0, 0, 0]
    assert sheet[12 + 74 + 22 + 20, 12 + 72 + 30].tolist() == [80, 80, 80]
    with pytest.raises(BadData):
        contact_sheet([], 3, 60)


def _photo(ground: Any) -> Any:
    y, x = np.mgrid[:200, :240]
    photo = np.array(np.broadcast_to(ground, (200, 240, 3)), np.uint8)
    photo[(x - 120) ** 2 + (y - 100) ** 2 < 60**2] = (160, 40, 30)
    photo[(x - 120) ** 2 + (y - 100) ** 2 < 20**2] = 250
    return photo


def test_a_plain_background_is_removed_but_white_inside_the_product_stays() -> None:
    drift = (
        250 - np.linspace(0, 14, 240)[None, :, None] + np.random.default_rng(0).normal(0, 1.5, (200, 240, 1))
    )
    freed, way = cutout(_photo(np.clip(drift, 0, 255)))
    y, x = np.mgrid[:200, :240]
    distance = np.hypot(x - 120, y - 100)
    assert way == "background"
    assert (freed[..., 3][distance < 56] == 255).all() and (freed[..., 3][distance > 64] == 0).all()


def test_a_busy_photo_becomes_a_card_with_round_corners() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 240, 3), dtype=np.uint8)
    card, way = cutout(noise)
    assert way == "card" and card[0, 0, 3] == 0 and card[100, 120, 3] == 255
    assert np.array_equal(card[104, 124, :3], noise[100, 120])


def test_transparency_that_is_there_is_used() -> None:
    product = sample.sample_product()
    freed, way = cutout(product)
    assert way == "alpha" and freed is product
    with pytest.raises(BadPicture):
        cutout(np.zeros((40, 40, 4), np.uint8))


def test_the_sample_brand_is_drawn_alike_every_time() -> None:
    one, two = sample.sample_product(), sample.sample_product()
    assert one.shape == (1100, 900, 4) and np.array_equal(one, two)
    assert 0.4 < (one[..., 3] == 255).mean() < 0.8
    logo = sample.sample_logo()
    assert len(np.unique(logo[logo[..., 3] == 255][:, :3], axis=0)) == 1


@pytest.mark.parametrize(
    ("words", "count", "lines"),
    [
        ("One farm. One harvest. One cup.", 3, ("One farm.", "One harvest.", "One cup.")),
        ("Version 2.5 is here for all", 2, ("Version 2.5", "is here for all")),
    ],
)
def test_lines_break_between_sentences_before_they_tear_one(
    fonts: tuple[bytes, bytes], words: str, count: int, lines: tuple[str, ...]
) -> None:
    text = Text(fonts_of(*fonts), words, HEADLINE, "headline", "x")
    assert next(found.lines for found in text.breaks if len(found.lines) == count) == lines
    assert torn(lines) == 0
    assert torn(("One", "farm. One")) == 1
