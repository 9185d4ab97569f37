"""Logistic Thompson sampling: Laplace regression of clicks on option indicators, from sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dco.bandits.linear import LogLinear
from dco.bandits.regression import Spread


@dataclass(frozen=True)
class Policy(LogLinear):
    """Bayesian logistic regression by Laplace's method (Chapelle & Li 2011, alg. 3, with the full covariance): logit of
    an arm's rate = base + x_k' w + a_k, w ~ N(0, option_sd^2), a_k ~ N(0, arm_sd^2).

    Draws have the posterior's covariance, the inverse of the whole Hessian: a weight of prior sd 0.1 that was never served
    has sd 0.1, neither its square nor its root. The prior is proper, so one-class data (no click yet, or nothing but clicks)
    have a finite mode. With `trials` False the link is the logarithm and the likelihood Poisson.
    """

    option_sd: float = 0.15
    """Prior sd of one option's effect on the log scale."""
    arm_sd: float = 0.10
    """Prior sd of an arm's own; with `option_sd` the 0.18 found between creatives of real tests."""
    base_log_mean: float = math.log(0.01)
    base_log_sd: float = 2.0
    segment_sd: float = 0.5
    dispersion: float = 1.0
    """Variance of a count over its mean; counts and exposure are divided by it."""
    trials: bool = True
    """A success is one of its exposures; False for rates per money or of money (log link)."""
    draws: int = 256
    level: float = 0.90

    @property
    def spread(self) -> Spread:
        return Spread(self.base_log_sd, self.segment_sd, self.option_sd, 0.0, self.arm_sd)
