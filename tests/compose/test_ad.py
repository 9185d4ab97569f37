"""What every composed ad promises: nothing clipped or covered, exact product pixels, legible type, the same bytes again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dco.compose import sample
from dco.compose.ad import compose
from dco.compose.kit import Ad, Kit
from dco.compose.product import trim
from dco.compose.review import review
from dco.compose.sizes import SIZES
from dco.errors import BadInput, BadPicture, DoesNotFit, UnknownName
from dco.records import Copy

SIDES = ("left", "right", "center")
WORDS = st.sampled_from(
    (
        *(
            "Wake",
            "up",
            "to",
            "better",
            "coffee",
            "Über",
            "Größe",
            "naïve",
            "façade",
            "“crème",
            "brûlée”",
            "É",
        ),
        *(
            "jump",
            "Ångström",
            "¡Olé!",
            "50",
            "%",
            "gift-wrapped",
            "extraordinary",
            "roasts",
            "–",
            "it's",
            "a",
        ),
    )
)


def phrase(low: int, high: int) -> Any:
    return st.lists(WORDS, min_size=low, max_size=high).map(" ".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.sampled_from([s for s in SIZES if not s.startswith("1080")]),
    side=st.sampled_from(SIDES),
    headline=phrase(1, 9),
    subhead=phrase(0, 14),
    cta=phrase(1, 3),
    stretch=st.sampled_from([1.0, 0.35, 2.4]),
)
def test_any_words_fit_whole_and_apart_or_are_refused_by_name(
    size: str, side: Any, headline: str, subhead: str, cta: str, stretch: float, kit: Kit, busy: Any
) -> None:
    tall = round(300 / stretch)
    product = np.asarray(Image.fromarray(kit.product).resize((300, tall)))
    brand = dataclasses.replace(kit, product=product)
    try:
        ad = compose(busy, brand, Copy(headline, subhead, cta), size, copy_side=side)
    except DoesNotFit as error:
        assert size in str(error) and "px" in str(error)
        return
    assert review(ad, brand) == ()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", SIDES)
def test_the_sample_brand_passes_every_check_in_every_size(size: str, side: Any, kit: Kit, busy: Any) -> None:
    ad = compose(busy, kit, sample.COPY, size, copy_side=side)
    target = SIZES[size]
    assert ad.raster.shape == (target.height, target.width, 3)
    assert ad.measures["product_max_abs_diff"] == 0
    assert review(ad, kit) == ()


def test_equal_arguments_give_equal_pixels(kit: Kit, busy: Any) -> None:
    one, two = (compose(busy, kit, sample.COPY, "300x250", copy_side="left") for _ in range(2))
    assert np.array_equal(one.raster, two.raster)
    assert one.boxes == two.boxes and one.measures == two.measures


def test_layers_add_up_to_the_raster(kit: Kit, busy: Any) -> None:
    """Pillow pastes the layers; type blends alike, the product's soft edge mixes in linear light, so edges may differ."""
    ad = compose(busy, kit, sample.COPY, "300x250", copy_side="right")
    picture = Image.fromarray(ad.layers[0].pixels[..., :3].copy())
    for layer in ad.layers[1:]:
        pixels = Image.fromarray(layer.pixels)
        picture.paste(pixels, (layer.x, layer.y), pixels)
    off = np.abs(np.asarray(picture).astype(int) - ad.raster).max(-1) > 2
    assert off.mean() < 0.01


def test_written_type_is_as_clear_as_claimed(kit: Kit) -> None:
    """On a flat backdrop the contrast follows from two colours alone, by the formula of WCAG 2.2."""

    def light(rgb: tuple[int, ...]) -> float:
        parts = [c / 255 for c in rgb]
        lin = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    for grey in (10, 90, 130, 200, 245):
        flat = np.full((500, 600, 3), grey, np.uint8)
        ad = compose(flat, kit, sample.COPY, "300x250", copy_side="left")
        box = ad.box("headline")
        assert box
        patch = ad.raster[box.y : box.bottom, box.x : box.right].reshape(-1, 3)
        values, counts = np.unique(patch, axis=0, return_counts=True)
        # The two commonest colours in a box of type on a flat ground are the ground and the ink.
        ground, ink = (light(tuple(map(int, values[i]))) for i in np.argsort(counts)[-2:])
        ratio = (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)
        assert ratio >= 4.5
        # The light behind a dark product reaches faintly under the type; the measure counts its worst hundredth.
        assert ad.measures["contrast_headline"] == pytest.approx(ratio, rel=0.08)


def test_a_scrim_is_painted_only_where_contrast_needs_it(kit: Kit, busy: Any) -> None:
    white = np.full((500, 600, 3), 250, np.uint8)
    assert compose(white, kit, sample.COPY, "300x250", copy_side="left").measures["scrim_strength"] == 0
    assert compose(busy, kit, sample.COPY, "300x250", copy_side="left").measures["scrim_strength"] > 0


def test_a_border_shows_only_where_the_ad_would_vanish_on_a_white_page(kit: Kit) -> None:
    white, dark = (np.full((500, 600, 3), v, np.uint8) for v in (255, 60))
    edge = compose(white, kit, sample.COPY, "300x250", copy_side="left").raster[0]
    assert edge.max() < 225
    names = [layer.name for layer in compose(dark, kit, sample.COPY, "300x250", copy_side="left").layers]
    assert "border" not in names


def test_a_narrow_banner_drops_the_subhead_and_says_so(kit: Kit, busy: Any) -> None:
    long = Copy(
        "Mornings worth waking for", "Small-batch beans, roasted on the day they ship to you", "Shop now"
    )
    ad = compose(busy, kit, long, "320x50", copy_side="left")
    assert ad.measures["subhead_dropped"] == 1 and ad.box("subhead") is None


def test_a_subhead_too_long_for_a_large_size_is_refused(kit: Kit, busy: Any) -> None:
    with pytest.raises(DoesNotFit, match=r"1200x628, subhead .*lines.*shorten"):
        compose(busy, kit, Copy("Coffee", "roasted " * 60, "Shop"), "1200x628", copy_side="left")


def test_a_word_wider_than_its_box_is_never_broken(kit: Kit, busy: Any) -> None:
    with pytest.raises(DoesNotFit, match=r"160x600, headline .*longest word needs .*px.*136 px wide"):
        compose(busy, kit, Copy("Donaudampfschifffahrt", "", "Los"), "160x600", copy_side="left")


def test_a_missing_glyph_is_named(kit: Kit, busy: Any) -> None:
    with pytest.raises(DoesNotFit, match=r"'日' \(U\+65E5\)"):
        compose(busy, kit, Copy("日 coffee", "", "Shop"), "300x250", copy_side="left")


def test_bad_arguments_are_named(kit: Kit, busy: Any) -> None:
    with pytest.raises(UnknownName, match="did you mean '300x250'"):
        compose(busy, kit, sample.COPY, "300x251", copy_side="left")
    with pytest.raises(BadPicture, match="uint8"):
        compose(busy.astype(np.float32), kit, sample.COPY, "300x250", copy_side="left")
    with pytest.raises(DoesNotFit, match="button: there are no words"):
        compose(busy, kit, Copy("Coffee", "", " "), "300x250", copy_side="left")
    with pytest.raises(BadInput, match="role 'accent'"):
        dataclasses.replace(kit, colors={"ink": "#000000", "paper": "#ffffff"})


def test_a_logo_of_many_colours_keeps_them(kit: Kit) -> None:
    stripes = np.zeros((60, 120, 4), np.uint8)
    stripes[..., 3] = 255
    stripes[:, :60, 0], stripes[:, 60:, 2] = 220, 220
    brand = dataclasses.replace(kit, logo=stripes)
    ad = compose(np.full((500, 600, 3), 120, np.uint8), brand, sample.COPY, "300x250", copy_side="left")
    box = ad.box("logo")
    assert box
    middle = ad.raster[box.y + box.h // 2, [box.x + 3, box.right - 4]]
    assert middle.tolist() == [[220, 0, 0], [0, 0, 220]]


def _shown(ad: Ad) -> Any:
    box = ad.box("product")
    assert box
    return ad.raster[box.y : box.bottom, box.x : box.right], box


@pytest.mark.realdata
@pytest.mark.parametrize("side", SIDES)
def test_real_cut_outs_stay_exact(side: Any, kit: Kit, busy: Any, real_data: Path) -> None:
    """Oracle: where the ad shows the cut-out at its own size, the pixels are the file's, untouched."""
    for path in sorted((real_data / "brand_assets" / "products").glob("solidus_*.png")):
        photo = np.array(Image.open(path).convert("RGBA"))
        ad = compose(busy, dataclasses.replace(kit, product=photo), sample.COPY, "300x250", copy_side=side)
        assert ad.measures["product_max_abs_diff"] == 0, path.name
        _, box = _shown(ad)
        sized = Image.fromarray(trim(photo)).resize((box.w, box.h), Image.Resampling.BOX)
        same = dataclasses.replace(kit, product=np.array(sized))
        ad = compose(busy, same, sample.COPY, "300x250", copy_side=side)
        shown, box = _shown(ad)
        own = trim(same.product)
        if shown.shape[:2] == own.shape[:2]:
            opaque = own[..., 3] == 255
            assert np.array_equal(shown[opaque], own[opaque, :3]), path.name
