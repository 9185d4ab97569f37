"""The same tests decided by the product's nightly plan: `Optimizer.plan`, one campaign of one segment per test.

The space has one attribute, the headline, whose options are the test's packages. Nothing is made (`max_new` 0), all arms
are starting arms, and the prior is the product's own, not one learnt from other tests.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from dco.plan.optimizer import Optimizer
from experiments.studies.headlines.data import Archive

FIRST_DAY = date(2014, 1, 1)
FREE = {"floor": 0.0, "holdout": 0.0, "step": 1.0}
PLANS: dict[str, dict[str, Any]] = {
    "plan": {},
    "plan, shares of plain Thompson": {"policy": "beta_thompson"},
    "plan without guardrails": FREE,
    "plan without guardrails, shares of plain Thompson": FREE | {"policy": "beta_thompson"},
}
"""Name -> plan settings. The guardrails are the default floor, holdout and step."""


def play(
    settings: dict[str, Any], rates: np.ndarray, traffic: float, nights: int, rng: np.random.Generator
) -> float:
    """Expected clicks earned by one test's campaign: the first night is shared equally, then every night is planned.

    Args:
        rates: float[arm], true click rates; traffic: impressions a night.
    """
    names = [f"package {k + 1}" for k in range(len(rates))]
    live = [{"arm_id": n, "segment": "all", "attributes": {"headline": n}, "control": True} for n in names]
    share, earned, rows = np.full(len(names), 1 / len(names)), 0.0, []
    for night in range(nights):
        day = FIRST_DAY + timedelta(days=night)
        shown = np.round(share * traffic)
        clicks = rng.binomial(shown.astype(np.int64), rates)
        earned += float((shown * rates).sum())
        if night == nights - 1:
            break
        rows += [
            {"arm_id": n, "segment": "all", "day": day, "as_of": day, "impressions": int(shown[k]),
             "clicks": int(clicks[k]), "intended_share": float(share[k]), "attributes": {"headline": n}}
            for k, n in enumerate(names) if shown[k] > 0
        ]  # fmt: skip
        left = nights - 2 - night  # after the night that is planned
        optimizer = Optimizer({"headline": names}, {"max_new": 0, "nights_left": left, **settings})
        planned = optimizer.plan(pa.Table.from_pylist(rows), live, None, None, day, rng).shares.to_pylist()
        found = {r["arm_id"]: r["share"] for r in planned}
        share = np.array([found.get(n, 0.0) for n in names])
        live = [arm for arm in live if arm["arm_id"] in found]
    return earned


def earnings(tests: Archive, rates: np.ndarray, nights: int) -> dict[str, np.ndarray]:
    """Plan -> expected clicks float[1, test]; one replay of each test, the same seed for every plan."""
    earned = {name: np.zeros((1, len(rates))) for name in PLANS}
    for k, live in enumerate(tests.live):
        traffic = float(tests.impressions[k].sum() / nights)
        for name, settings in PLANS.items():
            rng = np.random.default_rng((2014, k))
            earned[name][0, k] = play(settings, rates[k, live], traffic, nights, rng)
    return earned
