"""Pictures on their way, small and not too often: looking must cost next to nothing and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.generate.backend import Glimpse, Preview
from dco.generate.cover import cover
from dco.generate.picture import Pixels

EVERY = 2
"""Steps between two looks."""

PAUSE = 1.0
"""Seconds between two looks, at least: decoding a batch of small copies takes about 50 ms, so looking costs 5 %."""

SIDE = 192
"""Longer side of a glimpse, in pixels."""


_process: Preview | None = None


@contextmanager
def shown_to(preview: Preview) -> Iterator[None]:
    """Show `preview` every picture this process makes meanwhile, whoever asks for it: between a command and the backend lie
    cache, gates and executor, which have no use for pictures on their way. Workers in other processes show nothing."""
    global _process
    before, _process = _process, preview
    try:
        yield
    finally:
        _process = before


def wanted(preview: Preview | None) -> Preview | None:
    """Who is to be shown pictures on their way: the one who was named, else whoever watches this process."""
    return preview or _process


class Watched(NamedTuple):
    """A picture in the making: its key and the (width, height) it will have."""

    key: str
    size: tuple[int, int]


class StopMaking(BaseException):
    """Carries what a preview raised past everything that forgives one picture's errors."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Watcher:
    """Shows a batch to `preview` after every few steps, never more often than `PAUSE` allows.

    >>> seen = []
    >>> watcher = Watcher(seen.append, pause=0.0)
    >>> watcher([Watched("k", (8, 4))], 2, 7, lambda: np.zeros((1, 16, 16, 3), np.float32))
    >>> seen[0].step, seen[0].steps, seen[0].pixels.shape
    (2, 7, (96, 192, 3))
    """

    def __init__(self, preview: Preview, pause: float = PAUSE) -> None:
        self._preview, self._pause, self._last = preview, pause, float("-inf")

    def __call__(
        self,
        watched: Sequence[Watched],
        step: int,
        steps: int,
        look: Callable[[], NDArray[np.float32]],
    ) -> None:
        """`look()` gives float32[n, h, w, 3] in [0, 1], of which the first `len(watched)` are shown."""
        if (step % EVERY and step < steps) or perf_counter() - self._last < self._pause:
            return
        pictures = np.nan_to_num(look()[: len(watched)]).clip(0, 1)
        try:
            for one, picture in zip(watched, pictures, strict=True):
                pixels = (picture * 255 + 0.5).astype(np.uint8)
                self._preview(Glimpse(one.key, step, steps, thumbnail(pixels, one.size)))
        except BaseException as error:
            raise StopMaking(error) from error
        self._last = perf_counter()


def thumbnail(pixels: Pixels, size: tuple[int, int] | None = None) -> Pixels:
    """uint8[h, w, 3] cut to the shape of size = (width, height), and so that its longer side has `SIDE` pixels."""
    width, height = size or (pixels.shape[1], pixels.shape[0])
    scale = SIDE / max(width, height)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cover(pixels, *small)
