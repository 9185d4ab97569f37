"""How far the plan looks ahead: what is left to earn, and the shares that earn most over it.

P(best) explores on the last night as on the first. `bandits/look_ahead.py` weighs what tonight teaches against what it
earns; here the element model's posterior is put in its terms. The rule has no tuned constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco.bandits.beliefs import Outlook
from dco.bandits.look_ahead import look_ahead
from dco.elements.model import Fit
from dco.plan.reading import Known
from dco.records import PlanSettings

Floats = NDArray[np.float64]

RECENT_DAYS = 7
"""Tonight's traffic is a week's mean: shorter would take a weekday for a trend."""
SAID = 0.01
"""A change of the strongest arm's share below this is not worth a sentence."""


def outlook(model: Fit, known: Known, settings: PlanSettings, s: int) -> Outlook:
    """What segment `s` will serve tonight and after, in exposure that resolves as much as it says (0: nothing served).

    Exposure is divided by the dispersion, and by what an event is worth, so that exposure times the model's value rate is
    a number of events. The events are those of the last stage: it is the rarest, so it decides how much a night can tell
    (the clicks before it are many times as many, and their error is already in the posterior).
    """
    h = known.history
    recent = (h.segment[h.arm] == s) & (h.day > h.day.max(initial=0) - RECENT_DAYS)
    days = len(np.unique(h.day[recent]))
    daily = float(h.impressions[recent].sum()) / max(days, 1)
    tonight = daily / (model.rates[-1].dispersion * model.unit_value)
    later = tonight * nights_that_count(settings)
    return Outlook(night=days, tonight=tonight, later=later, kappa=model.rates[-1].kappa)


def nights_that_count(settings: PlanSettings) -> int:
    """Nights after tonight in which today's knowledge still earns.

    Never more than `horizon_days`, however long the flight: creatives wear, tastes move and better arms take the places
    of today's, so what is learnt about an arm tonight is not worth its rate times all the nights to come.
    """
    left = settings.horizon_days if settings.nights_left is None else settings.nights_left
    return min(left, settings.horizon_days)


def shares_ahead(p_best: Floats, mean: Floats, sd: Floats, ahead: Outlook) -> Floats:
    """Shares float[arm] that earn most tonight and after it.

    Args:
        p_best: float[arm], P(best) of the same posterior.
        mean, sd: log value rates and what each is uncertain by apart from what all arms share (`segment.contrast_sd`).

    A log rate of this sd is what a Gamma of 1 / expm1(sd^2) events leaves open; that many events stand behind each arm,
    whether they were its own or its options'.
    """
    if not ahead.tonight > 0:
        return p_best
    events = 1.0 / np.expm1(np.square(sd))
    rate = np.exp(mean + np.square(sd) / 2)
    return look_ahead(p_best, events, events / rate, ahead.tonight, ahead.later, kappa=ahead.kappa)


def sentence(shares: Floats, p_best: Floats, ahead: Outlook) -> str:
    """What looking ahead changed, in words and numbers; empty where it changed nothing worth saying."""
    top = int(np.argmax(shares))
    if abs(float(shares[top] - p_best[top])) < SAID:
        return ""
    nights = round(ahead.later / ahead.tonight)
    left = f"{nights} night{'s' * (nights > 1)} that count{'s' * (nights == 1)}" if nights else "no night"
    change, why = (
        ("sharpened", "trying the others would cost more than it could still teach")
        if shares[top] > p_best[top]
        else ("spread", "what the others may teach is still worth more than it costs")
    )
    return (
        f"shares {change} by looking ahead: with {left} after tonight, {why}; before floor, holdout and step the strongest arm is "
        f"due {shares[top]:.0%} instead of its {p_best[top]:.0%} chance of being best"
    )
