"""Where a campaign's pictures are made: a backend whose drawing is done by an executor's workers, here or elsewhere."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Any

from dco.cluster.executor import Executor, Job, Lost, open_executor
from dco.errors import BadCampaign, BadInput, BadModel
from dco.generate import wire
from dco.generate.backend import Backend, Defaults, Preview, Progress
from dco.generate.picture import Failure, Outcome
from dco.generate.quality.panel import Panel
from dco.generate.request import Request
from dco.jobs.composition import adapters_option
from dco.records import Campaign
from dco.settings import wrong

EXECUTOR = "DCO_EXECUTOR"
"""Environment variable that says where pictures are made: local (the default), ray, ray:2, ray@HOST:PORT, ..."""

USUAL_BATCH = 4
"""Pictures that a backend makes in one go, where it does not say."""

LARGEST = 16
"""Pictures that travel together: enough for full batches, few enough that what a lost worker held is soon redone."""


def executor_setting() -> str:
    """What the environment says, or 'local'."""
    return os.environ.get(EXECUTOR, "").strip() or "local"


@cache
def _opened(setting: str) -> Executor:
    executor = open_executor(setting, where=EXECUTOR)
    atexit.register(executor.close)
    return executor


def executor() -> Executor:
    """The process's one executor, its workers kept warm.

    Raises:
        BadInput, UnknownName: the environment names none.
    """
    return _opened(executor_setting())


def release() -> None:
    """Let its workers go, and what they hold of GPU and memory; the next picture starts them anew."""
    if _opened.cache_info().currsize:
        executor().close()


def backend_of(campaign: Campaign) -> Backend:
    """The backend a campaign names. Nothing heavy is loaded before its first picture.

    Raises:
        BadModel: its folder does not pass the gate. BadCampaign: it takes no such option.
    """
    try:
        return wire.warm(campaign.model.backend, tuple(sorted(_options(campaign).items())))
    except (BadModel, BadCampaign):
        raise
    except BadInput as error:
        raise wrong(campaign, "model", str(error)) from None


def _options(campaign: Campaign) -> dict[str, Any]:
    model = campaign.model
    named = {k: v for k, v in (("folder", model.folder), ("revision", model.revision)) if v}
    found = {**named, **dict(model.options)}
    # Other backends wear none, and say so when they are asked; they know no such option.
    if model.backend == "diffusers" and model.adapters:
        found["adapters"] = adapters_option(campaign)
    return found


class Studio:
    """A campaign's backend as `studio.make` takes it. Here it only says what it is; workers draw, and put what they drew
    before the gates of `panel`: a gate takes as long as a render, and one process would be everybody's bottleneck.

    A request that no worker answered in time, or twice not at all, is a `Failure`; whatever was finished stays.
    """

    def __init__(self, campaign: Campaign, executor: Executor, panel: Panel | None = None) -> None:
        backend = backend_of(campaign)
        self.model_id: str = backend.model_id
        self.license: dict[str, Any] = backend.license
        self.defaults: Defaults = backend.defaults
        self._batch = getattr(backend, "batch", None) or USUAL_BATCH
        self._limit = float(campaign.model.time_limit * self._batch)
        self._executor = executor
        options = _options(campaign)
        if Path(campaign.model.folder or "-").is_dir():
            options["folder"] = str(Path(campaign.model.folder).absolute())  # a worker may stand elsewhere
        self.judged_by = panel
        self._job = Job(wire.FACTORY, wire.job_options(campaign.model.backend, options, self.model_id, panel))

    def generate(
        self, requests: Sequence[Request], progress: Progress | None = None, preview: Preview | None = None
    ) -> Iterator[Outcome]:
        """One outcome per request, as they come from the workers: the order is theirs."""
        by_key = {request.key(self.model_id): request for request in requests}
        batches = map(wire.requests_batch, self._shares(by_key))
        done = 0
        for answer in self._executor.map(self._job, batches, limit=self._limit):
            if isinstance(answer, Lost):
                outcomes: list[Outcome] = [Failure(by_key[key], key, answer.reason) for key in answer.ids]
            else:
                outcomes = wire.outcomes_of(answer, by_key)
            for outcome in outcomes:
                done += 1
                if progress:
                    progress(done, len(by_key))
                yield outcome

    def _shares(self, by_key: Mapping[str, Request]) -> Iterator[dict[str, Request]]:
        """Requests of a kind together, in whole batches of the backend, and no larger than leaves work for every slot."""
        even = ceil(len(by_key) / (2 * self._executor.slots) / self._batch) * self._batch
        size = max(self._batch, min(even, LARGEST))
        for _, members in groupby(by_key.items(), lambda item: _kind(item[1])):
            alike = list(members)
            for start in range(0, len(alike), size):
                yield dict(alike[start : start + size])


def _kind(request: Request) -> tuple[Any, ...]:
    return request.steps, request.strength, request.guidance, request.width, request.height
