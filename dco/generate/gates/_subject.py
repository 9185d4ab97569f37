"""What a gate is given, and what it gives back.

A gate measures; the limits lie in one file beside this one, written by calibration (`dco model gates`), so that no
number here is a guess. Measures are free of the picture's size: they are taken on a small copy of fixed area, or on
tiles of native pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadInput, UnknownName
from dco.generate.gates._lab import lab
from dco.generate.paint.render import render
from dco.generate.request import PICTURES, Request
from dco.generate.vocabulary import Look

Floats = NDArray[np.float32]
Words = Mapping[str, Mapping[str, float]]
"""Attribute -> word -> probability, as a classifier reads a picture."""

SMALL = 192
"""Side of a square of the small copy's area, in pixels."""

SMALLEST = 160
"""Geometric mean of the sides, in pixels, below which only soundness is judged: no ad is that small, and a measure
taken on so few pixels is not the one that was calibrated."""

TILE, ACROSS = 128, 4
"""Native pixels are looked at in up to 4 x 4 tiles of 128 px, so that a larger picture costs no more."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One picture to judge.

    Args:
        request: what was asked for.
        pixels: uint8[height, width, 3].
        faithful: the picture is the renderer's own, or lies on it (delta transfer), so that it may be compared with
            the render of the same request. A checkpoint's picture is not.
        classifier: reads the probabilities of its words from float32[height, width, 3]; None: there is none.
        clip: cosine similarity of a picture and a text, in [-1, 1]; None: no CLIP model is configured.
    """

    request: Request
    pixels: NDArray[np.uint8]
    faithful: bool = False
    classifier: Callable[[Floats], Words] | None = None
    clip: Callable[[NDArray[np.uint8], str], float] | None = None

    @property
    def large_enough(self) -> bool:
        """Whether more than soundness can be told from it."""
        return sqrt(self.pixels.shape[0] * self.pixels.shape[1]) >= SMALLEST

    @cached_property
    def look(self) -> Look | None:
        """The words asked for, where the vocabulary has them all."""
        try:
            return self.request.look()
        except (BadInput, UnknownName):
            return None

    @cached_property
    def small_size(self) -> tuple[int, int]:
        """(width, height) of the small copy: the picture's aspect, the area of SMALL x SMALL."""
        height, width = self.pixels.shape[:2]
        scale = min(1.0, SMALL / sqrt(width * height))
        return max(8, round(width * scale)), max(8, round(height * scale))

    @cached_property
    def small(self) -> Floats:
        """Area means of the picture, float32[h, w, 3] in [0, 1]."""
        image = Image.fromarray(self.pixels).resize(self.small_size, Image.Resampling.BOX, reducing_gap=None)
        return np.asarray(image, np.float32) / np.float32(255)

    @cached_property
    def small_lab(self) -> Floats:
        """L*a*b* of the small copy."""
        return lab(self.small)

    @cached_property
    def render_lab(self) -> Floats | None:
        """L*a*b* of what the renderer alone paints for this request, at the small size; None where it may not be compared."""
        given = any(getattr(self.request, name) is not None for name in PICTURES)
        if not self.faithful or given or self.look is None:
            return None
        # Painted a little larger and averaged, as the picture was: edges then fall between pixels in the same way.
        width, height = self.small_size
        painted = render(self.look, 2 * width, 2 * height, self.request.seed, grain=False)
        return lab(painted.reshape(height, 2, width, 2, 3).mean((1, 3), dtype=np.float32))

    @cached_property
    def tiles(self) -> Floats:
        """float32[n, 128, 128, 3] of native pixels, 0 to 255, spread evenly; their corners lie on the 8 px grid."""
        height, width = self.pixels.shape[:2]
        side = min(TILE, height // 8 * 8, width // 8 * 8)
        rows, columns = _starts(height, side), _starts(width, side)
        cut = [self.pixels[y : y + side, x : x + side] for y in rows for x in columns]
        return np.stack(cut).astype(np.float32)


class Reading(NamedTuple):
    """One measured value. `limit` is None where nothing is refused by it; `reason` says in words why it fails, `note` why
    it was not judged."""

    name: str
    value: float
    limit: float | None = None
    reason: str = ""
    note: str = ""


class Gate(Protocol):
    """What a file in dco/generate/gates offers under the name `GATE`."""

    def judge(self, subject: Subject, limits: Mapping[str, float]) -> tuple[Reading, ...]:
        """Measure a picture and compare. Readings are named "gate.measure"; a limit that is not there refuses nothing."""
        ...


class Measure(NamedTuple):
    """How a value is judged: it may be at `most` or must be at `least` its limit. `why` is the reason, with {value} and
    {limit}; `slack` is the least room that calibration leaves between good pictures and the limit: what nobody would see."""

    side: Literal["most", "least"]
    why: str
    slack: float = 0.0


@dataclass(frozen=True)
class Gauge:
    """A gate that measures numbers and compares each with its limit.

    `measure` returns values by the names in `measures`; it leaves out what the picture does not let it measure.
    """

    name: str
    measures: Mapping[str, Measure]
    measure: Callable[[Subject], Mapping[str, float]]

    def judge(self, subject: Subject, limits: Mapping[str, float]) -> tuple[Reading, ...]:
        """One reading per value measured."""
        if not subject.large_enough:
            return ()
        return tuple(self._read(name, value, limits) for name, value in self.measure(subject).items())

    def _read(self, name: str, value: float, limits: Mapping[str, float]) -> Reading:
        full, measure = f"{self.name}.{name}", self.measures[name]
        limit = limits.get(full)
        if limit is None or not isfinite(value):
            return Reading(full, value, note="" if isfinite(value) else "not measurable")
        failed = value > limit if measure.side == "most" else value < limit
        return Reading(full, value, limit, measure.why.format(value=value, limit=limit) if failed else "")


def _starts(length: int, side: int) -> list[int]:
    count = max(1, min(ACROSS, length // side))
    return [int(v) // 8 * 8 for v in np.linspace(0, length - side, count)]
