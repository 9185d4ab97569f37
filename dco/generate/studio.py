"""The studio: requests in, one outcome each, in order; the prompt policy first, then the cache, the backend, the gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dco.errors import BadInput, BadModel, NoWorker, Refused, StoreError
from dco.generate.backend import Backend, Progress
from dco.generate.batching import reason
from dco.generate.cache import PictureCache
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.likeness import Thumb, misfit, thumb
from dco.generate.quality.panel import ALIKE, Panel
from dco.generate.request import Request
from dco.prompts import policy


def make(
    requests: Sequence[Request],
    backend: Backend | Callable[[], Backend],
    cache: PictureCache | None = None,
    progress: Progress | None = None,
    *,
    model_id: str = "",
    panel: Panel | None = None,
    beside: Iterable[str] = (),
    allowed: Iterable[str] = (),
    banned: Iterable[str] = (),
) -> list[Outcome]:
    """Make pictures; what the cache holds is not made again, and equal requests are made once.

    Nobody sees a picture that a gate refuses: it is a `Failure` that names the gate and the reason. Of two pictures of one
    size that are near-duplicates the later one fails; it stays in the cache, since in other company it may be the first.

    Args:
        backend: a backend, or a factory of one that is called only when the cache lacks something; with a factory
            `model_id` is needed too, since keys depend on it.
        cache: where finished pictures are kept; None keeps none. A failed variant is never kept.
        progress: called with (requests settled, requests in all).
        panel: the gates; default all of them, as they fit the backend. `Panel(gates=["sound"])` judges the least. A
            backend whose pictures come from workers that have judged them says so: its `judged_by` is this panel.
        beside: keys of pictures in the cache that are shown already, and that no new one may repeat.
        allowed, banned: words for the prompt policy: the advertiser's own brand, and what its rules forbid.

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
    settled: dict[str, Outcome] = _refused(
        dict(zip(keys, requests, strict=True)), tuple(allowed), tuple(banned)
    )
    missing: dict[str, Request] = {}
    for key, request in zip(keys, requests, strict=True):
        kept = cache.get(key) if cache and key not in settled else None
        if kept is not None and kept.quality:
            settled[key] = kept
        elif kept is not None:
            # Kept before there were gates: it stands before them now.
            panel = panel or Panel.of(factory())
            settled[key] = judged(kept, panel)
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
        panel = panel or Panel.of(maker)
        there = getattr(maker, "judged_by", None) is panel
        for outcome in outcomes(maker, list(missing.values())):
            outcome = outcome if there else judged(outcome, panel)
            if cache and isinstance(outcome, Picture):
                cache.put(outcome)
            settled[outcome.key] = outcome
            report.settle(outcome.key)
    shown = {key: found for key in beside if cache and (found := cache.thumb(key)) is not None}
    once = _without_doubles({key: settled[key] for key in dict.fromkeys(keys)}, shown, panel or Panel())
    return [once[key] for key in keys]


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


def _refused(
    requests: Mapping[str, Request], allowed: Sequence[str], banned: Sequence[str]
) -> dict[str, Outcome]:
    """Requests that break the prompt policy, by key, each with the rule's id in its reason."""
    found: dict[str, Outcome] = {}
    for key, request in requests.items():
        try:
            for text in (request.prompt, *(option for _, option in request.attributes)):
                policy.check(text, allowed=allowed, banned=banned)
        except Refused as error:
            found[key] = Failure(request, key, str(error))
    return found


def judged(outcome: Outcome, panel: Panel) -> Outcome:
    """The outcome with what the gates measured; a `Failure` of the first gate that refuses it."""
    if isinstance(outcome, Failure):
        return outcome
    verdict = panel.judge(outcome)
    if verdict.fault:
        return Failure.of(outcome, verdict.fault, verdict.gate)
    return replace(outcome, quality=verdict.quality)


def _without_doubles(
    found: Mapping[str, Outcome], shown: Mapping[str, tuple[tuple[int, int], Thumb]], panel: Panel
) -> dict[str, Outcome]:
    """The same outcomes, with a `Failure` for every picture that repeats an earlier one of its size, or one that is shown.

    Sizes are kept apart because one idea is drawn in several on purpose.
    """
    limit = panel.limits.get(ALIKE)
    if limit is None:
        return dict(found)
    out: dict[str, Outcome] = {}
    seen: dict[tuple[int, int], list[tuple[str, Thumb]]] = {}
    for key, (size, small) in shown.items():
        if key not in found:
            seen.setdefault(size, []).append((key, small))
    for key, outcome in found.items():
        out[key] = outcome
        if isinstance(outcome, Failure) or not panel.compares(outcome):
            continue
        small, earlier = thumb(outcome.pixels), seen.setdefault(_size(outcome.request), [])
        first = next(((name, m) for name, other in earlier if (m := misfit(small, other)) <= limit), None)
        if first is None:
            earlier.append((key, small))
        else:
            known = out.get(first[0])
            named = (
                f" ({known.request.prompt!r}, seed {known.request.seed})"
                if known
                else ", which is shown already"
            )
            words = f"near-duplicate of picture {first[0][:12]}{named}: they differ by {first[1]:.2f}; more than {limit:.2f} is needed"
            out[key] = Failure.of(outcome, words, ALIKE)
    return out


def _size(request: Request) -> tuple[int, int]:
    return request.width, request.height


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
