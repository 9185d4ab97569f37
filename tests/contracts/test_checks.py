"""What every check promises: silent on an ad in order, a full finding on one that is broken, the same twice."""

from __future__ import annotations

import dataclasses
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from dco import registry
from dco.compose import sample
from dco.compose.ad import compose
from dco.compose.finding import Finding
from dco.compose.kit import Ad, Kit, Layer
from dco.compose.sizes import SIZES

SIZE = SIZES["300x250"]


def _kit() -> Kit:
    folder = files("font_manrope") / "files"
    fonts = [(folder / f"Manrope-{cut}.ttf").read_bytes() for cut in ("ExtraBold", "Medium")]
    return Kit(sample.NAME, sample.sample_product(), sample.sample_logo(), sample.COLORS, *fonts)


@pytest.fixture(scope="module")
def kit() -> Kit:
    return _kit()


@pytest.fixture(scope="module")
def good(kit: Kit) -> Ad:
    return compose(np.full((500, 600, 3), 205, np.uint8), kit, sample.COPY, SIZE.key, copy_side="left")


def _with_box(ad: Ad, name: str, **changes: Any) -> Ad:
    boxes = tuple(dataclasses.replace(b, **changes) if b.name == name else b for b in ad.boxes)
    return dataclasses.replace(ad, boxes=boxes)


def _grey_ground(ad: Ad) -> Ad:
    ground = ad.layers[0].pixels.copy()
    ground[..., :3] = 60
    return dataclasses.replace(ad, layers=(Layer("backdrop", 0, 0, ground), *ad.layers[1:]))


def _retouched(ad: Ad) -> Ad:
    box, raster = ad.box("product"), ad.raster.copy()
    assert box
    raster[box.y + box.h // 2, box.x + box.w // 2] ^= 1
    return dataclasses.replace(ad, raster=raster)


def _crowded(ad: Ad) -> Ad:
    logo = ad.box("logo")
    assert logo
    return _with_box(ad, "headline", y=logo.bottom + 1)


BROKEN = {
    "contrast": _grey_ground,
    "min_type": lambda ad: _with_box(ad, "subhead", font_px=7.0),
    "safe_area": lambda ad: _with_box(ad, "headline", x=3),
    "logo_clear_space": _crowded,
    "product_exact": _retouched,
    "overlap": lambda ad: _with_box(ad, "product", x=60),
}


@pytest.fixture(params=registry.names("checks"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_ad_in_order_has_no_findings(name: str, good: Ad, kit: Kit) -> None:
    assert registry.load("checks", name)(good, kit, SIZE) == []


def test_a_broken_ad_is_found_with_value_limit_and_source(name: str, good: Ad, kit: Kit) -> None:
    assert name in BROKEN, f"add an ad to BROKEN that the check {name!r} must find fault with"
    found = registry.load("checks", name)(BROKEN[name](good), kit, SIZE)
    assert found and all(isinstance(f, Finding) for f in found)
    for finding in found:
        assert finding.check == name and finding.box and finding.source
        assert finding.value != finding.limit and SIZE.key in finding.message


def test_looking_twice_finds_the_same_and_changes_nothing(name: str, good: Ad, kit: Kit) -> None:
    before, check = good.raster.copy(), registry.load("checks", name)
    assert check(BROKEN[name](good), kit, SIZE) == check(BROKEN[name](good), kit, SIZE)
    assert np.array_equal(good.raster, before)
