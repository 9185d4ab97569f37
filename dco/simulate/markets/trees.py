"""Sharp conjunctions: the truth is a random forest over options, where an idea is worth what the regions say it is in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.records import Space
from dco.simulate.market import CLICK, WIDE_SPACE, BaseMarket
from dco.simulate.stage import Floats, Ints


class Tree(NamedTuple):
    """`inside[k]` bool[option] says which options of attribute `attributes[k]` pass the k-th test; leaf[segment, 2^depth]."""

    attributes: Ints
    inside: tuple[NDArray[np.bool_], ...]
    leaf: Floats


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25, attribute_share .7; judged by clicks; 51,840 ideas.

    `n_trees` trees, each of `depth` tests 'is this attribute one of these options?' on different attributes; leaf values
    are Laplace, so that a few regions matter much; `own_share` of the trees have other leaves in every segment.
    """

    space: Space = WIDE_SPACE
    creative_sd: float = 0.25
    attribute_share: float = 0.7
    n_trees: int = 20
    depth: int = 3

    @cached_property
    def forest(self) -> list[Tree]:
        rng = np.random.default_rng([self.seed, 5])
        sizes = [len(o) for o in self.alphabet.options]
        depth = min(self.depth, len(sizes))
        trees = []
        for _ in range(self.n_trees):
            at = rng.permutation(len(sizes))[:depth].astype(np.int64)
            inside = tuple(rng.permutation(sizes[a]) < max(sizes[a] // 2, 1) for a in at)
            leaf = rng.laplace(size=(1, 2**depth)).repeat(len(self.segments), axis=0)
            own = rng.laplace(size=leaf.shape)
            trees.append(Tree(at, inside, own if rng.random() < self.own_share else leaf))
        return trees

    @cached_property
    def _spread(self) -> tuple[Floats, Floats]:
        """Mean and sd of the raw forest over ideas, float[segment] each."""
        rng = np.random.default_rng([self.seed, 6])
        sample = self.ideas[rng.integers(len(self.ideas), size=4000)]
        raw = [self._raw(np.full(len(sample), s), sample) for s in range(len(self.segments))]
        return np.mean(raw, axis=1), np.std(raw, axis=1) + 1e-12

    def _raw(self, segment: Ints, codes: Ints) -> Floats:
        total = np.zeros(len(codes))
        for tree in self.forest:
            leaf = np.zeros(len(codes), np.int64)
            for a, inside in zip(tree.attributes, tree.inside):
                leaf = 2 * leaf + inside[codes[:, a]]
            total += tree.leaf[segment, leaf]
        return total

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        parts = super().idea_parts(segment, codes)
        mean, sd = self._spread
        scale = self.creative_sd * np.sqrt(self.attribute_share)
        parts[:, CLICK] = (self._raw(segment, codes) - mean[segment]) / sd[segment] * scale
        return parts
