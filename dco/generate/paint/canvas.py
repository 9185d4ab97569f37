"""What the scenes paint with: a stage of coordinates, light and colours, noise without a pixel size, and soft shapes.

Lengths are in units of which the short side of the picture measures 2, so circles stay circles at every aspect.
`x` runs right and `y` runs down from the centre; `u` in [-1, 1] and `v` in [0, 1] are the fractions of width and
height. Pictures are planar float32[3, height, width] while they are painted. Every random number is drawn before
the pixel grid is looked at, and noise comes from a lattice fixed in units around the centre: a seed therefore
gives the same picture at every size, and finer octaves appear only where the pixels can hold them.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.floating[Any]]
"""Painted in float32; the annotation is wider because NumPy's type of a division is."""
WHITE = np.ones(3, np.float32)


class Window(NamedTuple):
    """A part of the stage: the cut to apply to a picture, and the coordinates inside it."""

    cut: tuple[slice, slice, slice]
    x: Array
    y: Array


@dataclass(frozen=True)
class Scene:
    """A backdrop the renderer can paint. `words` are the canonical name and its synonyms.

    `paint(stage)` returns float32[3, height, width]; values outside [0, 1] are cut after grading. A scene that has a
    `surface` for the product paints it of `stage.surface(...)`; any other gets a ledge where a material is asked for.
    """

    words: tuple[str, ...]
    paint: Callable[[Stage], Array]
    surface: bool = False


class Stage:
    """The coordinates, colours and random draws of one picture.

    Args:
        colours: float32[4, 3], deep, mid, light and accent, sRGB in [0, 1].
        light: canonical light word; `night`, `drama` and `gold` are 1.0 for the matching word, else 0.0.
        season, mood, material: canonical words, "none" where they are not asked for.
        copy_side: "left", "right" or "center"; `focus` is the x, in units, where the product will stand.
        seed: numbers; equal numbers draw equal pictures.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        colours: Array,
        light: str,
        copy_side: str,
        seed: tuple[int, ...],
        season: str = "none",
        mood: str = "none",
        material: str = "none",
    ) -> None:
        self.season, self.mood, self.material = season, mood, material
        self._seed = seed
        short = min(width, height)
        self.width, self.height, self.short = width, height, short
        self.pixel = 2.0 / short
        self.half_w, self.half_h = width / short, height / short
        self.x = _centres(width, short)[None, :]
        self.y = _centres(height, short)[:, None]
        self.u = self.x / np.float32(self.half_w)
        self.v = (self.y / np.float32(self.half_h) + 1) / 2
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self.night = float(light == "night")
        self.drama = float(light == "dramatic light")
        self.gold = float(light == "golden hour")
        # In proportion to the colour: the same shift would turn black into violet.
        shift = (self.gauss(4, 3) * 0.025 + self.gauss(1, 3) * 0.015) * (0.3 + 0.7 * colours)
        self.deep0, self.mid0, self.light0, self.accent = np.clip(colours + shift, 0, 1)
        dim = self.night * 0.45 + self.drama * 0.25
        self.dim = dim
        self.light = self.light0 * (1 - dim) + (self.mid0 + self.deep0) * (dim / 2)
        self.mid = self.mid0 * (1 - dim) + self.deep0 * dim
        self.deep = self.deep0 * (1 - 0.35 * self.night)
        side = {"left": 0.42, "right": -0.42, "center": 0.0}[copy_side]
        self.copy_side = copy_side
        self.focus_u = side + self.draw(-0.08, 0.08)
        self.focus = self.focus_u * self.half_w
        self.sun = -1.0 if self.draw() < 0.5 else 1.0

    def fork(self, name: str) -> Stage:
        """The same stage with a stream of draws of its own, so that an addition moves nothing that was there before."""
        other = copy(self)
        other._rng = np.random.Generator(np.random.PCG64((*self._seed, *name.encode())))
        return other

    def surface(self, default: str) -> str:
        """The material asked for, or the scene's own."""
        return default if self.material == "none" else self.material

    def local(self, natural: Array, amount: float = 0.35) -> Array:
        """A thing's own colour, `amount` of the way to the palette's tone of the same brightness: float32[3].

        Sand, leaves and skin of fruit painted in the palette alone look dyed; in their own colours alone they look
        pasted in.
        """
        grey = float(natural @ np.array([0.3, 0.59, 0.11], np.float32))
        tones = np.stack([self.deep, self.mid, self.light])
        greys = tones @ np.array([0.3, 0.59, 0.11], np.float32)
        tone = np.array([np.interp(grey, greys, tones[:, c]) for c in range(3)], np.float32)
        return np.asarray(natural * (1 - self.dim * 0.6) * (1 - amount) + tone * amount, np.float32)

    def draw(self, low: float = 0.0, high: float = 1.0) -> float:
        """One uniform number."""
        return float(self._rng.uniform(low, high))

    def draws(self, *shape: int) -> Array:
        """Uniform numbers in [0, 1), float32[shape]."""
        return self._rng.random(shape, np.float32)

    def gauss(self, *shape: int) -> Array:
        """Standard normal numbers, float32[shape]."""
        return self._rng.standard_normal(shape, np.float32)

    def key(self) -> int:
        """A fresh key for `uniform_at`."""
        return int(self._rng.integers(0, 2**63))

    def at_v(self, v: float) -> float:
        """The y, in units, of a fraction of the height."""
        return (2 * v - 1) * self.half_h

    def noise(self, fx: float, fy: float | None = None, octaves: int = 4, gain: float = 0.5) -> Array:
        """Smooth noise of about unit variance, float32[height, width]; fx, fy are cells per short side."""
        fy = fx if fy is None else fy
        total = np.zeros((self.height, self.width), np.float32)
        for octave, key in enumerate([self.key() for _ in range(octaves)]):
            grow = 2.0**octave
            amount = gain**octave * _visible(self.short / (max(fx, fy) * grow))
            if amount:
                rows, top = _weights(self.height, self.short, fy * grow, True)
                columns, left = _weights(self.width, self.short, fx * grow, True)
                lattice = normal_at(
                    key, top + np.arange(rows.shape[1])[:, None], left + np.arange(columns.shape[1])
                )
                total += np.float32(amount) * (rows @ lattice @ columns.T)
        return total / _norm(octaves, gain)

    def ridge(self, fx: float, octaves: int = 5, gain: float = 0.5) -> Array:
        """Noise along x with straight flanks, float32[1, width]; fx is cells per short side."""
        total = np.zeros((1, self.width), np.float32)
        for octave, key in enumerate([self.key() for _ in range(octaves)]):
            frequency = fx * 2.0**octave
            amount = gain**octave * _visible(self.short / frequency)
            if amount:
                columns, left = _weights(self.width, self.short, frequency, False)
                lattice = normal_at(key, np.zeros(1, np.int64), left + np.arange(columns.shape[1]))
                total += np.float32(amount) * (columns @ lattice)
        return total / _norm(octaves, gain)

    def ramp(self, a: Array, b: Array, t: Any) -> Array:
        """Blend two colours over the whole picture, ready to be painted on: float32[3, height, width]."""
        return np.array(np.broadcast_to(mix(a, b, t), (3, self.height, self.width)), np.float32)

    def edge(self, distance: Array, softness: float = 0.0) -> Array:
        """Coverage in [0, 1] from a signed distance in units (positive inside), never sharper than a pixel."""
        return soft(distance, max(softness, 0.62 * self.pixel))

    def disc(self, x: float, y: float, radius: float, softness: float = 0.0) -> Array:
        """Coverage of a disc, float32[height, width]."""
        return self.edge(radius - self.distance(x, y), softness)

    def distance(self, x: float, y: float) -> Array:
        """Distance from a point in units, float32[height, width]."""
        return np.sqrt((self.x - np.float32(x)) ** 2 + (self.y - np.float32(y)) ** 2)

    def glow(self, x: float, y: float, radius: float) -> Array:
        """Light falling off exponentially from a point, float32[height, width]."""
        return np.exp(self.distance(x, y) * np.float32(-1 / radius))

    def window(self, x: float, y: float, rx: float, ry: float | None = None) -> Window:
        """The pixels within rx, ry of a point; empty where it lies outside the picture."""
        ry = rx if ry is None else ry
        columns = _span(x, rx, self.half_w, self.pixel, self.width)
        rows = _span(y, ry, self.half_h, self.pixel, self.height)
        return Window((slice(None), rows, columns), self.x[:, columns], self.y[rows, :])


def soft(distance: Any, softness: float) -> Any:
    """Smooth step from 0 to 1 around 0; `softness` is about a third of its full width."""
    t = np.clip(distance * np.float32(0.42 / softness) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def over(picture: Array, coverage: Any, colour: Array) -> None:
    """Paint a colour over a planar picture in place; coverage broadcasts to [height, width]."""
    # One buffer, worked on in place: giving pages back and forth costs more than the arithmetic.
    step = _planar(colour) - picture
    step *= coverage
    picture += step


def screen(picture: Array, light: Any, colour: Array) -> None:
    """Add light that never burns out, in place: 1 - (1 - picture)(1 - light * colour)."""
    added = light * _planar(colour)
    room = 1 - picture
    room *= added
    picture += room


def mix(a: Array, b: Array, t: Any) -> Array:
    """Blend two colours (t = 0 gives a) into planar float32[3, ...]."""
    a, b = _planar(a), _planar(b)
    out = np.asarray((b - a) * t, np.float32)
    out += a
    return out


def ellipse(window: Window, x: float, y: float, rx: float, ry: float) -> Array:
    """Signed distance to an ellipse in units, positive inside, exact to first order at its rim."""
    dx, dy = (window.x - x) / rx, (window.y - y) / ry
    k = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
    slope = np.sqrt((dx / rx) ** 2 + (dy / ry) ** 2) / k + np.float32(1e-6)
    return np.asarray((1 - k) / slope, np.float32)


def colour(hex_code: str) -> Array:
    """float32[3] in [0, 1] of '#rrggbb'."""
    return np.array([int(hex_code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def uniform_at(key: int, *places: Any) -> Array:
    """Uniform numbers in (0, 1) that depend only on the key and on integer places (broadcast together).

    The finaliser is splitmix64's (Steele, Lea, Flood 2014); a hash rather than a stream, so that a lattice may
    be read in any window and in any order.
    """
    z = np.uint64(key)
    for place, prime in zip(places, _PRIMES):
        with np.errstate(over="ignore"):
            z = _scramble(z + np.asarray(place, np.int64).astype(np.uint64) * prime)
    # 23 bits, so that the half added below is exact and the result never rounds to 1, whose normal is infinite.
    return (np.asarray(z >> np.uint64(41), np.float32) + np.float32(0.5)) * np.float32(2.0**-23)


def normal_at(key: int, *places: Any) -> Array:
    """Standard normal numbers at integer places; see `uniform_at`."""
    return np.asarray(ndtri(uniform_at(key, *places).astype(np.float64)), np.float32)


_PRIMES = tuple(np.uint64(p) for p in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


def _scramble(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _planar(colour: Array) -> Array:
    return colour[:, None, None] if colour.ndim == 1 else colour


def _centres(count: int, short: int) -> Array:
    return ((np.arange(count) + 0.5 - count / 2) * (2.0 / short)).astype(np.float32)


def _span(centre: float, reach: float, half: float, pixel: float, count: int) -> slice:
    start = int(np.floor((centre - reach + half) / pixel))
    stop = int(np.ceil((centre + reach + half) / pixel))
    return slice(min(max(start, 0), count), max(min(stop, count), 0))


def _visible(cell_pixels: float) -> float:
    # An octave fades out as its cells shrink from two pixels to one, so that no size jumps.
    return float(np.clip(cell_pixels - 1, 0, 1))


def _norm(octaves: int, gain: float) -> np.float32:
    return np.float32(np.sqrt(sum(gain ** (2 * k) for k in range(octaves))))


@lru_cache(128)
def _small_weights(count: int, short: int, cells: float, cubic: bool) -> tuple[Array, int]:
    return _interpolation(count, short, cells, cubic)


def _weights(count: int, short: int, cells: float, cubic: bool) -> tuple[Array, int]:
    # Large pictures are rare and their matrices big: only the small ones, which training repeats, are kept.
    build = _small_weights if count <= 160 else _interpolation
    return build(count, short, cells, cubic)


def _interpolation(count: int, short: int, cells: float, cubic: bool) -> tuple[Array, int]:
    """Matrix [count, lattice] from lattice values to pixel values, and the lattice place of its first column."""
    t = (np.arange(count) + 0.5 - count / 2) * (cells / short)
    base = np.floor(t).astype(np.int64)
    f = t - base
    taps: tuple[Any, ...]
    if cubic:  # Catmull-Rom
        taps = (
            (-1, -0.5 * f + f**2 - 0.5 * f**3),
            (0, 1 - 2.5 * f**2 + 1.5 * f**3),
            (1, 0.5 * f + 2 * f**2 - 1.5 * f**3),
            (2, -0.5 * f**2 + 0.5 * f**3),
        )
    else:
        taps = ((0, 1 - f), (1, f))
    first = int(base.min()) + taps[0][0]
    matrix = np.zeros((count, int(base.max()) + taps[-1][0] - first + 1), np.float32)
    for offset, weight in taps:
        matrix[np.arange(count), base + offset - first] += weight
    return matrix, first
