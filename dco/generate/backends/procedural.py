"""The renderer alone: no diffusion, no model, no torch. For installations without the extra, and for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

from dco.generate.backend import Defaults, Glimpse, Preview, Progress
from dco.generate.batching import reason
from dco.generate.glimpses import thumbnail, wanted
from dco.generate.paint.render import render
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.request import ENGINE, PICTURES, Request
from dco.generate.soundness import inspect, to_uint8


class Backend:
    """Paints the request's look and seed; strength, steps and guidance change nothing here."""

    on_render = True
    """Its pictures lie on the renderer's own, so that gates may compare them."""

    def __init__(self) -> None:
        self.model_id = f"procedural-{ENGINE}"
        self.license: dict[str, Any] = {
            "license": "Apache-2.0",
            "model": "none: drawn by the engine's own renderer",
        }

    @property
    def defaults(self) -> Defaults:
        """Steps, guidance and strength where nobody states them."""
        return Defaults(12, 1.0, 0.6)

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order. Its one step is the whole picture: the preview is a thumbnail of it."""
        shown = wanted(preview)
        for done, request in enumerate(requests, start=1):
            outcome = self._paint(request)
            if shown and isinstance(outcome, Picture):
                shown(Glimpse(outcome.key, 1, 1, thumbnail(outcome.pixels)))
            yield outcome
            if progress:
                progress(done, len(requests))

    def _paint(self, request: Request) -> Outcome:
        started, key = perf_counter(), request.key(self.model_id)
        try:
            request.refuse(*PICTURES, "adapters", "toward", maker="the renderer")
            pixels = to_uint8(render(request.look(), request.width, request.height, request.seed))
        except Exception as error:
            return Failure(request, key, reason(error))
        if fault := inspect(pixels, (request.width, request.height)):
            return Failure(request, key, fault)
        return Picture(request, key, pixels, perf_counter() - started)
