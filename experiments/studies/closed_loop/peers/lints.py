"""Attribute LinTS on clicks: Gaussian linear Thompson sampling on one-hot options, every segment for itself; proposals by
coordinate ascent of a draw (Agrawal & Goyal 2013; Hill et al. 2017 for the ascent)."""

from __future__ import annotations

import numpy as np

from dco.elements.alphabet import Alphabet
from dco.records import Space
from experiments.studies.closed_loop.peers.loop import (
    Floats,
    Genes,
    Ints,
    Loop,
    any_kwargs,
    climb,
    root,
    share_of_draws,
)

DRAWS = 500


class LinTS:
    """Reward is a click over the segment's rate less 1, so weights are relative effects and the noise of an impression
    has variance 1 / rate; `prior_sd` is that of one weight, `scale` multiplies the posterior's sd (LinTS' alpha)."""

    def __init__(
        self, space: Space, segments: tuple[str, ...], prior_sd: float = 0.15, scale: float = 1.0
    ) -> None:
        self.space, self.alphabet = space, Alphabet.of(segments, space.attributes)
        self.prior_sd, self.scale = prior_sd, scale
        self.mean = np.zeros((len(segments), self.alphabet.width))
        self.spread = np.zeros((len(segments), self.alphabet.width, self.alphabet.width))
        self.x, self.codes = np.zeros((0, self.alphabet.width)), np.zeros((0, 0), np.int64)

    def learn(self, segment: Ints, codes: Ints, shown: Floats, clicked: Floats) -> None:
        self.codes, self.x = codes, self.alphabet.design(codes)
        for s in range(len(self.mean)):
            here = segment == s
            n, y, x = shown[here], clicked[here], self.x[here]
            rate = (y.sum() + 1.0) / (n.sum() + 100.0)
            # precision of a relative reward: rate per impression
            a = np.eye(x.shape[1]) / self.prior_sd**2 + (x * (n * rate)[:, None]).T @ x
            cov = np.linalg.inv(a)
            self.mean[s] = cov @ (x.T @ (y - n * rate))
            self.spread[s] = self.scale * root(cov)

    def shares(self, s: int, arms: Ints, rng: np.random.Generator) -> Floats:
        x = self.x[arms]
        return share_of_draws(x @ self.mean[s], x @ self.spread[s], DRAWS, rng)

    def worth(self, s: int, arms: Ints) -> Floats:
        return self.x[arms] @ self.mean[s]

    def breed(self, s: int, arms: Ints, rng: np.random.Generator) -> Genes:
        drawn = self.mean[s] + self.spread[s] @ rng.standard_normal(self.alphabet.width)
        return climb(self.space, self.alphabet, drawn, self.codes[arms[int(rng.integers(len(arms)))]])


def lints(space: Space, segments: tuple[str, ...], **tuned: object) -> Loop:
    mind, loop = any_kwargs(tuned, "prior_sd", "scale")
    return Loop(space, segments, LinTS(space, segments, **mind), **loop)
