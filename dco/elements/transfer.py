"""Learning from earlier campaigns: from their fitted models to the prior that a new campaign starts from.

Nothing is looked up: the caller names the campaigns by handing over their fits, so that what one advertiser's campaigns
taught never reaches another's by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dco.elements.model import Fit
from dco.elements.prior import Prior, StagePrior, Told
from dco.errors import BadData


def learn(earlier: Sequence[Fit | Prior], weights: Sequence[float] | None = None) -> Prior:
    """What earlier campaigns teach a new one about each stage that any of them was fitted for.

    Args:
        earlier: fitted models, or priors that others made of theirs.
        weights: what each counts for, in (0, 1]; None: fully.

    Raises:
        BadData: nothing to learn from, or a weight out of range.
    """
    given = [1.0] * len(earlier) if weights is None else list(weights)
    if not earlier or len(given) != len(earlier):
        raise BadData(
            f"transfer: expected campaigns and a weight for each, got {len(earlier)} and {len(given)}"
        )
    stages: dict[str, tuple[Told, ...]] = {}
    for one, weight in zip(earlier, given):
        if not 0 < weight <= 1:
            raise BadData(f"transfer: expected a weight above 0 and at most 1, got {weight!r}")
        for stage, told in _told(one).items():
            more = tuple(t._replace(weight=t.weight * weight) for t in told)
            stages[stage] = stages.get(stage, ()) + more
    return Prior({stage: StagePrior(told) for stage, told in stages.items() if told})


def _told(one: Fit | Prior) -> dict[str, tuple[Told, ...]]:
    if isinstance(one, Prior):
        return {stage: told.campaigns for stage, told in one.stages.items()}
    return {stage: _stage(one, k) for k, stage in enumerate(one.stages)}


def _stage(fit: Fit, k: int) -> tuple[Told, ...]:
    """One stage of a fit; nothing where the stage saw no event."""
    rates = fit.rates[k]
    events = float(rates.precision.sum() * rates.dispersion)
    if not len(rates.precision) or events < 1:
        return ()
    options: dict[str, dict[str, tuple[float, float]]] = {}
    mean, cov = rates.posterior.common, rates.posterior.common_cov
    for start, attribute, names in zip(fit.alphabet.starts, fit.alphabet.attributes, fit.alphabet.options):
        at = slice(int(start), int(start) + len(names))
        centre = np.eye(len(names)) - 1.0 / len(names)
        sd = np.sqrt(np.maximum(np.diag(centre @ cov[at, at] @ centre), 1e-12))
        options[attribute] = {
            o: (float(m), float(s)) for o, m, s in zip(names, centre @ mean[at], sd) if len(names) > 1
        }
    v = rates.variances
    return (Told(rates.level, events, rates.dispersion, v.shared, v.own, v.arm, options),)
