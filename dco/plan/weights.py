"""Shares by a named policy of `dco/bandits/policies`, where the settings ask for another than the element model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco import registry
from dco.bandits.beliefs import Features, drop_arms
from dco.bandits.rebuild import rebuild
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
    of their day; day by day, so that a policy that forgets does; of all arms that were ever served, with their options and
    segments, so that one that pools learns from those that left and from other segments.
    """
    if policy == ELEMENT_MODEL or not len(rows):
        return None
    h = known.history
    events, exposure = h.clicks, h.impressions
    if kpi != "ctr" and known.has_conversions:
        said = np.isfinite(h.conversions)
        events = np.where(said, h.conversions, 0.0)
        exposure = np.where(said, h.impressions * completeness(h.read_age, completion), 0.0)
    made = registry.load("policies", policy, where="settings, policy")()
    features = Features(known.alphabet.design(h.codes)[:, 1:], h.segment)
    state = rebuild(
        made, len(h.segment), h.arm, h.day, np.minimum(events, exposure), exposure, features=features,
        today=float(h.day.max(initial=0)),
    )  # fmt: skip
    others = np.setdiff1d(np.arange(len(h.segment)), rows)
    weights: Floats = np.asarray(made.allocate(drop_arms(state, others), rng), dtype=float)[rows]
    return weights
