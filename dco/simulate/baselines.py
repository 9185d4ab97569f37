"""What the engine is compared with, on the same pools and seeds: equal split, A/B then commit, Thompson, random refresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dco.errors import BadData
from dco.records import Space
from dco.simulate.loop import Choice, Night, equal_shares
from dco.stats.best import p_best_beta

PRIOR_CLICKS = 10.0


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
    """Beta-Bernoulli Thompson sampling on what is live: share = P(best), clicks only, every segment for itself."""
    return _choice(_thompson(night))


def random_refresh(space: Space, rate: float, *, max_live: int = 12) -> Any:
    """Thompson on clicks, and `rate` random new ideas per segment and night: freshness without learning what to make.

    Its prior is the segment's click rate so far, worth `PRIOR_CLICKS` (ads that differ by a third): with a flat one every
    newcomer takes most of the traffic on trial. Where a segment is full, the served arm with the smallest P(best) goes.

    Args:
        rate: may be a fraction; 0.25 is one idea in four nights. Takes as many as `dco.simulate.loop.MAX_NEW`.
    """
    if not 0 <= rate < float("inf"):
        raise BadData(f"random refresh: expected a rate of at least 0 per segment and night, got {rate!r}")

    def decide(night: Night) -> Choice:
        due = int(np.floor((night.index + 1) * rate + 1e-9) - np.floor(night.index * rate + 1e-9))
        shares = _thompson(night, PRIOR_CLICKS)
        made: list[dict[str, object]] = []
        retire: list[dict[str, object]] = []
        for segment, arms in _by_segment(night).items():
            made += [{"segment": segment, "attributes": _random_idea(space, night.rng)} for _ in range(due)]
            waiting = sum(a["segment"] == segment for a in night.pending)
            over = len(arms) + waiting + due - max_live
            if due and over > 0:
                served = [a for a in arms if night.counts.first_day[night.counts.row[segment, a]] >= 0]
                last = sorted(served, key=lambda a: shares[segment, a])[: min(over, len(served) - 1)]
                retire += [{"segment": segment, "arm_id": a} for a in last]
        gone = {(str(r["segment"]), str(r["arm_id"])) for r in retire}
        return Choice(_choice(_without(shares, gone)).shares, made, retire)

    return decide


def newest_counts(night: Night) -> dict[str, tuple[float, float]]:
    """arm -> (impressions, clicks) of every live arm, summed over all days."""
    counts = night.counts
    places = [(str(a["arm_id"]), counts.row[str(a["segment"]), str(a["arm_id"])]) for a in night.live]
    return {name: (float(counts.impressions[i]), float(counts.clicks[i])) for name, i in places}


def _thompson(night: Night, prior_clicks: float = 0.0) -> dict[tuple[str, str], float]:
    """P(best) per live arm; the prior is Beta(1, 1), and `prior_clicks` more at the click rate of the live arms."""
    shares: dict[tuple[str, str], float] = {}
    for segment, arms in _by_segment(night).items():
        at = np.array([night.counts.row[segment, a] for a in arms])
        n, y = night.counts.impressions[at], night.counts.clicks[at]
        more = prior_clicks * (n.sum() + 1) / (y.sum() + 1)
        p = p_best_beta(1.0 + prior_clicks + y, 1.0 + max(more - prior_clicks, 0.0) + np.maximum(n - y, 0.0))
        shares |= {(segment, a): float(s) for a, s in zip(arms, p / p.sum())}
    return shares


def _without(
    shares: Mapping[tuple[str, str], float], gone: set[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """What is left, scaled back to 1 per segment; equal where nothing had a share."""
    kept = {key: share for key, share in shares.items() if key not in gone}
    total: dict[str, float] = {}
    for (segment, _), share in kept.items():
        total[segment] = total.get(segment, 0.0) + share
    count = {s: sum(key[0] == s for key in kept) for s in total}
    return {k: v / total[k[0]] if total[k[0]] > 0 else 1.0 / count[k[0]] for k, v in kept.items()}


def _random_idea(space: Space, rng: np.random.Generator) -> dict[str, str]:
    while True:
        idea = {a: o[int(rng.integers(len(o)))] for a, o in space.attributes.items()}
        if space.allows(idea):
            return idea


def _by_segment(night: Night) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arm in night.live:
        found.setdefault(str(arm["segment"]), []).append(str(arm["arm_id"]))
    return found


def _choice(shares: Mapping[tuple[str, str], float]) -> Choice:
    rows: Sequence[dict[str, object]] = [
        {"segment": s, "arm_id": a, "share": v} for (s, a), v in shares.items()
    ]
    return Choice(list(rows))
