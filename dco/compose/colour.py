"""Light and colour: sRGB, linear light, relative luminance and contrast as WCAG 2.2 defines them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.errors import BadInput

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_STEPS = 65_535
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def rgb(hex_code: str) -> tuple[int, int, int]:
    """'#rrggbb' -> three bytes.

    Raises:
        BadInput: the text is not a colour of that form.
    """
    if not _HEX.fullmatch(hex_code):
        raise BadInput(f"colour {hex_code!r}: expected '#rrggbb', like '#1c2b3a'")
    return int(hex_code[1:3], 16), int(hex_code[3:5], 16), int(hex_code[5:7], 16)


def to_linear(values: Bytes) -> Floats:
    """sRGB bytes -> linear light in [0, 1], same shape."""
    return _linear_table()[values]


def from_linear(values: Any) -> Bytes:
    """Linear light -> sRGB bytes, rounded to nearest; values outside [0, 1] are cut."""
    steps = np.clip(np.asarray(values, np.float32) * np.float32(_STEPS) + np.float32(0.5), 0, _STEPS)
    return _byte_table()[steps.astype(np.uint16)]


def luminance(pixels: Bytes) -> Floats:
    """Relative luminance in [0, 1] of uint8[..., 3]; WCAG 2.2, 'relative luminance'."""
    return to_linear(pixels) @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def contrast(a: Any, b: Any) -> Any:
    """Contrast ratio, 1 .. 21, of two relative luminances (arrays broadcast)."""
    high, low = np.maximum(a, b), np.minimum(a, b)
    return (high + 0.05) / (low + 0.05)


def luminance_of(hex_code: str) -> float:
    """Relative luminance of a '#rrggbb' colour."""
    return float(luminance(np.array([rgb(hex_code)], np.uint8))[0])


def worst_contrast(ground: Bytes, hex_code: str) -> float:
    """Contrast of a text colour against the most similar part of the pixels under it.

    The least favourable hundredth of the pixels decides: single noisy pixels do not make a word illegible, a
    patch the size of a letter does.
    """
    ratios = contrast(luminance(ground.reshape(-1, 3)), luminance_of(hex_code))
    return float(np.percentile(ratios, 1)) if ratios.size else 21.0


@lru_cache(maxsize=1)
def _linear_table() -> Floats:
    s = np.arange(256) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4).astype(np.float32)


@lru_cache(maxsize=1)
def _byte_table() -> Bytes:
    x = np.arange(_STEPS + 1) / _STEPS
    s = np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.round(s * 255).astype(np.uint8)
