"""Empirical-Bayes GLM Thompson sampling on clicks, as `bayesianbandits` does it: one Poisson GLM with log link for all
segments, Laplace posterior, one prior variance for all weights learnt by evidence (MacKay 1992), forgetting optional."""

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
LEAST, MOST = 4.0, 4000.0
"""Bounds of the prior precision: weights of sd .5 to .016."""
STEPS, HALVINGS = 2, 12
"""Newton steps a night, from last night's weights."""


class EbGlm:
    """Features: options, segment, and options within the segment, all with one prior variance."""

    def __init__(self, space: Space, segments: tuple[str, ...], scale: float = 1.0) -> None:
        self.space, self.alphabet, self.scale = space, Alphabet.of(segments, space.attributes), scale
        width, n = self.alphabet.width, len(segments)
        self.w = np.zeros(width * (n + 1))
        self.n_segments, self.cov = n, np.eye(len(self.w)) / 50.0
        self.own = [self._own(s) for s in range(n)]
        self.alpha = 50.0
        self.x, self.codes = np.zeros((0, width)), np.zeros((0, 0), np.int64)

    def learn(self, segment: Ints, codes: Ints, shown: Floats, clicked: Floats) -> None:
        self.codes, self.x = codes, self.alphabet.design(codes)
        width = self.x.shape[1]
        phi = np.zeros((len(codes), len(self.w)))
        phi[:, :width] = self.x
        columns = width * (segment[:, None] + 1) + np.arange(width)
        np.put_along_axis(phi, columns, self.x, axis=1)
        base = shown * (clicked.sum() + 1.0) / (shown.sum() + 100.0)
        for _ in range(STEPS):
            mu = base * np.exp(np.clip(phi @ self.w, -5.0, 5.0))
            hessian = (phi * mu[:, None]).T @ phi
            hessian[np.diag_indices_from(hessian)] += self.alpha
            step = np.linalg.solve(hessian, phi.T @ (clicked - mu) - self.alpha * self.w)
            self.w = self._climbed(step, phi, base, clicked)
        self.cov = np.linalg.inv(hessian)
        well_known = len(self.w) - self.alpha * float(np.trace(self.cov))
        self.own = [self._own(s) for s in range(self.n_segments)]
        self.alpha = float(np.clip(well_known / max(float(self.w @ self.w), 1e-9), LEAST, MOST))

    def _climbed(self, step: Floats, phi: Floats, base: Floats, clicked: Floats) -> Floats:
        """The weights after a Newton step, halved until the posterior rises: far from the mode a whole one can overshoot."""

        def log_posterior(w: Floats) -> float:
            eta = np.clip(phi @ w, -5.0, 5.0)
            return float(clicked @ eta - base @ np.exp(eta) - self.alpha / 2 * (w @ w))

        now = log_posterior(self.w)
        for halvings in range(HALVINGS):
            found = self.w + step / 2**halvings
            if log_posterior(found) >= now:
                return found
        return self.w

    def shares(self, s: int, arms: Ints, rng: np.random.Generator) -> Floats:
        (mean, spread), x = self.own[s], self.x[arms]
        return share_of_draws(x @ mean, x @ spread, DRAWS, rng)

    def worth(self, s: int, arms: Ints) -> Floats:
        return self.x[arms] @ self.own[s][0]

    def breed(self, s: int, arms: Ints, rng: np.random.Generator) -> Genes:
        mean, spread = self.own[s]
        drawn = mean + spread @ rng.standard_normal(self.alphabet.width)
        return climb(self.space, self.alphabet, drawn, self.codes[arms[int(rng.integers(len(arms)))]])

    def _own(self, s: int) -> tuple[Floats, Floats]:
        """Mean of a segment's option weights, shared plus its own, and a square root of their covariance."""
        width = self.alphabet.width
        a, b = slice(0, width), slice(width * (s + 1), width * (s + 2))
        cov = self.cov[a, a] + self.cov[b, b] + self.cov[a, b] + self.cov[b, a]
        return self.w[a] + self.w[b], self.scale * root(cov)


def glm(space: Space, segments: tuple[str, ...], **tuned: object) -> Loop:
    mind, loop = any_kwargs(tuned, "scale")
    return Loop(space, segments, EbGlm(space, segments, **mind), **loop)
