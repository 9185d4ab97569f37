"""The room for new ideas as option codes: what may be made, climbing to the best of it, and the best that is still free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.elements.lottery import Draw
from dco.records import Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_FIRST_CHANGES = 60
"""First changes that second ones are added to: the ring of two changes grows with their square."""
CLIMBS = 10


@dataclass(frozen=True)
class Room:
    """A space in the codes of an alphabet (which may know older options, too).

    `allowed[a]` are the codes that may be made of attribute a; `starts[a]` its first design column; `rules` the forbidden
    combinations, each as (attributes, codes).
    """

    allowed: tuple[Ints, ...]
    starts: Ints
    rules: tuple[tuple[Ints, Ints], ...]

    @classmethod
    def of(cls, alphabet: Alphabet, space: Space) -> Room:
        allowed = [
            [o for o, name in enumerate(options) if name in space.attributes[attribute]]
            for attribute, options in zip(alphabet.attributes, alphabet.options)
        ]
        rules = []
        for rule in space.forbidden:
            at = [alphabet.attributes.index(a) for a in rule]
            codes = [alphabet.options[a].index(option) for a, option in zip(at, rule.values())]
            rules.append((np.array(at), np.array(codes)))
        return cls(tuple(np.array(codes) for codes in allowed), alphabet.starts, tuple(rules))

    def permits(self, genomes: Ints) -> Bools:
        """bool[genome]: holds no forbidden combination; genomes int[genome, attribute] of allowed codes."""
        fine = np.ones(len(genomes), dtype=bool)
        for at, codes in self.rules:
            fine &= (genomes[:, at] != codes).any(axis=1)
        return fine

    def worth(self, weights: Floats | Draw, genomes: Ints) -> Floats:
        """float[genome]: sum of the option weights, attribute by attribute (genomes equal in worth stay equal)."""
        if isinstance(weights, Draw):
            return weights.worth(genomes)
        total = np.zeros(len(genomes))
        for a, start in enumerate(self.starts):
            total += weights[start + genomes[:, a]]
        return total

    def climb(self, weights: Floats | Draw, start: Ints) -> Ints:
        """Coordinate ascent from a winner, int[attribute]; each move is the best permitted option of one attribute."""
        genome = np.array([c if c in codes else codes[0] for c, codes in zip(start, self.allowed)])
        for _ in range(CLIMBS):
            before = genome.copy()
            for a, codes in enumerate(self.allowed):
                if self.rules:
                    trials = np.repeat(genome[None], len(codes), axis=0)
                    trials[:, a] = codes
                    codes = codes[self.permits(trials)]
                if len(codes):
                    worth = (
                        weights.options(genome, a, codes)
                        if isinstance(weights, Draw)
                        else weights[self.starts[a] + codes]
                    )
                    genome[a] = codes[np.argmax(worth)]
            if not (self.rules or isinstance(weights, Draw)) or (genome == before).all():
                break
        return genome

    def may(self, genomes: Ints) -> Bools:
        """bool[genome]: of allowed codes, and without a forbidden combination."""
        fine = self.permits(genomes)
        for a, codes in enumerate(self.allowed):
            fine &= np.isin(genomes[:, a], codes)
        return fine

    def changes(self, genome: Ints) -> Ints:
        """int[genome, attribute]: all genomes with one option changed."""
        return self._ring(genome, 1)

    def nearest_free(
        self,
        weights: Floats | Draw,
        top: Ints,
        taken: frozenset[tuple[int, ...]],
        batch: Sequence[tuple[int, ...]],
    ) -> tuple[int, ...] | None:
        """The best permitted genome at or near `top` that is neither taken nor too like the batch; None if there is none.

        Looks at `top`, then one and two changed attributes; first for ideas two attributes away from the batch, then for one.
        """
        for distance in (2, 1) if batch else (1,):
            for changes in (0, 1, 2):
                found = self._best_free(weights, self._ring(top, changes), taken, batch, distance)
                if found is not None:
                    return found
        return None

    def _best_free(
        self,
        weights: Floats | Draw,
        ring: Ints,
        taken: frozenset[tuple[int, ...]],
        batch: Sequence[tuple[int, ...]],
        distance: int,
    ) -> tuple[int, ...] | None:
        fine = self.permits(ring)
        for other in batch:
            fine &= (ring != np.array(other)).sum(axis=1) >= distance
        ring = ring[fine]
        # Best first; equal ones by their codes, so that the order does not hang on how the ring was made.
        order = np.lexsort((*ring.T[::-1], -self.worth(weights, ring)))
        for genome in ring[order].tolist():
            if tuple(genome) not in taken:
                return tuple(genome)
        return None

    def _ring(self, top: Ints, changes: int) -> Ints:
        """int[genome, attribute]: the genomes that many changes away (two changes: a long list, so only from the first ones)."""
        if changes == 0:
            return top[None]
        at = np.repeat(np.arange(len(top)), [len(codes) for codes in self.allowed])
        to = np.concatenate(self.allowed)
        at, to = at[to != top[at]], to[to != top[at]]
        if changes == 1:
            ring = np.repeat(top[None], len(at), axis=0)
            ring[np.arange(len(at)), at] = to
            return ring
        first, second = np.nonzero(at[:MOST_FIRST_CHANGES, None] != at[None])
        ring = np.repeat(top[None], len(first), axis=0)
        each = np.arange(len(first))
        ring[each, at[first]], ring[each, at[second]] = to[first], to[second]
        return ring
