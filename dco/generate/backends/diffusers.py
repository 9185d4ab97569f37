"""Any diffusers checkpoint: from noise, from the render so that the copy space stays in place, or around what is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import sqrt
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dco.errors import BadInput, BadModel
from dco.generate import threads as thread_policy
from dco.generate.backend import Defaults, Preview, Progress
from dco.generate.batching import Batcher, in_order, reason
from dco.generate.diffusion.acceleration_options import Acceleration
from dco.generate.diffusion.acceleration_options import bucket as fixed_size
from dco.generate.diffusion.conditions import CONDITIONS
from dco.generate.diffusion.delta import Array
from dco.generate.diffusion.drawing import Bucket, Job, finish, floats, look_of, prepare
from dco.generate.glimpses import StopMaking, Watched, Watcher
from dco.generate.models.classes import ARCHITECTURE, FORMS
from dco.generate.models.hub import open_folder
from dco.generate.models.kinds import CheckpointKind, guided, reads, recognise
from dco.generate.models.parts import find_parts
from dco.generate.picture import Failure, Outcome
from dco.generate.request import Request

if TYPE_CHECKING:
    from dco.generate.diffusion.checkpoint import Checkpoint, OnStep

_NEEDS = "needs {0}; put one in the checkpoint's own folder {1}/, or name its folder by the option {1}"


class Backend:
    """A Stable Diffusion, SDXL, SD 3, FLUX or similar folder.

    A request with an `init` starts from it. Without one, a request whose options the renderer knows, with a strength below
    1, starts from its render; every other one starts from noise.

    Args:
        folder: a diffusers folder, or "owner/name" of the hub together with `revision`, a full commit hash.
        download: fetch a pinned hub revision that the local cache does not hold.
        device: "cuda", "cpu", ...; default a GPU where there is one.
        dtype: "float32", "float16" or "bfloat16"; default what the device computes well.
        batch: pictures per call, always filled up; default 4 on a GPU and 1 elsewhere. Halved when memory runs out.
        threads: CPU threads of this process, settled once; default 1.
        variant: file variant of the weights, such as "fp16".
        size: "native" draws at the area the model was trained at and resizes; "request" draws at the wanted size.
        controlnet: folder of a ControlNet; default the checkpoint's own controlnet/, where it has one.
        control: "edges" follows the edges of its render in every request that has a look and no condition of its own.
        ip_adapter: folder of an IP-Adapter with its image encoder; default the checkpoint's own ip_adapter/.
        adapters: LoRA adapters, {name: path} or "name=path, name=path*0.8"; with a weight it is worn by every request
            that names none.
        accelerate: how it is made fast, such as "compile=false, tiny_vae=models/taesdxl"; see `Acceleration`.

    Raises:
        BadInput: an option or a value nobody knows.
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
        controlnet: str | os.PathLike[str] = "",
        control: Literal["", "edges"] = "",
        ip_adapter: str | os.PathLike[str] = "",
        adapters: str | Mapping[str, str] = "",
        accelerate: str | Mapping[str, Any] = "",
    ) -> None:
        if batch is not None and batch < 1:
            raise BadInput(f"backend option batch: expected 1 or more, got {batch}")
        if dtype not in (None, "float32", "float16", "bfloat16"):
            raise BadInput(f"backend option dtype: expected float32, float16 or bfloat16, got {dtype!r}")
        if size not in ("native", "request"):
            raise BadInput(f"backend option size: expected native or request, got {size!r}")
        if control not in ("", *CONDITIONS):
            raise BadInput(f"backend option control: expected {' or '.join(CONDITIONS)}, got {control!r}")
        self.acceleration = Acceleration.parse(accelerate)
        self.folder = open_folder(os.fspath(folder), revision, download=download, variant=variant)
        self.parts = find_parts(
            self.folder,
            controlnet=os.fspath(controlnet),
            ip_adapter=os.fspath(ip_adapter),
            adapters=adapters,
        )
        if control and self.parts.controlnet is None:
            raise BadModel(
                f"{self.folder.path}: the option control needs a ControlNet; put one in the folder's controlnet/ or name "
                "its folder by the option controlnet"
            )
        self.device, self.dtype, self.batch, self.threads = device, dtype, batch, threads
        self.variant, self.size, self.control = variant, size, control

    @property
    def license(self) -> dict[str, Any]:
        """The licence record of the checkpoint; under `parts` those of what was opened with it."""
        parts = {"parts": self.parts.licenses} if self.parts.licenses else {}
        return {**self.folder.license, **parts, **self.acceleration.license}

    @cached_property
    def kind(self) -> CheckpointKind:
        """What kind of checkpoint it is, told from its folder."""
        return recognise(self.folder)

    @cached_property
    def reads(self) -> int:
        """Tokens of a prompt it reads; whoever writes prompts keeps within."""
        return reads(self.folder)

    @cached_property
    def model_id(self) -> str:
        """Content hash of the folder, and of the options that change pictures."""
        size = self.size if self.size != "native" else ""
        marks = [
            mark
            for mark in (self.variant, self.dtype, size, self.parts.id, self.control, self.acceleration.mark)
            if mark
        ]
        return "-".join([self.folder.model_id, *marks])

    @cached_property
    def _model(self) -> Checkpoint:
        try:
            thread_policy.settle(self.threads)
            from dco.generate.diffusion.checkpoint import Checkpoint
        except ImportError as error:
            raise BadModel(f"backend 'diffusers' needs the extra dco[diffusion] ({reason(error)})") from error
        return Checkpoint(self.folder, self.device, self.dtype, self.variant, self.parts, self.acceleration)

    @property
    def defaults(self) -> Defaults:
        """Steps, guidance and strength its kind of checkpoint is made for."""
        return Defaults(self.kind.steps, self.kind.guidance, self.kind.strength)

    def unable(self, request: Request) -> dict[str, str]:
        """Fields of a request that this checkpoint and its parts cannot draw, each with the reason. Loads no weights."""
        found, architecture = {}, ARCHITECTURE[self.folder.pipeline]
        if request.style is not None and self.parts.ip_adapter is None:
            found["style"] = _NEEDS.format("an IP-Adapter", "ip_adapter")
        if request.control is not None and self.parts.controlnet is None:
            found["control"] = _NEEDS.format("a ControlNet", "controlnet")
        form = self._form(request)
        field = next((name for name in ("control", "mask", "init") if getattr(request, name)), "")
        if field and field not in found and form not in FORMS[architecture]:
            found[field] = (
                f"{architecture} checkpoints draw no {form!r}; take a Stable Diffusion, XL or FLUX one"
            )
        opened = ", ".join(sorted(self.parts.adapters)) or "none"
        for name, _ in request.adapters:
            if name not in self.parts.adapters:
                found["adapters"] = (
                    f"{name!r} is not open (open: {opened}); state its file, or open it by the option adapters"
                )
        if request.negative and not guided(self.folder, request.guidance):
            found["negative"] = (
                f"plays no part with {self.kind.name} at guidance {request.guidance:g}; leave it out, or take a checkpoint "
                "with classifier-free guidance above 1"
            )
        return found

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order."""
        done = 0
        watcher = Watcher(preview) if preview else None

        def counted() -> Iterator[tuple[int, Outcome]]:
            nonlocal done
            try:
                for number, outcome in self._outcomes(requests, watcher):
                    done += 1
                    if progress:
                        progress(done, len(requests))
                    yield number, outcome
            except StopMaking as stop:
                raise stop.cause from None

        return in_order(counted())

    def _outcomes(
        self, requests: Sequence[Request], watcher: Watcher | None
    ) -> Iterator[tuple[int, Outcome]]:
        if not requests:
            return
        batch = self.batch or (4 if self._model.device != "cpu" else 1)
        buckets: dict[Bucket, list[Job]] = {}
        for number, request in enumerate(requests):
            job = Job(number, request, request.key(self.model_id), look_of(request))
            if problem := self._problem(request):
                yield number, Failure(request, job.key, problem)
            else:
                buckets.setdefault(self._bucket(job), []).append(job)
        for bucket, jobs in buckets.items():
            batcher = Batcher(
                batch,
                lambda some, bucket=bucket: self._draw(some, bucket, watcher),  # type: ignore[misc]
            )
            for job, result in zip(jobs, batcher.run(jobs), strict=True):
                if isinstance(result, BadModel):
                    raise result
                if isinstance(result, Exception):
                    yield job.number, Failure(job.request, job.key, reason(result))
                else:
                    yield job.number, finish(job, bucket, *result)
            batch = batcher.size

    def _problem(self, request: Request) -> str | None:
        problem = self._model.prompt_problem(request.prompt)
        if problem is None and request.toward and (problem := self._model.prompt_problem(request.toward)):
            return f"toward, {problem}"
        if problem is None and request.negative and guided(self.folder, request.guidance):
            problem = self._model.prompt_problem(request.negative)
            return f"negative {problem}" if problem else None
        return problem

    def _form(self, request: Request) -> str:
        """The key of `FORMS` that a request is drawn in."""
        seen = look_of(request) is not None
        started = request.init is not None or (seen and request.strength < 1)
        form = "inpaint" if request.mask is not None else "image" if started else "text"
        return f"control {form}" if request.control is not None or (self.control and seen) else form

    def _bucket(self, job: Job) -> Bucket:
        request = job.request
        painted = job.look is not None and request.init is None and request.strength < 1
        started = painted or request.init is not None
        own = self.control != "" and job.look is not None
        return Bucket(
            size=self.working_size(request.width, request.height),
            steps=request.steps,
            guidance=request.guidance,
            strength=request.strength if started else 1.0,
            render=painted,
            init=request.init is not None,
            mask=request.mask is not None,
            control=request.control is not None or own,
            style=request.style,
            negative=bool(request.negative) and guided(self.folder, request.guidance),
            adapters=request.adapters,
            held=self._in_fixed_sizes,
        )

    @property
    def _in_fixed_sizes(self) -> bool:
        """Compiled code is made anew for every size: then there are only a few, unless sizes are asked for as they are."""
        return self.size == "native" and bool(self._model.native_side) and self._model.compiled

    def working_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) the model draws at: multiples of what it can, near the area it knows; compiled, one of a few."""
        native = self._model.native_side if self.size == "native" else None
        if native and self._in_fixed_sizes:
            return fixed_size(width, height, native, self._model.multiple)
        scale = native / sqrt(width * height) if native else 1.0
        if 0.8 < scale < 1.25:
            scale = 1.0
        step = self._model.multiple
        return max(step, round(width * scale / step) * step), max(step, round(height * scale / step) * step)

    def _draw(
        self, jobs: Sequence[Job], bucket: Bucket, watcher: Watcher | None
    ) -> list[tuple[Array, float]]:
        started = perf_counter()
        # Painted here and not before: renders at this size are large, and one batch of them is enough.
        distinct = {job.number: prepare(job, bucket) for job in jobs}
        inputs = [distinct[job.number] for job in jobs]
        pictures = self._model.draw(
            [job.request.prompt for job in jobs],
            [job.request.seed for job in jobs],
            size=bucket.size,
            steps=bucket.steps,
            guidance=bucket.guidance,
            strength=bucket.strength,
            starts=_stack([i.start for i in inputs]),
            negatives=[job.request.negative for job in jobs] if bucket.negative else None,
            masks=_stack([i.mask for i in inputs]),
            controls=_stack([i.control for i in inputs]),
            style=floats(bucket.style) if bucket.style else None,
            adapters=bucket.adapters,
            towards=[(job.request.toward, job.request.lean) for job in jobs],
            on_step=_watched(jobs, watcher) if watcher else None,
        )
        each = (perf_counter() - started) / len(distinct)
        return [(picture, each) for picture in pictures]


def _stack(pictures: Sequence[Array | None]) -> Array | None:
    """One array of a batch's pictures; a bucket has them for all of its members or for none."""
    there = [picture for picture in pictures if picture is not None]
    return np.stack(there) if there else None


def _watched(jobs: Sequence[Job], watcher: Watcher) -> OnStep:
    # A batch is filled up with its last member, and may hold equal requests: each key is shown once.
    places = list({job.key: place for place, job in reversed(list(enumerate(jobs)))}.values())
    watched = [Watched(jobs[p].key, (jobs[p].request.width, jobs[p].request.height)) for p in places]

    def on_step(step: int, steps: int, look: Callable[[], Array]) -> None:
        watcher(watched, step, steps, lambda: look()[places])

    return on_step
