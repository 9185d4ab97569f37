"""What a checkpoint is given for one request, and what is made of its answer. Pure numpy; the checkpoint is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np
from PIL import Image

from dco.errors import DcoError
from dco.generate.diffusion.conditions import edges
from dco.generate.diffusion.delta import Array, resize
from dco.generate.diffusion.inpainting import composite
from dco.generate.paint.render import render
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.reference import Reference
from dco.generate.request import Request
from dco.generate.soundness import inspect, to_uint8
from dco.generate.vocabulary import Look


@dataclass(frozen=True)
class Job:
    """One request, waiting for its batch. `look` is what its render shows; None where there is none to paint."""

    number: int
    request: Request
    key: str
    look: Look | None


class Bucket(NamedTuple):
    """What the members of a batch have in common. `render` and `init` say what they start from, if anything."""

    size: tuple[int, int]
    steps: int
    guidance: float
    strength: float
    render: bool
    init: bool
    mask: bool
    control: bool
    style: Reference | None
    negative: bool
    adapters: tuple[tuple[str, float], ...]
    held: bool = False
    """The size is one of a few fixed ones: pictures lie inside it in shapes of their own."""

    def window(self, request: Request) -> tuple[int, int]:
        """(width, height) that a request's picture has within the size, around its middle."""
        if not self.held:
            return self.size
        scale = min(self.size[0] / request.width, self.size[1] / request.height)
        sides = zip(self.size, (request.width, request.height), strict=True)
        width, height = (min(most, max(1, round(side * scale))) for most, side in sides)
        return width, height


class Inputs(NamedTuple):
    """Pictures at working size: float32[h, w, 3] in [0, 1], the mask float32[h, w]; None where the bucket has none."""

    start: Array | None
    mask: Array | None
    control: Array | None


def look_of(request: Request) -> Look | None:
    """What can be painted for a request; None where it asks for what the renderer cannot paint."""
    try:
        return request.look()
    except DcoError:
        return None


def prepare(job: Job, bucket: Bucket) -> Inputs:
    """Paint and fit what a request starts from, keeps and follows."""
    request, where = job.request, bucket.window(job.request)
    own = bucket.control and request.control is None
    painted = None
    if job.look is not None and (bucket.render or own):
        painted = _held(render(job.look, *where, request.seed, grain=False), bucket.size)
    start = _fitted(request.init, where, bucket.size) if bucket.init else painted if bucket.render else None
    control = None
    if own and painted is not None:
        control = edges(painted).astype(np.float32) / np.float32(255)
    elif bucket.control:
        control = _fitted(request.control, where, bucket.size)
    # A latent cell with the least of the mask in it is repainted: what must stay is laid over afterwards.
    mask = (_fitted(request.mask, where, bucket.size) > 0).astype(np.float32) if bucket.mask else None
    return Inputs(start, mask, control)


def floats(reference: Reference) -> Array:
    """The pixels of a reference as float32 in [0, 1]."""
    found: Array = reference.pixels.astype(np.float32) / np.float32(255)
    return found


def _fitted(reference: Reference | None, size: tuple[int, int], within: tuple[int, int]) -> Array:
    """A reference at (width, height), in [0, 1]: averaged where it shrinks. Held in the middle of `within`."""
    assert reference is not None  # the bucket says there is one
    picture = floats(reference)
    smaller = size[0] < picture.shape[1] or size[1] < picture.shape[0]
    how = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
    return _held(np.clip(resize(picture, (size[1], size[0]), how), 0, 1), within)


def _held(picture: Array, size: tuple[int, int]) -> Array:
    """A picture in the middle of a larger one of (width, height); its rim goes on around it."""
    (top, down), (left, right) = (
        _rims(s, m) for s, m in zip(picture.shape, (size[1], size[0]), strict=False)
    )
    if not (top or down or left or right):
        return picture
    rims = ((top, down), (left, right), (0, 0))
    return np.pad(picture, rims[: picture.ndim], mode="edge")


def _rims(side: int, most: int) -> tuple[int, int]:
    return (most - side) // 2, most - side - (most - side) // 2


def finish(job: Job, bucket: Bucket, drawn: Array, seconds: float) -> Outcome:
    """The drawn picture at the request's size, laid around what is kept, or the reason why it is no picture."""
    started, request = perf_counter(), job.request
    if fault := inspect(drawn):
        return Failure(request, job.key, fault)
    wide, high = bucket.window(request)
    left, top = _rims(wide, bucket.size[0])[0], _rims(high, bucket.size[1])[0]
    drawn = drawn[top : top + high, left : left + wide]
    picture = np.clip(resize(drawn, (request.height, request.width), Image.Resampling.LANCZOS), 0, 1)
    if fault := inspect(picture, (request.width, request.height)):
        return Failure(request, job.key, fault)
    if request.init is not None and request.mask is not None:
        pixels = composite(request.init.pixels, picture, request.mask.pixels)
    else:
        pixels = to_uint8(picture)
    return Picture(request, job.key, pixels, seconds + perf_counter() - started)
