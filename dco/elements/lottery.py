"""Draws of what genomes are worth in a segment, for searching good ones: plain option weights, or these with pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.elements.process import Process

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """Option weights float[width], pairs' effects float[width, width] (symmetric, those within an attribute without meaning), first columns int[attribute]."""

    weights: Floats
    pairs: Floats
    starts: Ints

    def worth(self, codes: Ints) -> Floats:
        """float[genome]: worth of genomes int[genome, attribute] (all options known) on the log scale, up to a constant."""
        at = codes + self.starts
        total = self.weights[at].sum(axis=1)
        for a in range(at.shape[1]):
            total += self.pairs[at[:, a, None], at[:, a + 1 :]].sum(axis=1)
        return np.asarray(total)

    def options(self, genome: Ints, attribute: int, codes: Ints) -> Floats:
        """float[code]: worth of a genome int[attribute] with each of some options of one attribute, up to a constant."""
        at, others = self.starts[attribute] + codes, np.delete(genome + self.starts, attribute)
        return np.asarray(self.weights[at] + self.pairs[at[:, None], others].sum(axis=1))


class Lottery(NamedTuple):
    """The posterior of one segment's option weights, ready for many draws. Per stage either the mean float[width] and the
    root R float[width, width] of the covariance R R, or the process with its pairs."""

    parts: tuple[Process | tuple[Floats, Floats], ...]
    segment: int
    starts: Ints

    def draw(self, temperature: float, rng: np.random.Generator) -> Floats | Draw:
        """Weights float[width] summed over stages, a `Draw` where pairs have effects; the generator moves on alike at every
        temperature."""
        total: Floats = np.zeros(1)
        pairs: Floats | None = None
        for part in self.parts:
            if isinstance(part, Process):
                own, both = part.draw(self.segment, temperature, rng)
                total, pairs = total + own, both if pairs is None else pairs + both
            else:
                mean, root = part
                total = total + (mean + temperature * (root @ rng.standard_normal(len(mean))))
        return total if pairs is None else Draw(total, pairs, self.starts)
