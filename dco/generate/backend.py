"""The door to everything that turns a request into a picture: `load_backend(name_or_path, **options)`.

>>> backend = load_backend("procedural")
>>> from dco.generate.request import Request
>>> picture, = backend.generate([Request.of({"scene": "beach", "palette": "blue"}, 32, 16, seed=1)])
>>> picture.pixels.shape
(16, 32, 3)
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from dco import registry
from dco.errors import BadInput, UnknownName
from dco.generate.picture import Outcome, Pixels
from dco.generate.request import PICTURES, Request

Progress = Callable[[int, int], None]
"""Called with (pictures done, pictures in all) after each."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A picture on its way: what the denoiser has after `step` of `steps` steps, small, uint8[height, width, 3]."""

    key: str
    step: int
    steps: int
    pixels: Pixels


Preview = Callable[[Glimpse], None]
"""Called every few steps of the denoising; what it raises stops the making."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class Defaults(NamedTuple):
    """Steps, guidance and strength a model is good at, for whoever does not say."""

    steps: int
    guidance: float
    strength: float


class Backend(Protocol):
    """What a file in dco/generate/backends offers under the name `Backend`."""

    @property
    def model_id(self) -> str:
        """Content hash of everything that decides a picture besides the request. Costs no import of torch."""
        ...

    @property
    def license(self) -> dict[str, Any]:
        """The licence record of the model: `license` and whatever else its LICENSE.json says."""
        ...

    @property
    def defaults(self) -> Defaults:
        """What its pictures are best made with. Costs no import of torch."""
        ...

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order. Only a model that cannot be loaded raises (`BadModel`)."""
        ...


def load_backend(name_or_path: str | os.PathLike[str], **options: Any) -> Backend:
    """A backend by its name, by the path of a diffusers folder, or by a hub id with a pinned `revision`.

    Nothing heavy is loaded before its first `generate`.

    Args:
        name_or_path: a name listed by `registry.names("backends")`; a folder; or "owner/name".
        options: what the backend's constructor takes, such as `folder`, `threads`, `batch`, `device`.

    Raises:
        UnknownName: neither a backend nor a folder.
        BadInput: an option the backend does not have.
        BadModel: the folder does not pass the gate.
    """
    text = os.fspath(name_or_path)
    known = registry.names("backends")
    if text in known:
        name = text
    elif Path(text).exists() or Path(text).is_absolute() or text.startswith(".") or _HUB_ID.fullmatch(text):
        name, options = "diffusers", {"folder": text, **options}
    else:
        raise UnknownName("backend", text, known, where="load_backend (no folder of this name either)")
    maker = registry.load("backends", name)
    try:
        inspect.signature(maker).bind(**options)
    except TypeError as error:
        takes = ", ".join(inspect.signature(maker).parameters) or "none"
        raise BadInput(f"backend {name!r}: {error} (options: {takes})") from error
    backend: Backend = maker(**options)
    return backend


def unable(backend: Backend, request: Request) -> dict[str, str]:
    """Fields of a request that a backend cannot draw, each with the reason and a way out; {} where it can do all.

    A backend that takes more than words and a look says so by a method `unable(request)` of its own. No model is loaded.
    """
    own = getattr(backend, "unable", None)
    if own is not None:
        return dict(own(request))
    asked = [name for name in (*PICTURES, "negative", "adapters", "toward") if getattr(request, name)]
    return dict.fromkeys(asked, "this backend draws from the look alone; take a diffusers checkpoint")


def model_id(name_or_path: str | os.PathLike[str], **options: Any) -> str:
    """The `model_id` that `load_backend` would give. Files are read and hashed; no model is loaded."""
    return load_backend(name_or_path, **options).model_id
