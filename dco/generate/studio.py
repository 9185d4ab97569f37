"""The studio: requests in, one outcome each, in order; the cache first, then the backend, then the gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from dco.errors import BadInput, BadModel, NoWorker, StoreError
from dco.generate.backend import Backend, Progress
from dco.generate.batching import reason
from dco.generate.cache import PictureCache
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.request import Request
from dco.generate.soundness import inspect


def make(
    requests: Sequence[Request],
    backend: Backend | Callable[[], Backend],
    cache: PictureCache | None = None,
    progress: Progress | None = None,
    *,
    model_id: str = "",
) -> list[Outcome]:
    """Make pictures; what the cache holds is not made again, and equal requests are made once.

    Args:
        backend: a backend, or a factory of one that is called only when the cache lacks something; with a factory
            `model_id` is needed too, since keys depend on it.
        cache: where finished pictures are kept; None keeps none. A failed variant is never kept.
        progress: called with (requests settled, requests in all).

    Returns:
        One outcome per request, in order. For a cost ledger sum `seconds` of the pictures that are not `cached`.

    Raises:
        BadModel: the model cannot be loaded. Anything that goes wrong with one variant is its `Failure` instead.
        StoreError: the cache cannot be written. NoWorker: those who shall draw cannot be reached.
    """
    if not requests:
        return []
    factory = _factory(backend)
    if not model_id:
        # A backend knows its id without loading its weights; a bare factory has to be asked.
        ready = factory()
        model_id, factory = ready.model_id, lambda: ready
    keys = [request.key(model_id) for request in requests]
    settled: dict[str, Outcome] = {}
    missing: dict[str, Request] = {}
    for key, request in zip(keys, requests, strict=True):
        kept = cache.get(key) if cache and key not in settled else None
        if kept is not None:
            settled[key] = kept
        elif key not in settled:
            missing[key] = request
    report = _Report(keys, progress)
    for key in settled:
        report.settle(key)
    if missing:
        maker = factory()
        if maker.model_id != model_id:
            raise BadInput(
                f"studio: the factory made model {maker.model_id!r}; expected model_id {model_id!r}"
            )
        for outcome in outcomes(maker, list(missing.values())):
            outcome = _judged(outcome)
            if cache and isinstance(outcome, Picture):
                cache.put(outcome)
            settled[outcome.key] = outcome
            report.settle(outcome.key)
    return [settled[key] for key in keys]


def outcomes(backend: Backend, requests: Sequence[Request]) -> Iterator[Outcome]:
    """One outcome per request, whatever the backend raises. Like with like, so that batches are full and pictures are
    kept as soon as they are made."""
    pending = sorted(requests, key=lambda r: (r.steps, r.strength, r.guidance, r.width / r.height, r.width))
    left = dict.fromkeys(pending)
    try:
        for outcome in backend.generate(pending):
            left.pop(outcome.request, None)
            yield outcome
    except (BadModel, NoWorker, StoreError):
        raise
    except Exception as error:
        if len(left) == 1:
            request = next(iter(left))
            yield Failure(request, request.key(backend.model_id), reason(error))
            return
        # Somebody in this batch broke it: each of the rest is tried alone.
        for request in left:
            yield from outcomes(backend, [request])
        return
    for request in left:
        yield Failure(request, request.key(backend.model_id), "the backend returned nothing for it")


def _judged(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Failure):
        return outcome
    fault = inspect(outcome.pixels, (outcome.request.width, outcome.request.height))
    return Failure(outcome.request, outcome.key, fault) if fault else outcome


def _factory(backend: Backend | Callable[[], Backend]) -> Callable[[], Backend]:
    if hasattr(backend, "generate"):
        return lambda: backend  # type: ignore[return-value]
    return backend


class _Report:
    """Counts settled requests, equal ones included."""

    def __init__(self, keys: Sequence[str], progress: Progress | None) -> None:
        self._weight = Counter(keys)
        self._progress, self._total, self._done = progress, len(keys), 0

    def settle(self, key: str) -> None:
        self._done += self._weight[key]
        if self._progress:
            self._progress(self._done, self._total)
