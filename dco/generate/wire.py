"""Requests and outcomes as Arrow batches, and the worker that turns one into the other: what travels between processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from dco.errors import BadModel
from dco.generate.backend import Backend, load_backend
from dco.generate.energy import Meter
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.panel import Panel
from dco.generate.reference import Reference
from dco.generate.request import PICTURES, Request
from dco.generate.studio import judged, outcomes

_RASTER = [
    pa.field("height", pa.int32(), nullable=False),  # pixels
    pa.field("width", pa.int32(), nullable=False),  # pixels
    pa.field("channels", pa.int32(), nullable=False),  # 3: sRGB; 1: a mask
    pa.field("pixels", pa.large_binary(), nullable=False),  # uint8, row by row
]

REQUESTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # `Request.key` of the model that shall draw it
        pa.field("request", pa.string(), nullable=False),  # JSON of `Request.as_dict`
        pa.field(
            "pictures",  # the reference pictures, by the request's field they belong to
            pa.list_(pa.struct([pa.field("field", pa.string(), nullable=False), *_RASTER])),
            nullable=False,
        ),
    ]
)

OUTCOMES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # picture | failure
        pa.field("facts", pa.string(), nullable=False),  # JSON of the record's other fields
        pa.field("picture", pa.struct(_RASTER)),  # null for a failure
    ]
)

FACTORY = "dco.generate.wire:PictureWorker"
"""The worker's name for an executor."""

_TRAVEL = frozenset({"request", "key", "pixels"})
"""Fields of an outcome that have columns of their own, or that the asking side knows."""


def requests_batch(requests: Mapping[str, Request]) -> pa.RecordBatch:
    """Requests by key as one `REQUESTS` batch."""
    rows = [
        {
            "id": key,
            "request": json.dumps(request.as_dict()),
            "pictures": [
                {"field": name, **_raster(picture.pixels)}
                for name in PICTURES
                if (picture := getattr(request, name)) is not None
            ],
        }
        for key, request in requests.items()
    ]
    return pa.RecordBatch.from_pylist(rows, REQUESTS)


def requests_of(batch: pa.RecordBatch) -> dict[str, Request]:
    """The inverse of `requests_batch`."""
    found = {}
    for row in batch.to_pylist():
        values = json.loads(row["request"])
        plain = Request.from_dict({name: value for name, value in values.items() if name not in PICTURES})
        worn = {raster["field"]: Reference(_pixels(raster)) for raster in row["pictures"]}
        found[row["id"]] = _with(plain, worn) if worn else plain
    return found


def outcome_batch(outcome: Outcome) -> pa.RecordBatch:
    """One outcome as an `OUTCOMES` batch. Whatever fields a picture or a failure has travel along, as JSON."""
    facts = {item.name: getattr(outcome, item.name) for item in fields(outcome) if item.name not in _TRAVEL}
    drawn = isinstance(outcome, Picture)
    row = {
        "id": outcome.key,
        "kind": "picture" if drawn else "failure",
        "facts": json.dumps(facts, default=dict),
        "picture": _raster(outcome.pixels) if isinstance(outcome, Picture) else None,
    }
    return pa.RecordBatch.from_pylist([row], OUTCOMES)


def outcomes_of(batch: pa.RecordBatch, requests: Mapping[str, Request]) -> list[Outcome]:
    """The inverse of `outcome_batch`, for requests known by their keys."""
    found: list[Outcome] = []
    for row in batch.to_pylist():
        request, facts = requests[row["id"]], json.loads(row["facts"])
        if row["kind"] == "picture":
            found.append(Picture(request, row["id"], _pixels(row["picture"]), **facts))
        else:
            found.append(Failure(request, row["id"], **facts))
    return found


def job_options(name: str, options: Mapping[str, Any], model_id: str, panel: Panel | None = None) -> str:
    """What `PictureWorker` is made from, as JSON: a backend, its options, the model they must turn out to be, and the gates
    that the worker shall put its pictures before; None: whoever asked judges them."""
    asked = {"backend": name, "options": dict(options), "model_id": model_id}
    return json.dumps(asked | ({"panel": panel.settings} if panel else {}), sort_keys=True)


class PictureWorker:
    """Holds one loaded backend and draws batches of requests with it.

    Raises:
        BadModel: this machine's model is not the one that was asked for.
    """

    def __init__(self, options: str) -> None:
        asked = json.loads(options)
        self._backend = warm(asked["backend"], tuple(sorted(asked["options"].items())))
        self._meter = Meter.of(self._backend)
        self._panel = Panel.of(self._backend, **asked["panel"]) if "panel" in asked else None
        if self._backend.model_id != asked["model_id"]:
            raise BadModel(
                f"backend {asked['backend']!r}: this machine has model {self._backend.model_id}; "
                f"expected {asked['model_id']}, as where the night was started; copy the folder"
            )

    def run(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """An `OUTCOMES` batch per request, as soon as it is made and judged, with the energy that making it took."""
        for outcome in self._meter.measured(outcomes(self._backend, list(requests_of(batch).values()))):
            yield outcome_batch(judged(outcome, self._panel) if self._panel else outcome)

    def abandon(self) -> None:
        """The backend may hang for good: the next worker of this process loads its own."""
        warm.cache_clear()


@cache
def warm(name: str, options: tuple[tuple[str, Any], ...]) -> Backend:
    """One backend per process and options: hashing and loading weights again costs seconds."""
    return load_backend(name, **dict(options))


def _with(request: Request, pictures: Mapping[str, Reference]) -> Request:
    values = {item.name: getattr(request, item.name) for item in fields(request)}
    return Request(**{**values, **pictures})


def _raster(pixels: Any) -> dict[str, Any]:
    height, width, *more = pixels.shape
    data = np.ascontiguousarray(pixels).tobytes()
    return {"height": height, "width": width, "channels": more[0] if more else 1, "pixels": data}


def _pixels(raster: Mapping[str, Any]) -> Any:
    shape: Sequence[int] = (raster["height"], raster["width"])
    shape = shape if raster["channels"] == 1 else (*shape, raster["channels"])
    return np.frombuffer(raster["pixels"], np.uint8).reshape(shape)
