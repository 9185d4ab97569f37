"""What the engine is compared with, on the same pools and seeds: equal split, A/B then commit, Thompson on a fixed pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc

from dco.simulate.loop import Choice, Night, equal_shares
from dco.stats.best import p_best_beta


def equal(night: Night) -> Choice:
    """The starting pool, split equally, for ever."""
    return _choice(equal_shares(night.live))


def ab_then_commit(test_days: int = 7) -> Any:
    """An equal split for `test_days`, then everything to the arm of each segment with the greatest click rate so far."""

    def decide(night: Night) -> Choice:
        if night.index + 1 < test_days:
            return equal(night)
        counts = newest_counts(night)
        shares: dict[tuple[str, str], float] = {}
        for segment, arms in _by_segment(night).items():
            rate = [counts[a][1] / max(counts[a][0], 1.0) for a in arms]
            winner = int(np.argmax(rate))
            shares |= {(segment, a): float(i == winner) for i, a in enumerate(arms)}
        # Committed: what came after the test cannot change the choice, because only one arm still earns counts.
        return _choice(shares)

    return decide


def thompson_beta(night: Night) -> Choice:
    """Beta-Bernoulli Thompson sampling on the starting pool: share = P(best), clicks only, every segment for itself."""
    counts = newest_counts(night)
    shares: dict[tuple[str, str], float] = {}
    for segment, arms in _by_segment(night).items():
        n, y = np.array([counts[a] for a in arms]).T
        p = p_best_beta(1.0 + y, 1.0 + np.maximum(n - y, 0.0))
        shares |= {(segment, a): float(s) for a, s in zip(arms, p / p.sum())}
    return _choice(shares)


def newest_counts(night: Night) -> dict[str, tuple[float, float]]:
    """arm -> (impressions, clicks) of the newest version of every day; every live arm is there."""
    table = night.history
    newest = table.filter(pc.equal(pc.field("day"), pc.field("as_of")))  # clicks are never restated here
    total: dict[str, tuple[float, float]] = {str(a["arm_id"]): (0.0, 0.0) for a in night.live}
    sums = newest.group_by("arm_id").aggregate([("impressions", "sum"), ("clicks", "sum")])
    for row in sums.to_pylist():
        total[row["arm_id"]] = (float(row["impressions_sum"]), float(row["clicks_sum"]))
    return total


def _by_segment(night: Night) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arm in night.live:
        found.setdefault(str(arm["segment"]), []).append(str(arm["arm_id"]))
    return found


def _choice(shares: Mapping[tuple[str, str], float]) -> Choice:
    return Choice([{"segment": s, "arm_id": a, "share": v} for (s, a), v in shares.items()])
