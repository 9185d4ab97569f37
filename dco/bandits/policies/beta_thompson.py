"""Beta-Bernoulli Thompson sampling: each arm gets the posterior probability that its rate is the greatest."""

from __future__ import annotations

from dataclasses import dataclass

from dco.bandits.beta import BetaPolicy


@dataclass(frozen=True)
class Policy(BetaPolicy):
    """For rates of trials (clicks per impression). Without a prior every arm starts at Beta(`alpha`, `beta`).

    A batch of impressions each drawn by Thompson's rule from last night's posterior is, in expectation, split by P(best),
    which the quadrature gives without drawing (Scott 2010).
    """

    alpha: float = 1.0
    beta: float = 1.0
    level: float = 0.90
