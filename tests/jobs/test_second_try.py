"""What becomes of an idea whose picture a gate refuses, and of a picture that fits no set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.request import Request
from dco.jobs.second_try import draw, hold_together, strangers

SIZES = ((64, 48), (48, 64))


def asked(idea: int, attempt: int = 0) -> dict[tuple[int, int], Request]:
    return {
        s: Request.of({"scene": "beach", "palette": "blue"}, *s, seed=100 * idea + attempt) for s in SIZES
    }


class Maker:
    """Makes grey pictures; refuses the requests it is told to."""

    def __init__(self, refuse: set[tuple[int, tuple[int, int]]], gate: str = "artefacts") -> None:
        self.refuse, self.gate, self.calls = refuse, gate, []

    def __call__(self, requests: Sequence[Request], known: Sequence[str]) -> list[Outcome]:
        self.calls.append([r.seed for r in requests])
        return [self._one(r) for r in requests]

    def _one(self, r: Request) -> Outcome:
        key = r.key("m")
        if (r.seed, (r.width, r.height)) in self.refuse:
            return Failure(r, key, "noise", self.gate)
        return Picture(r, key, np.full((r.height, r.width, 3), 9, np.uint8), 0.1)


def test_an_idea_with_one_refused_size_is_drawn_again_whole_with_the_next_seed() -> None:
    maker = Maker({(100, SIZES[1])})
    chosen, settled = draw([asked(0), asked(1)], lambda n: asked(n, 1), maker)
    assert chosen == [asked(0), asked(1, 1)]
    assert maker.calls == [[0, 0, 100, 100], [101, 101]]
    assert all(isinstance(settled[r], Picture) for one in chosen for r in one.values())


def test_where_the_second_try_fails_too_the_first_reason_stands() -> None:
    maker = Maker({(100, SIZES[0]), (101, SIZES[0])})
    chosen, settled = draw([asked(0), asked(1)], lambda n: asked(n, 1), maker)
    assert chosen == [asked(0), asked(1)]
    assert isinstance(settled[chosen[1][SIZES[0]]], Failure)
    assert len(maker.calls) == 2


def test_what_no_gate_refused_is_not_tried_again() -> None:
    """Another seed helps neither a prompt that is too long nor a model that is out of memory."""
    maker = Maker({(0, SIZES[0])}, gate="")
    chosen, _ = draw([asked(0)], lambda n: asked(n, 1), maker)
    assert chosen == [asked(0)] and len(maker.calls) == 1


def test_a_stranger_is_named_only_in_a_set_that_is_large_enough() -> None:
    request = asked(0)[SIZES[0]]
    plain = [Picture(request, "k", np.full((48, 64, 3), 200 + n, np.uint8), 0.1) for n in range(9)]
    odd = replace(plain[0], pixels=np.zeros((48, 64, 3), np.uint8) + np.array([255, 0, 0], np.uint8))
    assert strangers(plain, 30.0) == {}
    assert strangers([*plain[:3], odd], 30.0) == {}
    assert strangers([*plain, odd], None) == {}
    found = strangers([*plain, odd], 30.0)
    assert set(found) == {9} and "stranger in its set" in found[9]
    assert hold_together(plain).spread < 3
