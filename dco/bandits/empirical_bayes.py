"""Priors learnt from many past arms: how rates vary between campaigns, and between the arms of one campaign.

Fitted by marginal likelihood (the arms' own rates integrated out), so that campaigns with few counts teach little and
noise is not mistaken for variety.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import minimize, minimize_scalar

from dco.bandits.hierarchical import Family, base_rate
from dco.errors import BadData

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class BetaPrior(NamedTuple):
    """Beta(mean * strength, (1 - mean) * strength): `strength` is worth that many impressions of past knowledge."""

    mean: float
    strength: float


def fit_beta(successes: ArrayLike, trials: ArrayLike) -> BetaPrior:
    """Beta prior of exchangeable arms by beta-binomial marginal likelihood.

    Args:
        successes, trials: float[arm], 0 <= successes <= trials; arms without trials teach nothing.

    Returns:
        Prior mean and strength; strength is at most 1e8 (no variation between arms is seen).
    """
    s, n = _counts(successes, trials)
    s, n = s[n > 0], n[n > 0]
    if len(s) < 2:
        raise BadData(f"trials: expected at least two arms with trials to learn a prior from, got {len(s)}")
    start_mean = (s.sum() + 0.5) / (n.sum() + 1)

    def loss(p: Floats) -> tuple[float, Floats]:
        mean, m = special.expit(p[0]), np.exp(p[1])
        a, b = mean * m, (1 - mean) * m
        value = special.betaln(s + a, n - s + b) - special.betaln(a, b)
        common = special.digamma(m) - special.digamma(n + m)
        da = (special.digamma(s + a) - special.digamma(a) + common).sum()
        db = (special.digamma(n - s + b) - special.digamma(b) + common).sum()
        gradient = np.array([(da - db) * m * mean * (1 - mean), da * a + db * b])
        return -float(value.sum()) / len(s), -gradient / len(s)

    found = minimize(
        loss,
        np.array([special.logit(start_mean), np.log(10 / start_mean)]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-20, 20), (np.log(0.1), np.log(1e8))],
    )
    return BetaPrior(float(special.expit(found.x[0])), float(np.exp(found.x[1])))


def fit_family(successes: ArrayLike, exposure: ArrayLike, live: ArrayLike | None = None) -> Family:
    """What past campaigns teach a new one: base rate (log mean, log sd) and the spread between arms of a campaign.

    Args:
        successes, exposure: float[campaign, arm]; rows are padded, `live` (default: exposure > 0) says which are arms.

    The spread maximises the negative-binomial likelihood with each campaign's base rate integrated out by Laplace's
    method: without that integral (a plug-in base) the spread comes out too small, as a variance divided by n does.
    """
    s, n = _counts(successes, exposure, trials=False)
    if s.ndim != 2:
        raise BadData(f"successes: expected counts by campaign and arm, got shape {s.shape}")
    alive = n > 0 if live is None else np.asarray(live, bool)
    several = alive.sum(axis=-1) >= 2
    if several.sum() < 2:
        raise BadData(f"successes: expected at least two campaigns with two arms, got {int(several.sum())}")
    s, n, alive = s[several], n[several], alive[several]

    def loss(log_spread: float) -> float:
        return -_evidence(s, n, alive, float(np.exp(log_spread)))

    found: Any = minimize_scalar(loss, bounds=(-4.6, 0.7), method="bounded")  # spreads from 0.01 to 2
    spread = float(np.exp(found.x))
    base = base_rate(s, n, alive, Family(0.0, 1e3, spread))
    weight = 1 / (base.log_sd**2 + np.var(base.log_rate))
    log_mean = float(np.average(base.log_rate, weights=weight))
    variance = float(np.var(base.log_rate) - np.mean(base.log_sd**2))
    return Family(log_mean, max(variance, 1e-4) ** 0.5, spread)


def _evidence(s: Floats, n: Floats, alive: Bools, spread: float) -> float:
    """Sum over campaigns of log int prod_k NB(s_k | m n_k, spread) dlog m, by Laplace's method with a flat base."""
    shape = 1 / np.expm1(spread**2)
    base = base_rate(s, n, alive, Family(0.0, 1e3, spread))
    expected = np.where(alive, np.exp(base.log_rate)[:, None] * n, 0.0)
    likelihood = (
        special.gammaln(shape + s)
        - special.gammaln(shape)
        + shape * np.log(shape / (shape + expected))
        + special.xlogy(s, expected / (shape + expected))
    )
    return float((np.where(alive, likelihood, 0.0)).sum() + np.log(base.log_sd).sum())


def dispersion(successes: ArrayLike, exposure: ArrayLike) -> float:
    """Overdispersion factor from float[arm, day] counts: Pearson's X^2 around each arm's own rate, over its freedom.

    Never below 1; cells with fewer than one expected success are left out (X^2 is not trustworthy there), and with
    fewer than five degrees of freedom the answer is 1.
    """
    s, n = _counts(successes, exposure, trials=False)
    rate = s.sum(axis=1, keepdims=True) / np.maximum(n.sum(axis=1, keepdims=True), 1e-300)
    expected = rate * n
    use = expected >= 1
    freedom = int(use.sum() - use.any(axis=1).sum())
    if freedom < 5:
        return 1.0
    chi2 = (np.square(s - expected)[use] / expected[use]).sum()
    return float(max(1.0, chi2 / freedom))


def _counts(successes: ArrayLike, exposure: ArrayLike, *, trials: bool = True) -> tuple[Floats, Floats]:
    s, n = np.asarray(successes, float), np.asarray(exposure, float)
    if s.shape != n.shape:
        raise BadData(f"successes, exposure: expected equal shapes, got {s.shape} and {n.shape}")
    if not (np.isfinite(s).all() and np.isfinite(n).all() and (s >= 0).all() and (n >= 0).all()):
        raise BadData("successes, exposure: expected finite numbers >= 0")
    if trials and (s > n).any():
        at = int(np.argmax((s > n).ravel()))
        raise BadData(f"successes[{at}]: expected at most {n.ravel()[at]!r} trials, got {s.ravel()[at]!r}")
    return s, n
