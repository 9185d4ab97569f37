"""Any diffusers checkpoint: text to image, or image to image from the render so that the copy space stays in place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from dco.errors import BadInput, BadModel, DcoError
from dco.generate import threads as thread_policy
from dco.generate.backend import Defaults, Preview, Progress
from dco.generate.batching import Batcher, in_order, reason
from dco.generate.delta import Array, resize
from dco.generate.hub import open_folder
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.render import render
from dco.generate.request import Request
from dco.generate.soundness import inspect, to_uint8
from dco.generate.vocabulary import Look

if TYPE_CHECKING:
    from dco.generate.checkpoint import Checkpoint


@dataclass(frozen=True)
class _Job:
    """One request, waiting for its batch. `look` is what its render shows; None means text to image."""

    number: int
    request: Request
    key: str
    look: Look | None


class Backend:
    """A Stable Diffusion, SDXL, SD 3, FLUX or similar folder.

    A request whose options the renderer knows, with a strength below 1, starts from its render; every other one starts
    from noise.

    Args:
        folder: a diffusers folder, or "owner/name" of the hub together with `revision`, a full commit hash.
        download: fetch a pinned hub revision that the local cache does not hold.
        device: "cuda", "cpu", ...; default a GPU where there is one.
        dtype: "float32", "float16" or "bfloat16"; default what the device computes well.
        batch: pictures per call, always filled up; default 4 on a GPU and 1 elsewhere. Halved when memory runs out.
        threads: CPU threads of this process, settled once; default 1.
        variant: file variant of the weights, such as "fp16".
        size: "native" draws at the area the model was trained at and resizes; "request" draws at the wanted size.

    Raises:
        BadModel: the folder is missing, not pinned, or does not pass the gate.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        revision: str = "",
        download: bool = False,
        device: str | None = None,
        dtype: Literal["float32", "float16", "bfloat16"] | None = None,
        batch: int | None = None,
        threads: int | None = None,
        variant: str | None = None,
        size: Literal["native", "request"] = "native",
    ) -> None:
        if batch is not None and batch < 1:
            raise BadInput(f"backend option batch: expected 1 or more, got {batch}")
        if dtype not in (None, "float32", "float16", "bfloat16"):
            raise BadInput(f"backend option dtype: expected float32, float16 or bfloat16, got {dtype!r}")
        if size not in ("native", "request"):
            raise BadInput(f"backend option size: expected native or request, got {size!r}")
        self.folder = open_folder(os.fspath(folder), revision, download=download, variant=variant)
        self.license: dict[str, Any] = self.folder.license
        self.device, self.dtype, self.batch, self.threads = device, dtype, batch, threads
        self.variant, self.size = variant, size

    @cached_property
    def model_id(self) -> str:
        """Content hash of the folder, and of the options that change pictures."""
        marks = [
            mark for mark in (self.variant, self.dtype, self.size if self.size != "native" else "") if mark
        ]
        return "-".join([self.folder.model_id, *marks])

    @cached_property
    def _model(self) -> Checkpoint:
        try:
            thread_policy.settle(self.threads)
            from dco.generate.checkpoint import Checkpoint
        except ImportError as error:
            raise BadModel(f"backend 'diffusers' needs the extra dco[diffusion] ({reason(error)})") from error
        return Checkpoint(self.folder, self.device, self.dtype, self.variant)

    @property
    def defaults(self) -> Defaults:
        """Steps, guidance and strength where nobody states them."""
        return Defaults(30, 7.0, 0.75)

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order."""
        done = 0

        def counted() -> Iterator[tuple[int, Outcome]]:
            nonlocal done
            for number, outcome in self._outcomes(requests):
                done += 1
                if progress:
                    progress(done, len(requests))
                yield number, outcome

        return in_order(counted())

    def _outcomes(self, requests: Sequence[Request]) -> Iterator[tuple[int, Outcome]]:
        if not requests:
            return
        batch = self.batch or (4 if self._model.device != "cpu" else 1)
        groups: dict[tuple[Any, ...], list[_Job]] = {}
        for number, request in enumerate(requests):
            size = self.working_size(request.width, request.height)
            job = _Job(number, request, request.key(self.model_id), _look(request))
            if problem := self._model.prompt_problem(request.prompt):
                yield number, Failure(request, job.key, problem)
                continue
            strength = 1.0 if job.look is None else request.strength
            kind = (size, request.steps, request.guidance, strength)
            groups.setdefault(kind, []).append(job)
        for (size, steps, guidance, strength), jobs in groups.items():
            batcher = Batcher(
                batch,
                lambda some, call=(size, steps, guidance, strength): self._draw(some, *call),  # type: ignore[misc]
            )
            for job, result in zip(jobs, batcher.run(jobs), strict=True):
                if isinstance(result, BadModel):
                    raise result
                if isinstance(result, Exception):
                    yield job.number, Failure(job.request, job.key, reason(result))
                else:
                    yield job.number, _finish(job, *result)
            batch = batcher.size

    def working_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) the model draws at: multiples of what it can, near the area it knows."""
        native = self._model.native_side if self.size == "native" else None
        scale = native / sqrt(width * height) if native else 1.0
        if 0.8 < scale < 1.25:
            scale = 1.0
        step = self._model.multiple
        return max(step, round(width * scale / step) * step), max(step, round(height * scale / step) * step)

    def _draw(
        self, jobs: Sequence[_Job], size: tuple[int, int], steps: int, guidance: float, strength: float
    ) -> list[tuple[Array, float]]:
        started = perf_counter()
        # Painted here and not before: renders at this size are large, and one batch of them is enough.
        painted = {j.number: render(j.look, *size, j.request.seed, grain=False) for j in jobs if j.look}
        starts = [painted[job.number] for job in jobs] if painted else []
        pictures = self._model.draw(
            [job.request.prompt for job in jobs],
            [job.request.seed for job in jobs],
            size=size,
            steps=steps,
            guidance=guidance,
            strength=strength,
            starts=np.stack(starts) if starts else None,
        )
        each = (perf_counter() - started) / len({job.number for job in jobs})
        return [(picture, each) for picture in pictures]


def _look(request: Request) -> Look | None:
    """What to start from; None when the request starts from noise, or asks for what the renderer cannot paint."""
    try:
        return request.look() if request.strength < 1 else None
    except DcoError:
        return None


def _finish(job: _Job, drawn: Array, seconds: float) -> Outcome:
    started, request = perf_counter(), job.request
    if fault := inspect(drawn):
        return Failure(request, job.key, fault)
    picture = np.clip(resize(drawn, (request.height, request.width), Image.Resampling.LANCZOS), 0, 1)
    if fault := inspect(picture, (request.width, request.height)):
        return Failure(request, job.key, fault)
    return Picture(request, job.key, to_uint8(picture), seconds + perf_counter() - started)
