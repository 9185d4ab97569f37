"""What a creative looks like and says, as numbers: for `History.features`, in the order of `PICTURE` and `TEXT`.

Pure functions of pixels and words; colours as in CIE 1976 L*a*b* (D65), colourfulness after Hasler & Suesstrunk (2003).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.errors import BadData

Floats = NDArray[np.float64]

SIDE = 128
"""Longest side that features are read at, in pixels: a banner and its large twin look alike to them."""
EDGE = 0.08
"""Gradient of luminance per pixel (of `SIDE`) from which a pixel is on an edge."""
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


class Feature(NamedTuple):
    """A feature's name and unit."""

    name: str
    unit: str


PICTURE = (
    Feature("lightness", "mean L*, 0 to 100"),
    Feature("green to red", "mean a*, about -100 to 100"),
    Feature("blue to yellow", "mean b*, about -100 to 100"),
    Feature("colourfulness", "Hasler-Suesstrunk M on 0..255 channels, 0 to about 150"),
    Feature("contrast", "sd of L*, 0 to 50"),
    Feature("warmth", "share of pixels with red above blue by more than 0.1, 0 to 1"),
    Feature("edges", "share of pixels on an edge, 0 to 1"),
    Feature("calmness", "1 - edge share where the copy lies (left half, middle of the height), 0 to 1"),
    Feature("light from above", "mean L* of the upper half less the lower, -100 to 100"),
)
TEXT = (
    Feature("length", "characters"),
    Feature("words", "words"),
    Feature("word length", "mean characters of a word"),
    Feature("question", "1 if it asks"),
    Feature("exclamation", "1 if it exclaims"),
    Feature("number", "1 if it holds a digit"),
    Feature("per cent", "1 if it holds a percentage"),
    Feature("capitals", "share of letters in capitals, 0 to 1"),
    Feature("you", "1 if it speaks to the reader (English or German)"),
)
YOU = re.compile(r"\b(you|your|yours|du|dein\w*|dir|dich|ihr\w*|sie)\b", re.IGNORECASE)


def picture_features(rgb: NDArray[np.uint8]) -> Floats:
    """float64[len(PICTURE)] of a picture uint8[height, width, 3] in sRGB.

    Raises:
        BadData: not such an array, or without a pixel.
    """
    pixels = np.asarray(rgb)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise BadData(
            f"picture: expected bytes [height, width, 3] with a pixel, got {pixels.dtype} {pixels.shape}"
        )
    small = _shrunken(pixels)
    lab = _lab(small)
    light, red, green, blue = lab[..., 0], small[..., 0], small[..., 1], small[..., 2]
    edge = _edges(light / 100.0)
    height, width = light.shape
    copy = edge[height // 4 : max(height - height // 4, height // 4 + 1), : max(width // 2, 1)]
    half = height // 2
    above = float(light[:half].mean() - light[height - half :].mean()) if half else 0.0
    mean = lab.reshape(-1, 3).mean(axis=0)
    return np.array(
        [
            *mean, _colourfulness(255 * red, 255 * green, 255 * blue), light.std(), (red - blue > 0.1).mean(),
            edge.mean(), 1.0 - copy.mean(), above,
        ]
    )  # fmt: skip


def text_features(text: str) -> Floats:
    """float64[len(TEXT)] of a headline; all 0 for an empty one."""
    words, letters = text.split(), [c for c in text if c.isalpha()]
    return np.array(
        [
            len(text), len(words), np.mean([len(w) for w in words]) if words else 0.0, "?" in text, "!" in text,
            any(c.isdigit() for c in text), "%" in text, np.mean([c.isupper() for c in letters]) if letters else 0.0,
            YOU.search(text) is not None,
        ],
        dtype=float,
    )  # fmt: skip


def _shrunken(pixels: NDArray[np.uint8]) -> Floats:
    """float[h, w, 3] in 0..1, by block means, at most `SIDE` on the longest side (up to the last partial block)."""
    step = -(-max(pixels.shape[:2]) // SIDE)
    height, width = (max(n // step, 1) for n in pixels.shape[:2])
    block_h, block_w = (min(step, n) for n in pixels.shape[:2])
    cut = pixels[: height * block_h, : width * block_w].astype(float) / 255.0
    return np.asarray(cut.reshape(height, block_h, width, block_w, 3).mean(axis=(1, 3)))


def _lab(srgb: Floats) -> Floats:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    t = linear @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


def _colourfulness(red: Floats, green: Floats, blue: Floats) -> float:
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def _edges(light: Floats) -> NDArray[np.bool_]:
    down = np.diff(light, axis=0, append=light[-1:])
    right = np.diff(light, axis=1, append=light[:, -1:])
    return np.asarray(np.hypot(down, right) > EDGE)
