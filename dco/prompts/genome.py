"""Walking the space of ideas: counting, enumerating, sampling and first pools under forbidden combinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

import numpy as np

from dco.errors import BadData
from dco.prompts.design import exchange
from dco.records import Genome, Space, freeze

LARGEST_LISTED = 200_000
"""`everything` refuses larger spaces: listing them helps nobody."""
DEALS = 3
"""A deal can get stuck where much is forbidden or taken; the largest of some is kept."""
TRIES = 400
"""Draws before a space counts as forbidding nearly everything."""


def as_space(space: Space | Mapping[str, object]) -> Space:
    """A `Space` from itself or from a plain mapping attribute -> options.

    Raises:
        BadData: nothing varies, or an attribute has no options or a text instead of a list.
    """
    if not isinstance(space, Space):
        for name, options in dict(space).items():
            if isinstance(options, str) or not isinstance(options, (list, tuple)):
                raise BadData(f"space, attribute {name!r}: expected a list of options, got {options!r}")
        space = Space(freeze(space))  # type: ignore[arg-type]
    if not space.attributes:
        raise BadData("space: no attribute to vary; name at least one attribute with its options")
    for name, options in space.attributes.items():
        if not options:
            raise BadData(
                f"space, attribute {name!r}: no options; give at least one or leave the attribute out"
            )
        if len(set(options)) < len(options):
            raise BadData(f"space, attribute {name!r}: an option is named twice; name each once")
    for rule in space.forbidden:
        for name, option in rule.items():
            if option not in space.attributes.get(name, ()):
                raise BadData(f"space, forbidden {dict(rule)}: {name!r} has no option {option!r}")
        if not rule:
            raise BadData("space, forbidden: an empty combination would forbid everything; remove it")
    return space


def size(space: Space) -> int:
    """Number of combinations, forbidden ones included."""
    return prod(len(options) for options in space.attributes.values())


def everything(space: Space) -> Iterator[Genome]:
    """Every allowed genome, last attribute fastest.

    Raises:
        BadData: more than `LARGEST_LISTED` combinations; use `sample`.
    """
    if size(space) > LARGEST_LISTED:
        raise BadData(f"space: {size(space):,} combinations are too many to list; sample them instead")
    for options in product(*space.attributes.values()):
        attributes = dict(zip(space.attributes, options))
        if space.allows(attributes):
            yield Genome.of(attributes)


def sample(space: Space, rng: np.random.Generator) -> dict[str, str]:
    """One allowed genome, uniform over the allowed ones.

    Raises:
        BadData: no allowed genome found in `TRIES` draws.
    """
    for _ in range(TRIES):
        genome = {a: options[int(rng.integers(len(options)))] for a, options in space.attributes.items()}
        if space.allows(genome):
            return genome
    if size(space) <= LARGEST_LISTED:
        found = [g.as_dict() for g in everything(space)]
        if found:
            return found[int(rng.integers(len(found)))]
    raise BadData("space: the forbidden combinations leave (nearly) nothing to make; forbid less")


def balanced(
    space: Space,
    n: int,
    rng: np.random.Generator,
    taken: set[str] | None = None,
    beside: Sequence[Sequence[Mapping[str, str]]] = (),
) -> list[dict[str, str]]:
    """A first pool from which main effects can be told apart: D-optimal, from a start in which options are equally frequent.

    Every attribute is dealt like a shuffled deck of its options; `design.exchange` makes the most of that. Fewer than `n`
    come back when the space (less `taken`, genome keys) is smaller. `beside`: the other segments' pools.
    """
    pool = max((_deal(space, n, rng, set(taken or ())) for _ in range(DEALS)), key=len)
    return exchange(space, pool, set(taken or ()), beside)


def _deal(space: Space, n: int, rng: np.random.Generator, taken: set[str]) -> list[dict[str, str]]:
    decks = {}
    for a, options in space.attributes.items():
        deck: list[str] = []
        while len(deck) < n:
            deck += [options[int(i)] for i in rng.permutation(len(options))]
        decks[a] = deck[:n]
    for deck in decks.values():
        rng.shuffle(deck)
    pool: list[dict[str, str]] = []
    for i in range(n):
        genome = {a: deck[i] for a, deck in decks.items()}
        for _ in range(TRIES):
            if space.allows(genome) and Genome.of(genome).key not in taken:
                taken.add(Genome.of(genome).key)
                pool.append(genome)
                break
            # A clash is repaired by redrawing one attribute, so that the deal stays nearly balanced.
            name = list(space.attributes)[int(rng.integers(len(space.attributes)))]
            options = space.attributes[name]
            genome = genome | {name: options[int(rng.integers(len(options)))]}
    return pool
