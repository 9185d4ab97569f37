"""Climbing and searching for free ideas, against listing every genome."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.elements.alphabet import Alphabet
from dco.prompts.room import Room
from dco.records import Space

OPTIONS = {"scene": ("beach", "city", "moon"), "light": ("day", "night"), "cta": ("buy", "learn", "try")}
EVERY = list(product(range(3), range(2), range(3)))
# The model knows an older scene, which must never be made again.
ALPHABET = Alphabet.of(("a",), OPTIONS | {"scene": (*OPTIONS["scene"], "palm")})


def room(*forbidden: dict[str, str]) -> Room:
    return Room.of(ALPHABET, Space(OPTIONS, forbidden))


def worth(weights: np.ndarray, genome: tuple[int, ...]) -> float:
    return sum(float(weights[ALPHABET.starts[a] + o]) for a, o in enumerate(genome))


@settings(max_examples=60)
@given(seed=st.integers(0, 999), n_taken=st.integers(0, 17), near=st.booleans())
def test_the_best_free_genome_within_two_changes_of_the_best_is_found(
    seed: int, n_taken: int, near: bool
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=ALPHABET.width)
    weights[ALPHABET.starts[0] + 3] = 9.0
    top = room().climb(weights, np.array([3, 0, 0]))
    best = max(EVERY, key=lambda g: worth(weights, g))
    assert tuple(top) == best
    taken = frozenset(EVERY[i] for i in rng.permutation(len(EVERY))[:n_taken])
    batch = [EVERY[int(rng.integers(len(EVERY)))]] if near else []
    found = room().nearest_free(weights, top, taken, batch)

    def changes(g: tuple[int, ...], h: tuple[int, ...]) -> int:
        return sum(x != y for x, y in zip(g, h))

    wanted = None
    for distance in (2, 1) if batch else (1,):
        for ring in range(3):
            free = [
                g
                for g in EVERY
                if changes(g, best) == ring
                and g not in taken
                and all(changes(g, b) >= distance for b in batch)
            ]
            if free and wanted is None:
                wanted = max(free, key=lambda g: worth(weights, g))
    assert found == wanted


def test_a_forbidden_combination_is_walked_around() -> None:
    weights = np.zeros(ALPHABET.width)
    weights[ALPHABET.starts[0]] = 1.0  # beach
    weights[ALPHABET.starts[1] + 1] = 0.5  # night
    strict = room({"scene": "beach", "light": "night"})
    assert tuple(strict.climb(weights, np.array([1, 0, 0])))[:2] == (0, 0)
    top = np.array([0, 1, 0])
    assert strict.nearest_free(weights, top, frozenset(), []) == (0, 0, 0)
