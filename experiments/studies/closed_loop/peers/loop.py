"""The nightly body that every re-generating peer shares: discounted counts, shares, who leaves, what is made.

A peer is a `Mind` in a `Loop`. It sees what its authors' loop would see: impressions and clicks of what was live. It is
not told what waits for approval or was refused (it does remember what it asked for, as any program that orders creatives
must), nor what a creative costs, nor that conversions come late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from dco.elements.alphabet import Alphabet
from dco.records import Space
from dco.simulate.loop import MAX_NEW, Choice, Night

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Genes = tuple[int, ...]
"""Option codes of one idea."""

TRIES = 30
"""Draws for one new idea before the loop gives up on it for the night."""
YOUNG_DAYS = 2
"""Nights of traffic a creative gets before it may have to make room."""


class Mind(Protocol):
    """What tells one peer from another. `arms` are places in the arrays of the last `learn`; `s` is a segment's place."""

    def learn(self, segment: Ints, codes: Ints, shown: Floats, clicked: Floats) -> None:
        """All arms ever live: int[arm], int[arm, attribute], discounted impressions and clicks float[arm]."""

    def shares(self, s: int, arms: Ints, rng: np.random.Generator) -> Floats: ...

    def worth(self, s: int, arms: Ints) -> Floats:
        """Fitness float[arm]: the least worthy makes room when a segment is full."""

    def breed(self, s: int, arms: Ints, rng: np.random.Generator) -> Genes: ...


class Loop:
    """A decider (Night -> Choice).

    Args:
        make: new ideas per segment and night; or how many, by (night, segment place).
        pool: most live creatives per segment.
        half_life: days in which counts lose half their weight; None: never.
        repeat_days: an idea may be made again after so many nights if it is not live (a fresh copy of it); None: never.
    """

    def __init__(
        self,
        space: Space,
        segments: tuple[str, ...],
        mind: Mind,
        *,
        make: int | Callable[[int, int], int] = 2,
        pool: int = 16,
        half_life: float | None = None,
        repeat_days: int | None = None,
    ) -> None:
        self.space, self.segments, self.mind = space, segments, mind
        self.alphabet = Alphabet.of(segments, space.attributes)
        self.make, self.pool, self.repeat_days = make, pool, repeat_days
        self.keep = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
        self._sums = np.zeros((2, 0))  # impressions, clicks as counted last night
        self._kept = np.zeros((2, 0))  # the same, discounted
        self._asked: dict[tuple[int, Genes], int] = {}

    def __call__(self, night: Night) -> Choice:
        counts = night.counts
        self._count(np.stack([counts.impressions, counts.clicks]))
        self.mind.learn(counts.segment, counts.codes, *self._kept)
        found = Choice([])
        for s, segment in enumerate(self.segments):
            names = [str(a["arm_id"]) for a in night.live if a["segment"] == segment]
            arms = np.array([counts.row[segment, name] for name in names], np.int64)
            if not len(arms):
                continue
            due = self.make(night.index, s) if callable(self.make) else self.make
            stay = self._stay(s, arms, counts.first_day[arms], night.index, due)
            found.retire.extend({"segment": segment, "arm_id": names[i]} for i in np.flatnonzero(~stay))
            shares = self.mind.shares(s, arms[stay], night.rng)
            kept = [name for name, here in zip(names, stay) if here]
            total = float(shares.sum())
            found.shares.extend(
                {"segment": segment, "arm_id": name, "share": float(v) / total}
                for name, v in zip(kept, shares)
            )
            live = {tuple(map(int, c)) for c in counts.codes[arms]}
            for genes in self._new(s, arms[stay], live, min(due, MAX_NEW), night):
                found.proposals.append(
                    {"segment": segment, "attributes": self.alphabet.decode(np.array(genes))}
                )
        return found

    def _count(self, sums: Floats) -> None:
        grown = np.zeros_like(sums)
        grown[:, : self._sums.shape[1]] = self._sums
        kept = np.zeros_like(sums)
        kept[:, : self._kept.shape[1]] = self._kept
        self._kept = kept * self.keep + (sums - grown)
        self._sums = sums

    def _stay(self, s: int, arms: Ints, first: Ints, night: int, due: int) -> NDArray[np.bool_]:
        """The least worthy of those that had their nights leave, as many as the coming ones need."""
        stay = np.ones(len(arms), bool)
        surplus = len(arms) + due - self.pool
        if surplus > 0:
            old = np.flatnonzero((first >= 0) & (night - first >= YOUNG_DAYS))
            worst = old[np.argsort(self.mind.worth(s, arms[old]), kind="stable")]
            stay[worst[: min(surplus, len(arms) - 1)]] = False
        return stay

    def _new(self, s: int, arms: Ints, live: set[Genes], due: int, night: Night) -> list[Genes]:
        made: list[Genes] = []
        for _ in range(due):
            for _ in range(TRIES):
                genes = self.mind.breed(s, arms, night.rng)
                if genes not in live and not self._recent(s, genes, night.index) and self._allowed(genes):
                    self._asked[s, genes] = night.index
                    made.append(genes)
                    break
        return made

    def _recent(self, s: int, genes: Genes, night: int) -> bool:
        asked = self._asked.get((s, genes))
        return asked is not None and (self.repeat_days is None or night - asked < self.repeat_days)

    def _allowed(self, genes: Genes) -> bool:
        return not self.space.forbidden or self.space.allows(self.alphabet.decode(np.array(genes)))


def climb(space: Space, alphabet: Alphabet, weights: Floats, start: Ints) -> Genes:
    """Coordinate ascent of drawn option weights float[width] from a live idea, within what is allowed (Hill et al. 2017)."""
    genes = [int(c) for c in start]
    for _ in range(10):
        before = list(genes)
        for a, options in enumerate(alphabet.options):
            first = int(alphabet.starts[a])
            for option in np.argsort(-weights[first : first + len(options)], kind="stable"):
                trial = [*genes[:a], int(option), *genes[a + 1 :]]
                if not space.forbidden or space.allows(alphabet.decode(np.array(trial))):
                    genes = trial
                    break
        if genes == before:
            break
    return tuple(genes)


def root(cov: Floats) -> Floats:
    """A square root R of a covariance, R R' = cov; also where it is singular."""
    try:
        value, vector = np.linalg.eigh(cov)
    except (
        np.linalg.LinAlgError
    ):  # LAPACK's divide and conquer fails on a sound matrix once in some hundred thousand
        value, vector = scipy.linalg.eigh(cov, driver="ev")
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def share_of_draws(mean: Floats, spread: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """P(best) float[arm] of a joint normal by seeded draws: what Thompson sampling serves in expectation.

    Args:
        spread: float[arm, factor], a square root of the covariance.
    """
    best = np.argmax(mean + rng.standard_normal((draws, spread.shape[1])) @ spread.T, axis=1)
    return np.bincount(best, minlength=len(mean)) / draws


def any_kwargs(given: dict[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits tuned values into those of the mind (`names`) and those of the loop."""
    mind = {k: v for k, v in given.items() if k in names}
    return mind, {k: v for k, v in given.items() if k not in names}
