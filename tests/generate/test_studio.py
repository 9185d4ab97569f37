from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dco.errors import BadInput, BadModel
from dco.generate.backend import Progress, load_backend
from dco.generate.backends.procedural import Backend as Procedural
from dco.generate.cache import PictureCache
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.quality.defects import DEFECTS, crop
from dco.generate.quality.panel import ALIKE, Panel
from dco.generate.request import Request
from dco.generate.studio import make


def requests(count: int, first: int = 0) -> list[Request]:
    sizes = [(48, 48), (64, 32), (32, 64)]
    return [
        Request.of({"scene": "beach", "palette": "blue"}, *sizes[i % 3], seed=i)
        for i in range(first, first + count)
    ]


class Faulty:
    """The procedural backend with faults: `breaks` raises from within `generate`, `spoils` alters a finished picture."""

    model_id, license = "faulty", {"license": "Apache-2.0"}

    def __init__(
        self, breaks: set[int] = frozenset(), spoils: dict[int, str] | None = None, error: Any = None
    ) -> None:
        self.breaks, self.spoils, self.error = breaks, spoils or {}, error or RuntimeError("step failed")
        self.asked: list[int] = []
        self.inner = Procedural()
        self.inner.model_id = self.model_id

    def generate(self, requests: Sequence[Request], progress: Progress | None = None) -> Iterator[Outcome]:
        for request in requests:
            self.asked.append(request.seed)
            if request.seed in self.breaks:
                raise self.error
            outcome = next(self.inner.generate([request]))
            fault = self.spoils.get(request.seed)
            if fault == "nothing":
                continue
            if fault and isinstance(outcome, Picture):
                pixels = np.zeros_like(outcome.pixels) if fault == "black" else outcome.pixels[:5]
                outcome = Picture(request, outcome.key, pixels, outcome.seconds)
            yield outcome


def test_outcomes_come_in_request_order_and_the_second_time_from_the_cache(tmp_path: Path) -> None:
    cache, backend, wanted = PictureCache(tmp_path), Faulty(), requests(7)
    first = make(wanted, backend, cache)
    assert [o.request for o in first] == wanted
    assert sorted(backend.asked) == list(range(7))
    second = make(wanted[::-1], backend, cache)
    assert len(backend.asked) == 7
    for a, b in zip(first, second[::-1], strict=True):
        assert isinstance(a, Picture) and isinstance(b, Picture)
        assert (a.pixels == b.pixels).all()
        assert not a.cached and b.cached


def test_only_what_is_missing_is_made_and_equal_requests_once(tmp_path: Path) -> None:
    cache, backend = PictureCache(tmp_path), Faulty()
    make(requests(3), backend, cache)
    backend.asked.clear()
    seen: list[tuple[int, int]] = []
    outcomes = make(
        [*requests(5), *requests(5)], backend, cache, lambda done, total: seen.append((done, total))
    )
    assert sorted(backend.asked) == [3, 4]
    assert len(outcomes) == 10
    assert seen[-1] == (10, 10)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_factory_is_not_called_when_the_cache_holds_everything(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    make(requests(4), Faulty(), cache)

    def never() -> Faulty:
        raise AssertionError("nothing is missing")

    assert all(isinstance(o, Picture) for o in make(requests(4), never, cache, model_id="faulty"))
    assert make([], never, cache) == []


def test_a_factory_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected model_id 'other'"):
        make(requests(1), Faulty, PictureCache(tmp_path), model_id="other")


@pytest.mark.parametrize("breaks", [{0}, {3}, {6}, {0, 1, 2}, set(range(7))])
def test_an_exception_in_one_variant_never_stops_the_others(tmp_path: Path, breaks: set[int]) -> None:
    cache = PictureCache(tmp_path)
    outcomes = make(requests(7), Faulty(breaks), cache)
    assert [isinstance(o, Failure) for o in outcomes] == [i in breaks for i in range(7)]
    assert all(o.reason == "RuntimeError: step failed" for o in outcomes if isinstance(o, Failure))
    assert [cache.has(o.key) for o in outcomes] == [i not in breaks for i in range(7)]


def test_black_cut_or_missing_pictures_are_failures_and_are_not_kept(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    outcomes = make(requests(4), Faulty(spoils={0: "black", 1: "cut", 2: "nothing"}), cache)
    reasons = [o.reason if isinstance(o, Failure) else "" for o in outcomes]
    assert reasons[0].startswith("black")
    assert reasons[1].startswith("wrong size")
    assert reasons[2] == "the backend returned nothing for it"
    assert reasons[3] == ""
    assert [cache.has(o.key) for o in outcomes] == [False, False, False, True]


def test_a_failed_variant_is_tried_again_the_next_time(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    make(requests(2), Faulty({1}), cache)
    outcomes = make(requests(2), Faulty(), cache)
    assert all(isinstance(o, Picture) for o in outcomes)


def test_a_model_that_cannot_be_loaded_is_one_error_for_all(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="no weights"):
        make(requests(3), Faulty({0}, error=BadModel("no weights")), PictureCache(tmp_path))


def test_what_was_made_before_a_crash_is_kept(tmp_path: Path) -> None:
    cache, wanted = PictureCache(tmp_path), [r for r in requests(9) if r.width == 48]
    with pytest.raises(KeyboardInterrupt):
        make(wanted, Faulty({wanted[-1].seed}, error=KeyboardInterrupt()), cache)
    assert [cache.has(r.key("faulty")) for r in wanted] == [True, True, False]


def test_a_studio_works_without_a_cache() -> None:
    assert all(isinstance(o, Picture) for o in make(requests(2), load_backend("procedural")))


LOOK = {"scene": "beach", "palette": "blue", "light": "soft light", "composition": "copy space left"}


def large(seed: int, **changes: str) -> Request:
    return Request.of({**LOOK, **changes}, 240, 200, seed)


class Altered:
    """The procedural backend, whose pictures are altered by seed on their way out."""

    model_id, license, on_render = "altered", {"license": "Apache-2.0"}, True

    def __init__(self, alter: dict[int, Any]) -> None:
        self.alter, self.inner = alter, Procedural()
        self.inner.model_id = self.model_id

    def generate(self, requests: Sequence[Request], progress: Progress | None = None) -> Iterator[Outcome]:
        for outcome in self.inner.generate(requests):
            change = self.alter.get(outcome.request.seed)
            if change and isinstance(outcome, Picture):
                outcome = replace(outcome, pixels=change(outcome.pixels))
            yield outcome


def test_a_picture_a_gate_refuses_is_a_failure_with_gate_and_reason_and_is_not_kept(tmp_path: Path) -> None:
    spoil = {2: lambda pixels: DEFECTS["noise"].plant(pixels, np.random.default_rng(0))}
    cache = PictureCache(tmp_path)
    good, bad = make([large(1), large(2)], Altered(spoil), cache)
    assert isinstance(good, Picture) and isinstance(bad, Failure)
    assert bad.gate == "artefacts" and "noise" in bad.reason
    assert (cache.has(good.key), cache.has(bad.key)) == (True, False)


def test_measured_values_travel_with_the_picture_and_come_back_from_the_cache(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    (made,) = make([large(1)], Altered({}), cache)
    (kept,) = make([large(1)], Altered({}), cache)
    assert isinstance(made, Picture) and isinstance(kept, Picture) and kept.cached
    assert made.quality == kept.quality == cache.quality(made.key)
    assert made.quality["sharpness.detail"] > 0.5


def test_a_picture_kept_before_there_were_gates_is_judged_when_it_is_asked_for(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    (made,) = Altered({}).generate([large(1)])
    assert isinstance(made, Picture)
    cache.put(replace(made, pixels=DEFECTS["noise"].plant(made.pixels, np.random.default_rng(0))))
    (found,) = make([large(1)], Altered({}), cache)
    assert isinstance(found, Failure) and found.gate == "artefacts"


def test_of_two_pictures_that_are_one_the_later_fails_and_names_the_first(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    (first,) = Altered({}).generate([large(1)])
    assert isinstance(first, Picture)
    cropped = crop(first.pixels, 0.06, np.random.default_rng(3))
    backend = Altered({2: lambda _: cropped})
    only_alike = Panel(gates=["sound"])
    for run in range(2):  # the second time from the cache
        one, other, last = make([large(1), large(2), large(3)], backend, cache, panel=only_alike)
        assert isinstance(one, Picture) and isinstance(last, Picture)
        assert isinstance(other, Failure) and other.gate == ALIKE
        assert (other.seconds > 0) is (run == 0)  # it was made once, and that once it is booked
        assert f"near-duplicate of picture {one.key[:12]}" in other.reason and "seed 1" in other.reason


def test_what_is_shown_already_is_not_made_twice(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    (shown,) = make([large(1)], Altered({}), cache)
    assert isinstance(shown, Picture)
    again = Altered({9: lambda _: shown.pixels})
    (found,) = make([large(9)], again, cache, panel=Panel(gates=["sound"]), beside=[shown.key])
    assert isinstance(found, Failure) and "which is shown already" in found.reason
    # A picture is no duplicate of itself.
    assert isinstance(make([large(1)], again, cache, beside=[shown.key])[0], Picture)


def test_an_unsafe_prompt_is_refused_with_its_rule_whoever_asks(tmp_path: Path) -> None:
    backend = Faulty()
    asked = [
        Request.of({}, 48, 48, 1, prompt="beach with a Nikе shoe, blue tones"),
        Request.of({"scene": "beach", "palette": "blue", "look_extra": "in the style of Banksy"}, 48, 48, 2),
        *requests(1),
    ]
    first, second, fine = make(asked, backend)
    assert isinstance(first, Failure) and "rule 'trademark'" in first.reason
    assert isinstance(second, Failure) and "rule 'living-artist'" in second.reason
    assert isinstance(fine, Picture) and backend.asked == [0]
    (banned,) = make(requests(1), backend, banned=["beach"])
    assert isinstance(banned, Failure) and "rule 'brand'" in banned.reason
    (allowed,) = make(
        [Request.of({}, 48, 48, 1, prompt="beach, blue tones, nike")], Faulty(), allowed=["Nike"]
    )
    assert not (isinstance(allowed, Failure) and "rule" in allowed.reason)
