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


def propose(fit: Fit, space: Space, around: Around, n: int, rng: np.random.Generator) -> list[Idea]:
    """At most `n` new ideas for one segment, best first; never a taken genome, never a forbidden one, never twice.

    The batch is spread: an idea differs from each other one in at least two attributes where the space allows it.
    """
    chosen: list[Idea] = []
    offset = int(rng.integers(len(TEMPERATURES)))
    for slot in range(n):
        temperature = TEMPERATURES[(slot + offset) % len(TEMPERATURES)]
        pool: dict[tuple[int, ...], None] = {}
        for _ in range(DRAWS if temperature else 1):
            weights = fit.draw(around.segment, temperature, rng)
            start = fit.history.codes[around.winners[int(rng.integers(len(around.winners)))]]
            top = climb(fit, space, weights, start)
            found = nearest_free(fit, space, weights, top, around.taken, [i.codes for i in chosen])
            if found is not None:
                pool[found] = None
        if pool:
            ideas = judge(fit, around, list(pool), temperature)
            chosen.append(max(ideas, key=lambda i: (i.gain, i.codes)))
    return sorted(chosen, key=lambda i: (-i.gain, i.codes))


def climb(fit: Fit, space: Space, weights: Floats, start: Ints) -> tuple[int, ...]:
    """Coordinate ascent of the drawn weights from a winner; each move is the best allowed option of one attribute."""
    alphabet = fit.alphabet
    allowed = _allowed_codes(fit, space)
    genome = [int(c) if int(c) in allowed[a] else allowed[a][0] for a, c in enumerate(start)]
    for _ in range(10):
        before = list(genome)
        for a, codes in enumerate(allowed):
            by_worth = sorted(codes, key=lambda o: -weights[int(alphabet.starts[a]) + o])
            for option in by_worth:
                trial = [*genome[:a], option, *genome[a + 1 :]]
                if _fits(fit, space, trial):
                    genome = trial
                    break
        if genome == before:
            break
    return tuple(genome)


def nearest_free(
    fit: Fit,
    space: Space,
    weights: Floats,
    top: tuple[int, ...],
    taken: frozenset[tuple[int, ...]],
    batch: Sequence[tuple[int, ...]],
) -> tuple[int, ...] | None:
    """The best allowed genome at or near `top` that is neither taken nor too like the batch; None if there is none.

    Looks at `top`, then one and two changed attributes; first for ideas two attributes away from the batch, then for one.
    """
    allowed = _allowed_codes(fit, space)
    starts = fit.alphabet.starts
    for distance in (2, 1) if batch else (1,):
        for ring in _rings(top, allowed):
            scored = sorted(ring, key=lambda g: (-sum(weights[starts[a] + o] for a, o in enumerate(g)), g))
            for genome in scored:
                far = all(sum(x != y for x, y in zip(genome, b)) >= distance for b in batch)
                if far and genome not in taken and _fits(fit, space, genome):
                    return genome
    return None


def _rings(top: tuple[int, ...], allowed: list[list[int]]) -> list[list[tuple[int, ...]]]:
    """[top], its neighbours by one change, then by two (a long list, so only made of each attribute's options)."""
    one = [(*top[:a], o, *top[a + 1 :]) for a, codes in enumerate(allowed) for o in codes if o != top[a]]
    two = {
        (*g[:b], o, *g[b + 1 :])
        for g in one[:60]
        for b, codes in enumerate(allowed)
        for o in codes
        if o != top[b] and g[b] == top[b]
    }
    return [[top], one, sorted(two)]


def judge(fit: Fit, around: Around, genomes: list[tuple[int, ...]], temperature: float) -> list[Idea]:
    """Expected improvement of new arms over the best live arm, from their joint posterior (what both share cancels)."""
    codes = np.array([tuple(fit.history.codes[around.best]), *genomes])
    row = np.array([around.best, *([-1] * len(genomes))])
    mean, cov = fit.moments(around.segment, codes, row)
    ideas = []
    for i, genome in enumerate(genomes, start=1):
        ahead = mean[i] - mean[0]
        sd = float(np.sqrt(max(cov[i, i] + cov[0, 0] - 2 * cov[i, 0], 1e-12)))
        scale = float(np.exp(min(mean[0] - around.average, 5.0)))
        gain = scale * float(
            np.exp(min(ahead + sd**2 / 2, 5.0)) * ndtr((ahead + sd**2) / sd) - ndtr(ahead / sd)
        )
        ideas.append(
            Idea(genome, max(gain, 0.0), float(mean[i]), float(np.sqrt(cov[i, i])), temperature,
                 parents_of(fit, genome, around.winners))
        )  # fmt: skip
    return ideas


def parents_of(fit: Fit, genome: tuple[int, ...], winners: tuple[int, ...]) -> tuple[int, ...]:
    """Up to two winners that share most options with the idea (at least one), the better one first on a tie."""
    shared = [
        (int((fit.history.codes[w] == np.array(genome)).sum()), -rank, w) for rank, w in enumerate(winners)
    ]
    return tuple(w for count, _, w in sorted(shared, reverse=True)[:2] if count > 0)


def _allowed_codes(fit: Fit, space: Space) -> list[list[int]]:
    """Per attribute the codes of options that may be made today (the alphabet may know older ones)."""
    return [
        [o for o, name in enumerate(fit.alphabet.options[a]) if name in space.attributes[attribute]]
        for a, attribute in enumerate(fit.alphabet.attributes)
    ]


def _fits(fit: Fit, space: Space, genome: Sequence[int]) -> bool:
    return not space.forbidden or space.allows(fit.alphabet.decode(np.asarray(genome)))
