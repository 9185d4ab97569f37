"""What every gate promises: silent on a picture in order, a reason in words for one that is spoilt, the same twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite

import numpy as np
import pytest

from dco import registry
from dco.generate.backend import load_backend
from dco.generate.gates._subject import Reading, Subject
from dco.generate.picture import Picture
from dco.generate.quality.defects import DEFECTS, busy
from dco.generate.quality.panel import calibrated
from dco.generate.request import Request

LOOK = {"scene": "studio podium", "palette": "teal", "light": "soft light", "composition": "copy space left"}
REQUEST = Request.of(LOOK, 300, 252, seed=5)


def picture(request: Request) -> Picture:
    (found,) = load_backend("procedural").generate([request])
    assert isinstance(found, Picture)
    return found


@pytest.fixture(scope="module")
def good() -> Subject:
    return Subject(REQUEST, picture(REQUEST).pixels, faithful=True)


def _other(good: Subject) -> np.ndarray:
    return picture(Request.of({**LOOK, "scene": "beach", "palette": "amber"}, 300, 252, seed=5)).pixels


SPOILT: dict[str, Callable[[Subject], np.ndarray]] = {
    "sound": lambda s: np.full_like(s.pixels, 90),
    "sharpness": lambda s: DEFECTS["blur"].plant(s.pixels, np.random.default_rng(0)),
    "artefacts": lambda s: DEFECTS["noise"].plant(s.pixels, np.random.default_rng(0)),
    "copy_space": lambda s: busy(s.pixels, LOOK["composition"], np.random.default_rng(0)),
    "adherence": _other,
}


@pytest.fixture(params=registry.names("gates"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_picture_in_order_passes_with_its_values(name: str, good: Subject) -> None:
    readings = registry.load("gates", name).judge(good, calibrated())
    assert readings and all(isinstance(r, Reading) and not r.reason for r in readings)
    assert any(isfinite(r.value) and r.limit is not None for r in readings)
    assert all(r.name == name or r.name.startswith(f"{name}.") for r in readings)


def test_a_spoilt_picture_fails_with_value_limit_and_reason(name: str, good: Subject) -> None:
    assert name in SPOILT, f"add a picture to SPOILT that the gate {name!r} must refuse"
    spoilt = replace(good, pixels=SPOILT[name](good))
    failed = [r for r in registry.load("gates", name).judge(spoilt, calibrated()) if r.reason]
    assert failed
    for reading in failed:
        assert reading.limit is not None and isfinite(reading.value) and reading.value != reading.limit
        assert "\n" not in reading.reason and len(reading.reason) > 10


def test_without_limits_only_soundness_refuses(name: str, good: Subject) -> None:
    spoilt = replace(good, pixels=SPOILT[name](good))
    refused = any(r.reason for r in registry.load("gates", name).judge(spoilt, {}))
    assert refused == (name == "sound")


def test_judging_twice_reads_the_same_and_changes_nothing(name: str, good: Subject) -> None:
    before, gate = good.pixels.copy(), registry.load("gates", name)
    first = gate.judge(replace(good), calibrated())
    assert gate.judge(replace(good), calibrated()) == first
    assert np.array_equal(good.pixels, before)


def test_a_picture_too_small_to_measure_is_not_refused(name: str) -> None:
    tiny = Request.of(LOOK, 64, 48, seed=5)
    readings = registry.load("gates", name).judge(
        Subject(tiny, picture(tiny).pixels, faithful=True), calibrated()
    )
    assert not any(r.reason for r in readings)
