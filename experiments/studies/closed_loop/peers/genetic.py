"""Beta-Thompson on clicks + genetic re-generation (`ts-ga-click`): tournaments on the posterior mean CTR, uniform crossover,
mutation. The loop that dynamic-creative tools describe, and the strongest known one on interacting and drifting markets."""

from __future__ import annotations

import numpy as np

from dco.elements.alphabet import Alphabet
from dco.records import Space
from dco.stats.best import p_best_beta
from experiments.studies.closed_loop.peers.loop import Floats, Genes, Ints, Loop, any_kwargs


class Beta:
    """Independent Beta posteriors; every arm's prior is worth `prior_clicks` clicks at its segment's pooled rate.

    (Beta(1, 1) gives a new creative a prior mean of one half, and with it nearly all traffic of its first day.)
    """

    def __init__(self, prior_clicks: float = 4.0) -> None:
        self.prior_clicks = prior_clicks
        self.a = self.b = np.zeros(0)
        self.codes = np.zeros((0, 0), np.int64)

    def learn(self, segment: Ints, codes: Ints, shown: Floats, clicked: Floats) -> None:
        n_segments = int(segment.max(initial=0)) + 1
        n, y = (np.bincount(segment, v, n_segments) for v in (shown, clicked))
        rate = np.clip((y + 1.0) / (n + 100.0), 1e-5, 0.5)[segment]
        self.codes = codes
        self.a = clicked + self.prior_clicks
        self.b = np.maximum(shown - clicked, 0.0) + self.prior_clicks * (1.0 / rate - 1.0)

    def shares(self, s: int, arms: Ints, rng: np.random.Generator) -> Floats:
        return p_best_beta(self.a[arms], self.b[arms])

    def worth(self, s: int, arms: Ints) -> Floats:
        return self.a[arms] / (self.a[arms] + self.b[arms])


class Genetic(Beta):
    """Parents by tournament among what is live; each gene of either parent; each gene mutates with a small chance."""

    def __init__(
        self, alphabet: Alphabet, prior_clicks: float = 4.0, tournament: int = 3, mutation: float = 0.15
    ) -> None:
        super().__init__(prior_clicks)
        self.sizes = [len(o) for o in alphabet.options]
        self.tournament, self.mutation = tournament, mutation

    def breed(self, s: int, arms: Ints, rng: np.random.Generator) -> Genes:
        fitness = self.worth(s, arms)
        mother, father = (self._parent(fitness, rng) for _ in range(2))
        genes = np.where(
            rng.random(len(self.sizes)) < 0.5, self.codes[arms[mother]], self.codes[arms[father]]
        )
        mutates = rng.random(len(self.sizes)) < self.mutation
        other = np.array([int(rng.integers(k)) for k in self.sizes])
        return tuple(int(g) for g in np.where(mutates, other, genes))

    def _parent(self, fitness: Floats, rng: np.random.Generator) -> int:
        entered = rng.integers(len(fitness), size=self.tournament)
        return int(entered[np.argmax(fitness[entered])])


class Blind(Beta):
    """Random refresh: new ideas uniform over the space. Freshness without learning what to make."""

    def __init__(self, alphabet: Alphabet, prior_clicks: float = 4.0) -> None:
        super().__init__(prior_clicks)
        self.sizes = [len(o) for o in alphabet.options]

    def breed(self, s: int, arms: Ints, rng: np.random.Generator) -> Genes:
        return tuple(int(rng.integers(k)) for k in self.sizes)


def genetic(space: Space, segments: tuple[str, ...], **tuned: object) -> Loop:
    mind, loop = any_kwargs(tuned, "prior_clicks", "tournament", "mutation")
    return Loop(space, segments, Genetic(Alphabet.of(segments, space.attributes), **mind), **loop)


def random_refresh(space: Space, segments: tuple[str, ...], **tuned: object) -> Loop:
    mind, loop = any_kwargs(tuned, "prior_clicks")
    return Loop(space, segments, Blind(Alphabet.of(segments, space.attributes), **mind), **loop)
