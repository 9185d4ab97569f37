"""How much each creative has lost to wear, how sure that is, and when it will have lost too much.

The fit holds one wear for all creatives, its posterior mode. Here every creative has a wear of its own around it:
    log rate_i(t) = own level + day(t) - w_i g(age),   g(age) = log1p(age / 7),   w_i ~ Gamma(k, mean m),
with m under a half-Cauchy prior and k (how alike creatives are) in `ALIKE`; m, k and w_i are summed over on grids.
The level is integrated out under what the fit believes of arms, for the reason given in `wear` (Poisson and Gamma, tempered
by the dispersion). The day effects are estimated anew for every m, as if all wore alike: what all creatives lose together
is the season's, and only creatives that started on different days can tell wear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, logsumexp, ndtr, ndtri

from dco.elements.model import Fit
from dco.elements.numbering import dense
from dco.elements.wear import LEVEL_VARIANCE, WEAR_DAYS, levels_apart_from_days

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 0.02
MEANS = np.arange(0.0, 0.6 + STEP / 2, STEP)
"""Mean wear of all creatives; a half-Cauchy of scale `USUAL` beforehand."""
USUAL = 0.10
"""As likely more than less, and the tail is heavy: wear is weakly told (sd .07 from a month of 42 creatives), and a prior
that knows better than 'about 10 % after ten days' would decide instead of the data."""
OWN = np.arange(0.0, 1.0 + STEP / 2, STEP)
"""Wear of one creative."""
ALIKE = (3.0, 12.0, np.inf)
"""Shapes k of the Gamma of wears about their mean, equally likely: sd of 58 %, 29 % and 0 % of it."""
TOO_MUCH = 0.20
"""Loss that a creative's fatigue date is about."""
A_LOSS = 0.05
"""Loss below which nobody would call a creative tired."""
SURE = 0.95
YOUNG_DAYS = 7
"""Younger creatives are not said to hold: there was no time to lose anything."""
FAR_DAYS = 120
"""Forecasts beyond this are 'not within sight'."""
CHANCES = (0.1, 0.5, 0.9)
TURNS = 20
"""Alternations between days and levels; each mean starts from the last one's days."""
_NORMAL = ndtri((np.arange(21) + 0.5) / 21)
"""A standard normal as 21 equally likely values."""


@dataclass(frozen=True)
class Wear:
    """Posterior of every arm's wear: `weight` float[arm, len(OWN)] sums to 1 per arm; `mean` float[len(MEANS)] is that of m."""

    weight: Floats
    mean: Floats

    def quantile(self, arm: int, p: float) -> float:
        """The wear below which an arm's lies with probability `p`; the grid's mass is spread over its cells."""
        return _quantile(self.weight[arm], p)

    def loss(self, arm: int, age: float, p: float) -> float:
        """Quantile of the fraction of its rate that an arm has lost at an age in days."""
        return float(-np.expm1(-self.quantile(arm, p) * np.log1p(age / WEAR_DAYS)))

    def lost_more(self, arm: int, age: float, than: float) -> float:
        """P(an arm has lost more than that fraction at an age)."""
        g = np.log1p(age / WEAR_DAYS)
        if g <= 0:
            return 0.0
        return 1.0 - _below(self.weight[arm], -np.log1p(-than) / g)


class Fatigue(NamedTuple):
    """One creative's past and future wear. Losses are fractions of its fresh rate; `*_low` and `*_high` span 80 %."""

    arm: int  # row of the fit
    age: float  # days since first served
    loss: float  # median
    loss_low: float
    loss_high: float
    tired: float  # P(it has lost more than `A_LOSS`)
    days_low: float  # days from today until it has lost `TOO_MUCH`; inf: not within `FAR_DAYS`
    days: float
    days_high: float
    falls: float  # P(it is below the alternative within `FAR_DAYS`)
    falls_low: float  # days from today until it is, 80 % interval and median; inf: not within sight
    falls_days: float
    falls_high: float
    fresh: float  # log of its fresh rate over the segment's average fresh creative
    bad: float  # P(it was below that average when fresh)

    @property
    def verdict(self) -> str:
        """tired | tired and never good | never good | holds | cannot be told yet."""
        if self.tired >= SURE:
            return "tired and never good" if self.bad >= SURE else "tired"
        if self.bad >= SURE:
            return "never good"
        if self.age >= YOUNG_DAYS and self.tired <= 1 - SURE:
            return "holds"
        return "cannot be told yet"


def wear_posterior(fit: Fit) -> Wear:
    """Posterior of each arm's wear, from the fit's first stage (clicks). Without evidence it is the prior."""
    n_arms = len(fit.history.segment)
    prior_mean = 1.0 / (1.0 + (MEANS / USUAL) ** 2)
    log_prior = np.log(prior_mean / prior_mean.sum() / len(ALIKE))
    likelihood = _likelihood(fit)
    logs = np.empty((len(ALIKE), len(MEANS)))
    parts = np.empty((len(ALIKE), len(MEANS), n_arms, len(OWN)))
    for k, shape in enumerate(ALIKE):
        for m, mean in enumerate(MEANS):
            with np.errstate(divide="ignore"):
                joint = likelihood[m] + np.log(_own_prior(mean, shape))
            evidence = logsumexp(joint, axis=1)
            logs[k, m] = log_prior[m] + evidence.sum()
            parts[k, m] = np.exp(joint - evidence[:, None])
    weight = np.exp(logs - logsumexp(logs))
    return Wear(np.einsum("km,kmaw->aw", weight, parts), weight.sum(axis=0))


def fatigue(
    fit: Fit, wear: Wear, arms: Ints, over: Floats, over_sd: Floats, fresh: Floats, fresh_sd: Floats
) -> list[Fatigue]:
    """What wear has done and will do to fitted rows `arms`.

    Args:
        over, over_sd: float[arm], log of today's rate over the alternative that would take its place, and its sd.
        fresh, fresh_sd: float[arm], log of the fresh rate over the average fresh creative, and its sd.
    """
    found = []
    for i, arm in enumerate(arms.tolist()):
        age = float(fit.age_today[arm])
        low, mid, high = (wear.loss(arm, age, p) for p in CHANCES)
        until = [_days_until(wear.quantile(arm, 1 - p), age, -np.log1p(-TOO_MUCH)) for p in CHANCES]
        crossing, weight = _crossing(wear.weight[arm], age, float(over[i]), float(over_sd[i]))
        falls = [_weighted(crossing, weight, p) for p in CHANCES]
        found.append(
            Fatigue(
                arm, age, mid, low, high, wear.lost_more(arm, age, A_LOSS), until[0], until[1], until[2],
                min(float(weight[np.isfinite(crossing)].sum()), 1.0), falls[0], falls[1], falls[2], float(fresh[i]),
                float(ndtr(-fresh[i] / max(float(fresh_sd[i]), 1e-9))),
            )
        )  # fmt: skip
    return found


def _likelihood(fit: Fit) -> Floats:
    """float[mean, arm, own]: log likelihood of each arm's spread over days, for its wear and the mean of all."""
    h, rate = fit.history, fit.rates[0]
    n_arms = len(h.segment)
    out = np.zeros((len(MEANS), n_arms, len(OWN)))
    if not len(h.arm) or fit.stages[0] != "clicks":
        return out
    n_days = int(h.day.max()) + 1
    group = dense(h.segment[h.arm] * n_days + h.day)
    promised, variance = rate.promised(h.segment, h.codes)
    weight = rate.heard / rate.dispersion
    exposure = h.impressions * _places(fit) * weight * np.exp(rate.level + promised[h.arm])
    clicks = h.clicks * weight
    first = np.full(n_arms, n_days)
    np.minimum.at(first, h.arm, h.day)
    g = np.log1p((h.day - first[h.arm]) / WEAR_DAYS)
    known = 1.0 / (LEVEL_VARIANCE * variance)
    count, spent = known + np.bincount(h.arm, clicks, n_arms), np.bincount(h.arm, clicks * g, n_arms)
    per_day = np.bincount(group, clicks).astype(float)
    worn = np.exp(-np.outer(OWN, g))
    days = np.zeros(int(group.max()) + 1)
    for m, mean in enumerate(MEANS):
        shown = exposure * np.exp(-mean * g)
        # Not the fit's day effects: those are shrunk, and what they leave of a season would pass for wear.
        days = levels_apart_from_days(h.arm, group, h.segment, shown, known, count, per_day, days, TURNS)
        base = exposure * np.exp(days[group])
        totals = np.stack([np.bincount(h.arm, base * w, n_arms) for w in worn], axis=1)
        moved = np.bincount(h.arm, clicks * days[group], n_arms)
        out[m] = moved[:, None] - np.outer(spent, OWN) - count[:, None] * np.log(known[:, None] + totals)
    return out


def _places(fit: Fit) -> Floats:
    """float[cell]: base rate of the cell's placement and size against its segment's; 1 where there is only one."""
    h = fit.history
    segment = h.segment[h.arm]
    place = dense(segment * (int(h.context.max(initial=0)) + 1) + h.context)
    if int(place.max(initial=0)) < len(np.unique(segment)):
        return np.ones(len(h.arm))
    shown, clicked = np.bincount(segment, h.impressions), np.bincount(segment, h.clicks)
    base = ((clicked + 0.5) / np.maximum(shown, 1.0))[segment]
    here, events = np.bincount(place, h.impressions * base), np.bincount(place, h.clicks)
    return np.asarray(((events + 5.0) / (here + 5.0))[place])


def _own_prior(mean: float, shape: float) -> Floats:
    """float[own]: probability of each wear given the mean of all; on the grid's cells."""
    if mean <= 0 or not np.isfinite(shape):
        out = np.zeros(len(OWN))
        out[round(mean / STEP)] = 1.0
        return out
    edges = np.concatenate([[0.0], OWN[:-1] + STEP / 2, [np.inf]])
    mass = np.diff(gammainc(shape, np.minimum(shape * edges / mean, 1e300)))
    return mass / mass.sum()


def _edges() -> Floats:
    return np.concatenate([[0.0], OWN + STEP / 2])


def _quantile(weight: Floats, p: float) -> float:
    """By the distribution function, linear within cells; the cell of 0 is a point at 0."""
    if p <= weight[0]:
        return 0.0
    return float(np.interp(p, np.cumsum(weight), _edges()[1:]))


def _below(weight: Floats, value: float) -> float:
    return float(np.interp(value, _edges()[1:], np.cumsum(weight)))


def _days_until(wear: float, age: float, log_loss: float) -> float:
    """Days from today until an arm of that wear has lost so much; 0 when it has, inf beyond `FAR_DAYS`."""
    days = WEAR_DAYS * np.expm1(min(log_loss / max(wear, 1e-9), 50.0)) - age
    return float(max(days, 0.0)) if days <= FAR_DAYS else float("inf")


def _crossing(weight: Floats, age: float, over: float, sd: float) -> tuple[Floats, Floats]:
    """Days until the rate is below the alternative's, over equally likely leads and the grid of wears, and their weights."""
    lead = np.maximum(over + sd * _NORMAL, 0.0)
    g = np.log1p(age / WEAR_DAYS) + lead[:, None] / np.maximum(OWN, 1e-9)
    days = np.where(lead[:, None] > 0, WEAR_DAYS * np.expm1(np.minimum(g, 50.0)) - age, 0.0)
    days = np.where(days <= FAR_DAYS, np.maximum(days, 0.0), np.inf)
    return days.ravel(), np.broadcast_to(weight / len(lead), days.shape).ravel()


def _weighted(value: Floats, weight: Floats, p: float) -> float:
    order = np.argsort(value, kind="stable")
    at = int(np.searchsorted(np.cumsum(weight[order]), p * weight.sum()))
    return float(value[order[min(at, len(order) - 1)]])
