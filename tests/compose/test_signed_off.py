"""What makes an ad look finished: hierarchy, calm lines, a product that stands where the scene left it room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dco.compose import sample
from dco.compose.ad import compose
from dco.compose.fit import Setting, fit
from dco.compose.ground import set_off
from dco.compose.kit import Ad, Box, Kit
from dco.compose.layout import plan
from dco.compose.review import review
from dco.compose.rooms import Shapes
from dco.compose.sizes import SIZES, masters
from dco.compose.spot import GROUND, across
from dco.compose.typeset import BUTTON, HEADLINE, Text, fonts_of
from dco.compose.typeset import SUBHEAD as SUB
from dco.records import Copy

SHOUTS = (
    "Slow down. It's coffee time.",
    "One farm. One harvest. One cup.",
    "Roasted today, yours on Friday",
    "Give them better mornings",
)
SUBHEAD, CTA = "Single-origin beans, roasted to order", "Discover more"
SIDES = ("left", "right", "center")
LARGE = ("1080x1080", "1200x628", "1080x1350", "1080x1920")


def made(kit: Kit, headline: str, size: str, side: Any, backdrop: Any = None) -> Ad:
    flat = np.full((64, 64, 3), 200, np.uint8) if backdrop is None else backdrop
    return compose(flat, kit, Copy(headline, SUBHEAD, CTA), size, copy_side=side)


def box(ad: Ad, name: str) -> Box:
    found = ad.box(name)
    assert found
    return found


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("headline", SHOUTS)
def test_every_square_has_the_same_hierarchy(headline: str, side: Any, kit: Kit) -> None:
    """Centred or not: a headline of 6 % of the side or more, a subhead of 3.2 %, a button to match, a large product."""
    ad = made(kit, headline, "1080x1080", side)
    assert 0.06 * 1080 <= ad.measures["headline_px"] <= 0.09 * 1080
    assert ad.measures["subhead_px"] >= 0.032 * 1080
    assert ad.measures["cta_px"] >= 0.026 * 1080
    assert box(ad, "product").h >= 0.55 * 1080
    assert review(ad, kit) == ()


@pytest.mark.parametrize("side", SIDES)
def test_three_sentences_stand_in_three_lines(side: Any, kit: Kit) -> None:
    assert _headline(kit, SHOUTS[1], "1080x1080", side).lines == ("One farm.", "One harvest.", "One cup.")
    assert _headline(kit, SHOUTS[0], "1080x1080", side).lines == ("Slow down.", "It’s coffee time.")


def _headline(kit: Kit, headline: str, size: str, side: Any) -> Setting:
    """Measured only, not painted."""
    fonts = fonts_of(kit.headline_font, kit.body_font)
    texts = [
        Text(fonts, words, style, "x", size)
        for words, style in ((headline, HEADLINE), (SUBHEAD, SUB), (CTA, BUTTON))
    ]
    shapes = Shapes(0.58, 6.8, texts[2].width)
    return fit(SIZES[size], plan(SIZES[size], side, shapes), *texts).headline


@pytest.mark.parametrize("size", LARGE)
def test_headlines_of_a_set_differ_in_size_by_half_at_most(size: str, kit: Kit) -> None:
    for side in SIDES:
        sizes = [_headline(kit, headline, size, side).px for headline in SHOUTS]
        assert max(sizes) <= 1.5 * min(sizes), side


def marked(width: int, height: int, side: Any) -> Any:
    """A grey backdrop with a red spot, a fiftieth of the short side wide, where scenes let products stand."""
    x, y = across(side, width, height) * width, GROUND * height
    rows, columns = np.mgrid[:height, :width]
    picture = np.full((height, width, 3), 200, np.uint8)
    picture[np.hypot(columns - x, rows - y) < 0.02 * min(width, height)] = (255, 0, 0)
    return picture


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", [key for key, size in SIZES.items() if size.family != "banner"])
def test_the_product_stands_on_the_spot_the_scene_left_for_it(size: str, side: Any, kit: Kit) -> None:
    """Seen in the finished backdrop: the red spot lies below the product's middle, about at its foot."""
    target = SIZES[size]
    ad = made(kit, SHOUTS[0], size, side, marked(*masters([size])[size], side))
    product = box(ad, "product")
    under = ad.layers[0].pixels[..., :3].astype(int)
    red = under[..., 0] - under[..., 1] > 60
    rows, columns = np.nonzero(red)
    assert rows.size
    middle = (columns.min() + columns.max()) / 2
    assert abs(middle - (product.x + product.w / 2)) <= 0.25 * product.w
    foot = np.median(rows)
    assert abs(foot - product.bottom) <= 0.045 * target.height


def test_a_dark_product_gets_a_backlight_on_a_dark_ground_and_none_on_a_light_one(kit: Kit) -> None:
    product = np.zeros((120, 80, 4), np.uint8)
    product[5:-5, 5:-5] = (20, 24, 30, 255)
    night, day = np.full((300, 300, 3), (18, 20, 40), np.uint8), np.full((300, 300, 3), 220, np.uint8)
    lit = set_off(night, product, 110, 120).astype(int)
    beside, far, below = lit[160, 108], lit[20, 20], lit[250, 150]
    assert beside.sum() >= far.sum() + 30
    assert np.abs(far - night[0, 0]).max() <= 1 and np.abs(below - night[0, 0]).max() <= 1
    # Its colour is the scene's: the night is blue.
    assert beside[2] > beside[0]
    assert np.array_equal(set_off(day, product, 110, 120), day)


def test_the_sample_products_edge_is_as_dark_as_the_product() -> None:
    """A pale fringe is what gives a pasted picture away: half covered pixels have their neighbours' colour."""
    picture = sample.sample_product()[200:1000].astype(int)
    firsts = np.argmax(picture[..., 3] > 0, axis=1)
    rows = np.flatnonzero(picture[np.arange(800), firsts, 3] < 255)
    edge, inside = (picture[rows, firsts[rows] + step, :3] for step in (0, 1))
    assert rows.size > 100 and np.abs(edge - inside).max() <= 8
