"""What comes back from a backend: a picture, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from dco.generate.request import Request

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A finished backdrop. `pixels` is uint8[height, width, 3], sRGB; `seconds` is the wall time that making it took;
    a picture that was `cached` cost nothing this time."""

    request: Request
    key: str
    pixels: Pixels = field(repr=False)
    seconds: float
    cached: bool = False

    @property
    def sha256(self) -> str:
        """Hash of size and pixels."""
        return pixels_sha256(self.pixels)


@dataclass(frozen=True, slots=True)
class Failure:
    """A variant that could not be made. `reason` is one line for the night's report."""

    request: Request
    key: str
    reason: str


Outcome = Picture | Failure


def pixels_sha256(pixels: Pixels) -> str:
    """Hex SHA-256 of height, width and pixels, so that a reshaped array is another picture."""
    digest = sha256(f"{pixels.shape}{pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
