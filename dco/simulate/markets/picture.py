"""The picture decides, not its tags: a small random neural network over hidden picture features, and tags that err."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dco.records import Space
from dco.simulate.market import CLICK, WIDE_SPACE, BaseMarket
from dco.simulate.stage import Floats, Ints

WORDS = ("headline", "subhead", "cta")
"""Attributes that are text: they are what they say, and their effects add up."""


class Network(NamedTuple):
    """float[option column, feature], weights of two layers of units, float[segment, unit], and each segment's mean, sd."""

    features: Floats
    first: Floats  # [feature, unit]
    second: Floats  # [unit, unit]
    bias: Floats  # [layer, unit]
    out: Floats
    mean: Floats
    sd: Floats


@dataclass(frozen=True)
class Market(BaseMarket):
    """creative_sd .25, attribute_share .5 (of the true picture; its tags explain less); judged by clicks; 51,840 ideas.

    Every option of a picture attribute stands for a hidden vector of `n_features` picture features; a picture's features
    are their sum, and its log CTR is a network of two layers of `n_units` tanh units, output weights shared by segments
    but for `own_share`; a sum over options explains about two thirds of it. It carries `picture_share` of what ideas have in common, the words add the rest. Each tag of each
    creative is wrong with probability `mislabel`: then the picture shows another option than its tag says.
    """

    space: Space = WIDE_SPACE
    creative_sd: float = 0.25
    attribute_share: float = 0.5
    mislabel: float = 0.10
    picture_share: float = 0.8
    n_features: int = 6
    n_units: int = 16
    gain: float = 3.0

    @cached_property
    def seen(self) -> list[int]:
        """Positions of the picture attributes; all of them where none is text."""
        names = self.alphabet.attributes
        return [a for a, name in enumerate(names) if name not in WORDS] or list(range(len(names)))

    @cached_property
    def network(self) -> Network:
        rng = np.random.default_rng([self.seed, 5])
        features = rng.standard_normal((self.alphabet.width, self.n_features))
        first = rng.standard_normal((self.n_features, self.n_units)) * self.gain / np.sqrt(self.n_features)
        second = rng.standard_normal((self.n_units, self.n_units)) * self.gain / np.sqrt(self.n_units)
        bias = rng.standard_normal((2, self.n_units))
        shared, own = (rng.standard_normal((n, self.n_units)) for n in (1, len(self.segments)))
        out = np.sqrt(1 - self.own_share) * shared + np.sqrt(self.own_share) * own
        sample = self.ideas[rng.integers(len(self.ideas), size=4000)]
        net = Network(features, first, second, bias, out, np.zeros(len(out)), np.ones(len(out)))
        raw = self._units(net, sample) @ out.T
        return net._replace(mean=raw.mean(axis=0), sd=raw.std(axis=0) + 1e-12)

    def _units(self, net: Network, codes: Ints) -> Floats:
        columns = (codes + self.alphabet.starts)[:, self.seen]
        picture = net.features[columns].sum(axis=1) / np.sqrt(len(self.seen))
        return np.asarray(np.tanh(np.tanh(picture @ net.first + net.bias[0]) @ net.second + net.bias[1]))

    def idea_parts(self, segment: Ints, codes: Ints) -> Floats:
        """Of pictures that show what `codes` say."""
        parts = super().idea_parts(segment, codes)
        net = self.network
        raw = (self._units(net, codes) * net.out[segment]).sum(axis=1)
        scale = self.creative_sd * np.sqrt(self.attribute_share)
        words = self.summed(self._word_weights, segment, codes)
        network = (raw - net.mean[segment]) / net.sd[segment] * np.sqrt(self.picture_share)
        parts[:, CLICK] = scale * (network + np.sqrt(1 - self.picture_share) * words)
        return parts

    @cached_property
    def _word_weights(self) -> Floats:
        """float[segment, width]: the words' effects with variance 1 together; 0 in columns of the picture."""
        weights = self.tastes.click.copy()
        variance = np.zeros(len(self.segments))
        for a, options in enumerate(self.alphabet.options):
            at = slice(int(self.alphabet.starts[a]), int(self.alphabet.starts[a]) + len(options))
            if a in self.seen:
                weights[:, at] = 0.0
            variance += weights[:, at].var(axis=1)
        return np.asarray(weights / np.sqrt(np.maximum(variance, 1e-12))[:, None])

    def shown(self, segment: Ints, codes: Ints, take: Ints) -> Ints:
        """int[creative, attribute]: what the pictures of creatives really show, whose tags are `codes`."""
        found = codes.copy()
        for a in self.seen:
            n = len(self.alphabet.options[a])
            u = self.uniform(20 + a, segment, codes, take)
            if n > 1:
                # Given a mistake, u / mislabel is uniform again: it chooses among the other options.
                step = 1 + (u / self.mislabel * (n - 1)).astype(np.int64)
                found[:, a] = np.where(u < self.mislabel, (codes[:, a] + step) % n, codes[:, a])
        return found

    def parts(self, segment: Ints, codes: Ints, take: Ints) -> Floats:
        parts = super().parts(segment, codes, take)
        parts[:, CLICK] = self.idea_parts(segment, self.shown(segment, codes, take))[:, CLICK]
        return parts
