"""What comes back from a backend: a picture, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dco.generate.reference import pixels_sha256
from dco.generate.request import Request

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A finished backdrop. `pixels` is uint8[height, width, 3], sRGB; `seconds` is the wall time that making it took;
    a picture that was `cached` cost nothing this time. `micros` is what a provider charged for it, in micros of
    `currency`; None where nobody charged, or where the price is not known (which is not 0). `watt_hours` is an estimate of
    the energy it took here (see `energy`); None where it was made elsewhere, or nobody measured."""

    request: Request
    key: str
    pixels: Pixels = field(repr=False)
    seconds: float
    cached: bool = False
    micros: int | None = None
    currency: str = ""
    watt_hours: float | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    """What the gates measured, by "gate.measure"; empty before they have looked at it."""

    @property
    def sha256(self) -> str:
        """Hash of size and pixels."""
        return pixels_sha256(self.pixels)


@dataclass(frozen=True, slots=True)
class Failure:
    """A variant that could not be made. `reason` is one line for the night's report; `gate` names the quality gate that
    refused the finished picture, and is empty where there was none: another seed may pass it. A picture that was finished
    and then refused has cost what it cost: seconds, price and energy as in `Picture`."""

    request: Request
    key: str
    reason: str
    gate: str = ""
    seconds: float = 0.0
    micros: int | None = None
    currency: str = ""
    watt_hours: float | None = None

    @classmethod
    def of(cls, picture: Picture, reason: str, gate: str) -> Failure:
        """A finished picture that a gate refused; one that came from the cache costs nothing again."""
        if picture.cached:
            return cls(picture.request, picture.key, reason, gate)
        return cls(
            picture.request, picture.key, reason, gate,
            picture.seconds, picture.micros, picture.currency, picture.watt_hours,
        )  # fmt: skip


Outcome = Picture | Failure
