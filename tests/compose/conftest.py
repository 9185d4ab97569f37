"""A brand kit with real fonts, and backdrops that are hard to write on."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dco.compose import sample
from dco.compose.kit import Kit


@pytest.fixture(scope="session")
def fonts() -> tuple[bytes, bytes]:
    folder = files("font_manrope") / "files"
    return (folder / "Manrope-ExtraBold.ttf").read_bytes(), (folder / "Manrope-Medium.ttf").read_bytes()


@pytest.fixture(scope="session")
def kit(fonts: tuple[bytes, bytes]) -> Kit:
    return Kit(sample.NAME, sample.sample_product(), sample.sample_logo(), sample.COLORS, *fonts)


@pytest.fixture(scope="session")
def busy() -> NDArray[np.uint8]:
    """Patches of any colour and brightness, with grain: no single text colour reads on it."""
    rng = np.random.default_rng(7)
    patches = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((640, 480), 3)
    grain = rng.normal(0, 6, (480, 640, 1))
    return np.clip(np.asarray(patches) + grain, 0, 255).round().astype(np.uint8)
