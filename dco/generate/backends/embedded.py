"""The default: the engine's own renderer, and its own small diffusion model that changes light, haze and colour.

The look is painted at its native size; a copy of about 128 x 128 px is diffused from there (`strength` of the noise
schedule); only what the diffusion changed goes back onto the native picture (`delta`). Film grain comes last. What
the model adds is light, haze, tint and soft texture, not new objects, and its pictures are no photographs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import log
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from dco.errors import BadInput, BadModel
from dco.generate import threads as thread_policy
from dco.generate.backend import Defaults, Preview, Progress
from dco.generate.batching import Batcher, Bucket, in_order, reason
from dco.generate.diffusion.delta import Array, delta_transfer, resize
from dco.generate.diffusion.schedule import Short
from dco.generate.glimpses import StopMaking, Watched, Watcher, wanted
from dco.generate.models.folder import check, embedded_folder
from dco.generate.paint.render import add_grain, render
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.request import PICTURES, Request
from dco.generate.soundness import inspect, to_uint8
from dco.generate.vocabulary import prompt

if TYPE_CHECKING:
    from dco.generate.diffusion.small import SmallDiffusion

COPIES = ((128, 128), (192, 96), (96, 192))
"""(width, height) in pixels of the small copy; the nearest shape is taken and squeezed to fit, because these are the
sizes the model is trained at and the renders it must understand."""

MAX_STRENGTH = 0.75
"""From here on old features ghost (a sun fades to a pale circle beside the new one): another seed of the renderer is the
better way to a bolder picture."""

BATCH = 8
"""Measured on one core: 8 take 0.85 times the CPU time of 4 per picture, 16 no less. A night's pictures come in sixes and
more of one shape; a lonely one pays for eight, which is under a second."""


@dataclass(frozen=True)
class _Job:
    """One painted request, waiting for its batch."""

    number: int
    request: Request
    key: str
    caption: str
    native: Array
    copy: Array
    seconds: float


class Backend:
    """The embedded model.

    Args:
        folder: another diffusers folder trained the same way; default the one that comes with the engine.
        threads: CPU threads of this process, settled once; default 1. "auto" takes the number that is fastest when it is
            asked; a last bit of a picture may then differ from one run to the next.
        batch: pictures per call of the model, always filled up, so that a picture has the same bytes in any company.
        device: "cpu", or where the small model shall run.

    Raises:
        BadModel: the folder is missing or does not pass the gate.
    """

    on_render = True
    """Its pictures lie on the renderer's own, so that gates may compare them."""

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        threads: int | Literal["auto"] | None = None,
        batch: int = BATCH,
        device: str = "cpu",
    ) -> None:
        if batch < 1:
            raise BadInput(f"backend option batch: expected 1 or more, got {batch}")
        self.folder = check(embedded_folder(os.fspath(folder) if folder else None))
        self.license: dict[str, Any] = self.folder.license
        self.threads, self.batch, self.device = threads, batch, device
        self._buckets: dict[tuple[Any, ...], Bucket] = {}

    @property
    def model_id(self) -> str:
        """Content hash of the model folder."""
        return self.folder.model_id

    @cached_property
    def _model(self) -> SmallDiffusion:
        try:
            thread_policy.settle(self.threads)
            from dco.generate.diffusion.small import SmallDiffusion
        except ImportError as error:
            raise BadModel(
                f"backend 'embedded' needs the extra dco[diffusion] ({reason(error)}); "
                "install it or choose the backend 'procedural'"
            ) from error
        return SmallDiffusion(self.folder, self.device)

    @property
    def defaults(self) -> Defaults:
        """Steps, guidance and strength where nobody states them."""
        return Defaults(9, 3.0, 0.6)

    @property
    def statistics(self) -> tuple[Bucket, ...]:
        """What was made since this backend was built, per kind of call; halvings of a batch are recorded here."""
        return tuple(self._buckets.values())

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order. Model folder, engine version and request decide every byte."""
        done = 0
        shown = wanted(preview)
        watcher = Watcher(shown) if shown else None

        def counted() -> Iterator[tuple[int, Outcome]]:
            nonlocal done
            for number, outcome in self._outcomes(requests, watcher):
                done += 1
                if progress:
                    progress(done, len(requests))
                yield number, outcome

        try:
            yield from in_order(counted())
        except StopMaking as stop:
            raise stop.cause from None

    def _outcomes(
        self, requests: Sequence[Request], watcher: Watcher | None
    ) -> Iterator[tuple[int, Outcome]]:
        if not requests:
            return
        _ = self._model  # loaded here, so that the first picture is not charged for it
        groups: dict[tuple[Any, ...], list[tuple[int, Request]]] = {}
        for number, request in enumerate(requests):
            kind = (
                copy_size(request.width, request.height),
                request.steps,
                request.strength,
                request.guidance,
            )
            groups.setdefault(kind, []).append((number, request))
        # Native renders are large: one batch of them is diffused and the next one painted, no more are held.
        chunks = [
            (kind, members[start : start + self.batch])
            for kind, members in groups.items()
            for start in range(0, len(members), self.batch)
        ]
        batchers = {kind: self._batcher(kind, watcher) for kind in groups}
        # Painting and diffusing share nothing: on two cores the renderer works while the model does.
        with ThreadPoolExecutor(1, thread_name_prefix="painter") as painter:
            waiting: list[Future[list[_Job | tuple[int, Failure]]]] = []
            try:
                for position, (kind, _members) in enumerate(chunks):
                    for ahead in chunks[position + len(waiting) : position + 2]:
                        waiting.append(painter.submit(self._paint_all, ahead[1], ahead[0][0]))
                    painted = waiting.pop(0).result()
                    yield from (one for one in painted if isinstance(one, tuple))
                    yield from self._finished(
                        [one for one in painted if isinstance(one, _Job)], batchers[kind]
                    )
            finally:
                painter.shutdown(wait=False, cancel_futures=True)

    def _batcher(self, kind: tuple[Any, ...], watcher: Watcher | None) -> Batcher[Any, Any]:
        (width, height), steps, strength, guidance = kind
        name = f"{width}x{height}, {steps} steps, strength {strength:g}, guidance {guidance:g}"
        bucket = self._buckets.setdefault(kind, Bucket(name, self.batch))
        bucket.batch = self.batch
        return Batcher(
            self.batch, lambda jobs: self._diffuse(jobs, steps, strength, guidance, watcher), bucket
        )

    def _paint_all(
        self, members: Sequence[tuple[int, Request]], size: tuple[int, int]
    ) -> list[_Job | tuple[int, Failure]]:
        found: list[_Job | tuple[int, Failure]] = []
        for number, request in members:
            painted = self._paint(number, request, size)
            found.append((number, painted) if isinstance(painted, Failure) else painted)
        return found

    def _paint(self, number: int, request: Request, size: tuple[int, int]) -> _Job | Failure:
        started, key = perf_counter(), request.key(self.model_id)
        try:
            request.refuse(*PICTURES, "adapters", "toward", maker="the embedded model")
            if request.strength > MAX_STRENGTH:
                raise BadInput(
                    f"request, strength: the embedded model is good up to {MAX_STRENGTH}, got {request.strength}; "
                    "for a bolder variant take another seed, or a larger model"
                )
            look = request.look()
            caption = prompt(look)
            native = render(look, request.width, request.height, request.seed, grain=False)
            copy = np.clip(resize(native, (size[1], size[0]), Image.Resampling.BOX), 0, 1)
        except BadModel:
            raise
        except Exception as error:
            return Failure(request, key, reason(error))
        return _Job(number, request, key, caption, native, copy, perf_counter() - started)

    def _readable(self, one: _Job | tuple[int, Failure]) -> _Job | tuple[int, Failure]:
        # Here and not where it was painted: a tokenizer may not be asked by two threads at once.
        if isinstance(one, _Job) and (problem := self._model.prompt_problem(one.caption)):
            return one.number, Failure(one.request, one.key, problem)
        return one

    def _diffuse(
        self, jobs: Sequence[_Job], steps: int, strength: float, guidance: float, watcher: Watcher | None
    ) -> list[tuple[Array, Array, float]]:
        started, several = perf_counter(), len({job.number for job in jobs})
        shown = [Watched(job.key, (job.request.width, job.request.height)) for job in jobs[:several]]
        diffused, plain = self._model.diffuse(
            [job.caption for job in jobs],
            np.stack([job.copy for job in jobs]),
            [job.request.seed for job in jobs],
            Short(steps, strength, guidance),
            watch=(lambda step, total, look: watcher(shown, step, total, look)) if watcher else None,
        )
        each = (perf_counter() - started) / several
        return [(diffused[i], plain[i], each) for i in range(len(jobs))]

    def _finished(self, jobs: list[_Job], batcher: Batcher[Any, Any]) -> Iterator[tuple[int, Outcome]]:
        for job, result in zip(jobs, batcher.run(jobs), strict=True):
            if isinstance(result, BadModel):
                raise result
            if isinstance(result, Exception):
                yield job.number, Failure(job.request, job.key, reason(result))
            else:
                yield job.number, _finish(job, *result)


def copy_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the small copy whose shape is nearest to the picture's.

    >>> copy_size(1080, 1080), copy_size(1200, 628), copy_size(160, 600)
    ((128, 128), (192, 96), (96, 192))
    """
    return min(COPIES, key=lambda size: abs(log(width / height) - log(size[0] / size[1])))


def _finish(job: _Job, diffused: Array, plain: Array, seconds: float) -> Outcome:
    started, request = perf_counter(), job.request
    # The small picture is judged, not only the sum: on the render a black or flat model would pass unseen.
    fault = inspect(diffused) or inspect(plain)
    if fault:
        return Failure(request, job.key, f"diffusion: {fault}")
    picture = delta_transfer(job.native, diffused, plain)
    if fault := inspect(picture, (request.width, request.height)):
        return Failure(request, job.key, fault)
    pixels = to_uint8(add_grain(picture, request.seed))
    return Picture(request, job.key, pixels, job.seconds + seconds + perf_counter() - started)
