"""What all policies share: the state (sufficient statistics and prior), the outlook, and Gamma beliefs about rates.

A state is rebuilt every night from the counts as known that night, so late and restated rows replace what was believed
before. It holds sums only: two nights told one after the other equal one batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from dco.errors import BadData

Floats = NDArray[np.float64]


class Prior(NamedTuple):
    """Lognormal belief about each arm's rate before its own counts: log rate ~ N(log_mean, log_sd^2).

    Floats or float[arm]; NaN where nothing is known about an arm but that it is one of its campaign's.
    """

    log_mean: ArrayLike
    log_sd: ArrayLike


class State(NamedTuple):
    """All arrays are float64[arm]. Exposure is what a rate is per: impressions, clicks, or spend."""

    successes: Floats
    exposure: Floats
    log_mean: Floats
    log_sd: Floats


class Outlook(NamedTuple):
    """Where the campaign stands. Policies that plan ahead use it; without one they act as if nothing were to come."""

    night: int = 0
    """Nights already served."""
    tonight: float = 0.0
    """Exposure expected before the next decision, all arms together."""
    later: float = 0.0
    """Exposure expected after that, to the end of the campaign (or while creatives stay fresh)."""


def start(n_arms: int, prior: Prior | tuple[ArrayLike, ArrayLike] | None = None) -> State:
    """The state before any count."""
    if n_arms < 1:
        raise BadData(f"n_arms: expected at least one arm, got {n_arms!r}")
    log_mean, log_sd = prior if prior is not None else (np.nan, np.nan)
    mean = np.array(np.broadcast_to(np.asarray(log_mean, float), (n_arms,)))
    sd = np.array(np.broadcast_to(np.asarray(log_sd, float), (n_arms,)))
    bad = ~np.isnan(sd) & ~((sd > 0) & np.isfinite(sd))
    if bad.any():
        k = int(np.argmax(bad))
        raise BadData(f"prior, log_sd[{k}]: expected a number above 0, got {float(sd[k])!r}")
    return State(np.zeros(n_arms), np.zeros(n_arms), mean, sd)


def add(state: State, successes: ArrayLike, exposure: ArrayLike, *, trials: bool = False) -> State:
    """The state after some more counts. With `trials`, a success is one of its exposures, so s <= n."""
    s, n = np.asarray(successes, float), np.asarray(exposure, float)
    for name, values in (("successes", s), ("exposure", n)):
        if values.shape != state.successes.shape:
            raise BadData(
                f"{name}: expected one number per arm ({len(state.successes)}), got shape {values.shape}"
            )
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            k = int(np.argmax(bad))
            raise BadData(f"{name}[{k}]: expected a number >= 0, got {float(values[k])!r}")
    if trials and (s > n).any():
        k = int(np.argmax(s > n))
        raise BadData(f"successes[{k}]: expected at most the exposure {float(n[k])!r}, got {float(s[k])!r}")
    return state._replace(successes=state.successes + s, exposure=state.exposure + n)


def gamma_prior(log_mean: Floats, log_sd: Floats) -> tuple[Floats, Floats]:
    """(shape, rate) of the Gamma with the mean and the coefficient of variation of a lognormal."""
    shape = 1 / np.expm1(np.square(log_sd))
    return shape, shape / np.exp(log_mean + np.square(log_sd) / 2)


def vague_gamma(state: State) -> tuple[Floats, Floats]:
    """Posterior (shape, rate) with the given prior, or, where there is none, one success at the arms' common rate.

    The exponential prior at the pooled rate is vague and has the scale of the data, whatever the unit of exposure.
    """
    total, exposure = state.successes.sum(), state.exposure.sum()
    pooled = (total + 0.5) / exposure if exposure > 0 else 1.0
    known = np.isfinite(state.log_mean) & np.isfinite(state.log_sd)
    shape, rate = gamma_prior(np.where(known, state.log_mean, 0.0), np.where(known, state.log_sd, 1.0))
    shape, rate = np.where(known, shape, 1.0), np.where(known, rate, 1 / pooled)
    return shape + state.successes, rate + state.exposure


def gamma_interval(shape: Floats, rate: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """(mean, low, high) of Gamma posteriors, equal-tailed at `level`."""
    tail = (1 - level) / 2
    low, high = special.gammaincinv(shape, tail), special.gammaincinv(shape, 1 - tail)
    return shape / rate, low / rate, high / rate


def beta_interval(alpha: Floats, beta: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """(mean, low, high) of Beta posteriors, equal-tailed at `level`."""
    tail = (1 - level) / 2
    bounds = np.asarray(stats.beta.ppf(np.array([[tail], [1 - tail]]), alpha, beta))
    return alpha / (alpha + beta), bounds[0], bounds[1]


def equal_shares(n_arms: int) -> Floats:
    """float64[arm], 1 / K each."""
    return np.full(n_arms, 1.0 / n_arms)
