"""Shares by a named policy of `dco/bandits/policies`, where the settings ask for another than the element model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco import registry
from dco.elements.delay import completeness
from dco.plan.reading import Known

Floats = NDArray[np.float64]

ELEMENT_MODEL = "hierarchical_thompson"
"""P(best) of the element model's posterior, looking ahead (`plan/ahead.py`), decided in `segment.split`: each arm's prior
comes from its options; its own counts, placements, days and late conversions are already in the posterior."""


def policy_weights(
    policy: str, kpi: str, known: Known, completion: Floats, rows: NDArray[np.int64], rng: np.random.Generator
) -> Floats | None:
    """float[arm] of the policy for the arms of one segment; None for the element model.

    The policy sees clicks on impressions for the KPI 'ctr', else conversions on impressions, these times the completeness
    of their day.
    """
    if policy == ELEMENT_MODEL or not len(rows):
        return None
    h = known.history
    events, exposure = h.clicks, h.impressions
    if kpi != "ctr" and known.has_conversions:
        said = np.isfinite(h.conversions)
        events = np.where(said, h.conversions, 0.0)
        exposure = np.where(said, h.impressions * completeness(h.read_age, completion), 0.0)
    n_arms = len(h.segment)
    y, n = (np.bincount(h.arm, v, n_arms)[rows] for v in (events, exposure))
    made = registry.load("policies", policy, where="settings, policy")()
    state = made.update(made.init(len(rows)), np.minimum(y, n), n)
    weights: Floats = np.asarray(made.allocate(state, rng), dtype=float)
    return weights
