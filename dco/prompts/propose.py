"""Candidates for new ideas: draws of the element model climbed to their best genome, and what lies near the winners.

A draw at temperature 0 exploits, at 1 explores like Thompson sampling (Hill et al. 2017 for the climb); a mixture beat
either alone in closed loops. Single changes of winners and children of two of them stay near what is known to win, which
counts where options explain little. `plan/ideas.py` chooses among all of them by what they add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dco.elements.model import Fit
from dco.prompts.room import Room
from dco.records import Space

Ints = NDArray[np.int64]
Codes = tuple[int, ...]

TEMPERATURES = (0.0, 0.5, 1.0)
DRAWS = 6
"""Draws per temperature above 0."""
CHANGED = 3
"""Winners whose every single change is a candidate."""
CHILDREN = 12


@dataclass(frozen=True)
class Around:
    """What a segment's proposals are grown around.

    `winners` are rows of the fit (live and past arms), best first; `average` is the log of the live pool's average value
    rate; `taken` are the option codes that must not come again.
    """

    segment: int
    winners: tuple[int, ...]
    average: float
    taken: frozenset[Codes]


def candidates(
    fit: Fit,
    space: Space,
    around: Around,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    temperatures: tuple[float, ...] = TEMPERATURES,
    near_winners: bool = True,
) -> dict[Codes, str]:
    """Genomes that may be made, each with how it was found; never a taken one, never one with a forbidden combination."""
    room = Room.of(fit.alphabet, space)
    winners = fit.history.codes[list(around.winners)]
    known = winners[(winners >= 0).all(axis=1)]
    found = _drawn(fit, room, around, winners, rng, draws, temperatures)
    if near_winners and len(known):
        near = [
            (genome, "one option of a winner changed") for w in known[:CHANGED] for genome in room.changes(w)
        ]
        near += [(genome, "a child of two winners") for genome in _children(known, rng)]
        fine = room.may(np.array([genome for genome, _ in near]))
        for (genome, how), ok in zip(near, fine):
            codes = tuple(genome.tolist())
            if ok and codes not in around.taken:
                found.setdefault(codes, how)
    return found


def _drawn(
    fit: Fit, room: Room, around: Around, winners: Ints, rng: np.random.Generator, draws: int,
    temperatures: tuple[float, ...],
) -> dict[Codes, str]:  # fmt: skip
    """The best genome, or the best free one beside it, of every draw."""
    lottery = fit.lottery(around.segment)
    found: dict[Codes, str] = {}
    for temperature in temperatures:
        for _ in range(draws if temperature else 1):
            weights = lottery.draw(temperature, rng)
            top = room.climb(weights, winners[int(rng.integers(len(winners)))])
            genome = room.nearest_free(weights, top, around.taken, ())
            if genome is not None:
                found.setdefault(genome, f"drawn at temperature {temperature:g}")
    return found


def _children(winners: Ints, rng: np.random.Generator) -> Ints:
    """int[child, attribute]: each option from one of two winners."""
    parents = rng.integers(len(winners), size=(CHILDREN, 2))
    first = rng.random((CHILDREN, winners.shape[1])) < 0.5
    return np.where(first, winners[parents[:, 0]], winners[parents[:, 1]])


def parents_of(fit: Fit, genome: Codes, winners: tuple[int, ...]) -> tuple[int, ...]:
    """Up to two winners that share most options with the idea (at least one), the better one first on a tie."""
    shared = (fit.history.codes[list(winners)] == np.array(genome)).sum(axis=1)
    nearest = np.argsort(-shared, kind="stable")[:2]
    return tuple(winners[i] for i in nearest if shared[i] > 0)
