"""New ideas around what won: tempered draws of the element model, climbed to their best genome (Hill et al. 2017).

A draw at temperature 0 exploits, at 1 explores like Thompson sampling; a mixture beat either alone in closed loops
(on simulated markets with fresh seeds). Each idea is judged by its expected improvement over the best live arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dco.elements.model import Fit
from dco.prompts.room import Room
from dco.records import Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TEMPERATURES = (0.0, 0.5, 1.0)
DRAWS = 4
"""Draws per temperature and slot; the best by expected improvement is kept."""


@dataclass(frozen=True)
class Idea:
    """A genome worth making. `gain` is E[(value - best live value)+] / live average, so 0.10 = +10 %."""

    codes: tuple[int, ...]
    gain: float
    mean: float  # log value rate
    sd: float
    temperature: float
    parents: tuple[int, ...]  # rows of the fit


@dataclass(frozen=True)
class Around:
    """What a segment's proposals are grown around.

    `winners` are rows of the fit (live and past arms), best first; `best` is the fit row of the best live arm;
    `average` the log of the live pool's average value rate; `taken` the option codes that must not come again.
    """

    segment: int
    winners: tuple[int, ...]
    best: int
    average: float
    taken: frozenset[tuple[int, ...]]


def propose(
    fit: Fit, space: Space, around: Around, n: int, rng: np.random.Generator, *, draws: int = DRAWS
) -> list[Idea]:
    """At most `n` new ideas for one segment, best first; never a taken genome, never a forbidden one, never twice.

    The batch is spread: an idea differs from each other one in at least two attributes where the space allows it.
    """
    chosen: list[Idea] = []
    room, lottery = Room.of(fit.alphabet, space), fit.lottery(around.segment)
    offset = int(rng.integers(len(TEMPERATURES)))
    for slot in range(n):
        temperature = TEMPERATURES[(slot + offset) % len(TEMPERATURES)]
        pool: dict[tuple[int, ...], None] = {}
        for _ in range(draws if temperature else 1):
            weights = lottery.draw(temperature, rng)
            start = fit.history.codes[around.winners[int(rng.integers(len(around.winners)))]]
            found = room.nearest_free(
                weights, room.climb(weights, start), around.taken, [i.codes for i in chosen]
            )
            if found is not None:
                pool[found] = None
        if pool:
            ideas = judge(fit, around, list(pool), temperature)
            chosen.append(max(ideas, key=lambda i: (i.gain, i.codes)))
    return sorted(chosen, key=lambda i: (-i.gain, i.codes))


def judge(fit: Fit, around: Around, genomes: Sequence[tuple[int, ...]], temperature: float) -> list[Idea]:
    """Expected improvement of new arms over the best live arm, from their joint posterior (what both share cancels)."""
    codes = np.array([tuple(fit.history.codes[around.best]), *genomes])
    row = np.array([around.best, *([-1] * len(genomes))])
    mean, cov = fit.moments(around.segment, codes, row)
    var = np.diag(cov)
    sd = np.sqrt(np.maximum(var + var[0] - 2 * cov[:, 0], 1e-12))
    ahead = mean - mean[0]
    scale = np.exp(min(mean[0] - around.average, 5.0))
    rise = np.exp(np.minimum(ahead + sd**2 / 2, 5.0))
    gain = np.maximum(scale * (rise * ndtr((ahead + sd**2) / sd) - ndtr(ahead / sd)), 0.0)
    return [
        Idea(genome, float(gain[i]), float(mean[i]), float(np.sqrt(var[i])), temperature,
             parents_of(fit, genome, around.winners))
        for i, genome in enumerate(genomes, start=1)
    ]  # fmt: skip


def parents_of(fit: Fit, genome: tuple[int, ...], winners: tuple[int, ...]) -> tuple[int, ...]:
    """Up to two winners that share most options with the idea (at least one), the better one first on a tie."""
    shared = (fit.history.codes[list(winners)] == np.array(genome)).sum(axis=1)
    nearest = np.argsort(-shared, kind="stable")[:2]
    return tuple(winners[i] for i in nearest if shared[i] > 0)
