"""What all policies share: the state (sufficient statistics and prior), the outlook, and Gamma beliefs about rates.

A state is rebuilt every night from the counts as known that night, so late and restated rows replace what was believed
before. It holds sums only: two nights told one after the other equal one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from dco.errors import BadData

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


class Prior(NamedTuple):
    """Lognormal belief about each arm's rate before its own counts: log rate ~ N(log_mean, log_sd^2).

    Floats or float[arm]; NaN where nothing is known about an arm but that it is one of its campaign's.
    """

    log_mean: ArrayLike
    log_sd: ArrayLike


class Features(NamedTuple):
    """What is known of arms besides their counts. Policies that use none keep it unread."""

    options: ArrayLike
    """float[arm, feature]: 0/1 indicators of an arm's options (see `indicators`), or any numbers near that scale."""
    segment: ArrayLike | None = None
    """int[arm], 0 <= segment < S: which segment an arm runs in; shares then sum to 1 in EACH segment. None: one segment."""
    context: ArrayLike | None = None
    """float[segment, feature] describing the segments; None: indicators of the segments themselves."""


class State(NamedTuple):
    """Arrays are float64[arm] but where said. Exposure is what a rate is per: impressions, clicks, or spend."""

    successes: Floats
    exposure: Floats
    log_mean: Floats
    log_sd: Floats
    live: Bools
    """bool[arm]; a dropped arm gets no share, and its counts go on teaching what is shared between arms."""
    options: Floats | None = None
    """float64[arm, feature], or None."""
    segment: Ints | None = None
    """intp[arm], or None for one segment."""
    context: Floats | None = None
    """float64[segment, feature], or None."""
    day: float | None = None
    """The day the counts are seen from, where a policy forgets; None before the first dated count."""


class Outlook(NamedTuple):
    """Where the campaign stands. Policies that plan ahead use it; without one they act as if nothing were to come."""

    night: int = 0
    """Nights already served."""
    tonight: float = 0.0
    """Exposure expected before the next decision, all arms together."""
    later: float = 0.0
    """Exposure expected after that, to the end of the campaign (or while creatives stay fresh)."""
    kappa: float = 0.0
    """Squared log-sd by which an arm's rate moves from day to day: it caps what one night can teach."""


def start(
    n_arms: int, prior: Prior | tuple[ArrayLike, ArrayLike] | None = None, features: Features | None = None
) -> State:
    """The state before any count."""
    if n_arms < 1:
        raise BadData(f"n_arms: expected at least one arm, got {n_arms!r}")
    log_mean, log_sd = prior if prior is not None else (np.nan, np.nan)
    try:
        mean = np.array(np.broadcast_to(np.asarray(log_mean, float), (n_arms,)))
        sd = np.array(np.broadcast_to(np.asarray(log_sd, float), (n_arms,)))
    except ValueError:
        shapes = f"{np.shape(log_mean)} and {np.shape(log_sd)}"
        raise BadData(f"prior: expected one number, or one per arm ({n_arms}), got shapes {shapes}") from None
    bad = ~np.isnan(sd) & ~((sd > 0) & np.isfinite(sd))
    if bad.any():
        k = int(np.argmax(bad))
        raise BadData(f"prior, log_sd[{k}]: expected a number above 0, got {float(sd[k])!r}")
    if np.isinf(mean).any():
        k = int(np.argmax(np.isinf(mean)))
        raise BadData(f"prior, log_mean[{k}]: expected a finite number, got {float(mean[k])!r}")
    return State(
        np.zeros(n_arms), np.zeros(n_arms), mean, sd, np.ones(n_arms, bool), *_read(features, n_arms)
    )


def add_arms(
    state: State, n_arms: int, prior: Prior | None = None, features: Features | None = None
) -> State:
    """The state with `n_arms` more arms at the end, which start from `prior`. Features are given as for the others."""
    more = start(n_arms, prior, features)
    for name in ("options", "segment", "context"):
        old, new = getattr(state, name), getattr(more, name)
        same = (old is None) == (new is None) and (old is None or old.shape[1:] == new.shape[1:])
        if not same or (name == "context" and old is not None and not np.array_equal(old, new)):
            shape, got = (None if v is None else v.shape for v in (old, new))
            raise BadData(
                f"features, {name}: expected as for the arms before (shape {shape}), got shape {got}"
            )
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(state, name), getattr(more, name)])
        for name in ("successes", "exposure", "log_mean", "log_sd", "live", "options", "segment")
        if getattr(state, name) is not None
    }
    return state._replace(**joined)


def drop_arms(state: State, which: ArrayLike) -> State:
    """The state in which the arms of these indices get no share any more. They keep their place, and may still be told
    late counts. At least one arm must stay."""
    live = state.live.copy()
    try:
        live[np.asarray(which, dtype=np.intp)] = False
    except IndexError:
        raise BadData(
            f"which: expected indices of {len(live)} arms, got {np.asarray(which).tolist()}"
        ) from None
    if not live.any():
        raise BadData(f"which: expected at least one arm to stay, got all {len(live)}")
    return state._replace(live=live)


def indicators(arms: list[dict[str, str]] | tuple[dict[str, str], ...]) -> Floats:
    """float64[arm, feature] of 0 and 1: one column per (attribute, option) met, in sorted order."""
    pairs = sorted({pair for arm in arms for pair in arm.items()})
    return np.array([[float(arm.get(a) == o) for a, o in pairs] for arm in arms]).reshape(
        len(arms), len(pairs)
    )


def shares_by_segment(state: State, rule: Callable[[State], Floats]) -> Floats:
    """float64[arm]: `rule` gives the shares of the live arms of a one-segment state; dropped arms get 0.

    With several segments the shares sum to 1 in each (0 in a segment without a live arm).
    """
    out = np.zeros(len(state.successes))
    for rows in segments(state):
        sub = one_segment(state, rows)
        if sub.live.any():
            out[rows[sub.live]] = rule(sub)
    return out


def segments(state: State) -> list[Ints]:
    """The rows of each segment that has an arm."""
    if state.segment is None:
        return [np.arange(len(state.successes))]
    return [np.flatnonzero(state.segment == g) for g in np.unique(state.segment)]


def one_segment(state: State, rows: Ints) -> State:
    """The state of some arms alone, as one segment without features."""
    return State(
        state.successes[rows],
        state.exposure[rows],
        state.log_mean[rows],
        state.log_sd[rows],
        state.live[rows],
        day=state.day,
    )


def _read(features: Features | None, n_arms: int) -> tuple[Floats | None, Ints | None, Floats | None]:
    if features is None:
        return None, None, None
    options = np.array(features.options, float)
    if options.ndim != 2 or len(options) != n_arms or not np.isfinite(options).all():
        raise BadData(
            f"features, options: expected finite numbers by arm ({n_arms}) and feature, got shape {options.shape}"
        )
    if features.segment is None:
        if features.context is not None:
            raise BadData("features, context: expected the arms' segments with it, got none")
        return options, None, None
    given = np.asarray(features.segment)
    if given.shape != (n_arms,) or not np.issubdtype(given.dtype, np.integer) or (given < 0).any():
        raise BadData(
            f"features, segment: expected one index >= 0 per arm ({n_arms}), got {given.tolist()!r}"
        )
    segment = given.astype(np.intp)
    if features.context is None:
        return options, segment, None
    context = np.array(features.context, float)
    if context.ndim != 2 or len(context) <= segment.max() or not np.isfinite(context).all():
        raise BadData(
            f"features, context: expected finite numbers for {segment.max() + 1} segments, got shape {context.shape}"
        )
    return options, segment, context


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


def beta_posterior(state: State, alpha: float, beta: float) -> tuple[Floats, Floats]:
    """(alpha, beta)[arm] of Beta posteriors: a lognormal prior becomes the Beta of equal mean and variance; arms without
    one start at Beta(`alpha`, `beta`)."""
    known = np.isfinite(state.log_mean) & np.isfinite(state.log_sd)
    variance_ratio = np.expm1(np.square(np.where(known, state.log_sd, 1.0)))
    mean = np.exp(np.where(known, state.log_mean, -1.0) + np.log1p(variance_ratio) / 2)
    mean = np.minimum(mean, 0.999)
    # Var = mean (1 - mean) / (strength + 1) = (mean cv)^2; a prior vaguer than Beta allows is held at strength 1e-2.
    strength = np.maximum((1 - mean) / (mean * variance_ratio) - 1, 1e-2)
    a = np.where(known, mean * strength, alpha)
    b = np.where(known, (1 - mean) * strength, beta)
    return a + state.successes, b + state.exposure - state.successes


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


def as_prior(mean: ArrayLike, high: ArrayLike, level: float, between: float = 0.0) -> Prior:
    """A warm start: the lognormal beliefs with these means and upper bounds (a policy's `posterior`), widened.

    `between` is the log-scale sd by which an arm's rate may differ from one campaign to the next. Exact for lognormal
    posteriors; for Gamma and Beta ones it keeps the mean and the upper bound.
    """
    # A linear model may believe in a rate of 0, of which there is no logarithm.
    m, h = np.maximum(np.asarray(mean, float), 1e-12), np.asarray(high, float)
    z = float(stats.norm.ppf((1 + level) / 2))
    # high / mean = exp(z sd - sd^2 / 2), which has no solution beyond sd = z: held there.
    ratio = np.log(np.maximum(h, m * (1 + 1e-9)) / m)
    sd = z - np.sqrt(np.maximum(z * z - 2 * ratio, 0.0))
    return Prior(np.log(m) - np.square(sd) / 2, np.hypot(np.maximum(sd, 1e-4), between))


def warm_start(
    policy: Any, state: State, n_arms: int, features: Features | None = None, between: float = 0.0
) -> Prior:
    """What `policy` believes, from `state` (another campaign's, say), of arms it never saw; `between` as in `as_prior`."""
    mean, _, high = policy.posterior(add_arms(state, n_arms, None, features))
    return as_prior(mean[-n_arms:], high[-n_arms:], policy.level, between)


def equal_shares(n_arms: int) -> Floats:
    """float64[arm], 1 / K each."""
    return np.full(n_arms, 1.0 / n_arms)
