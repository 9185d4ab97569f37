"""`dco.compare`: any statistical method by name on arm counts or batch logs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from dco import registry
from dco.errors import BadData, UnknownName
from dco.records import Licence
from dco.stats.result import LICENCE_WORDS, Result


def compare(
    counts: pa.Table | Mapping[str, Any],
    *,
    method: str = "log_ratio",
    baseline: str,
    level: float = 0.95,
    licence: Licence = "randomised",
    **options: Any,
) -> Result:
    """Compares every arm with the baseline arm.

    Args:
        counts: Arrow table, or mapping of equally long columns: arm, n (users or impressions), s (successes), and
            where the method needs them batch, propensity, segment, s2. A segment column gives one comparison per segment.
        method: file name below dco/stats/methods, e.g. "log_ratio", "beta_binomial", "adaptive_lift".
        baseline: the arm compared with.
        level: coverage of the intervals.
        licence: what the allocation licenses ("randomised", "budgeted", "platform-chosen"); printed with the result.
        options: the method's own, e.g. anytime=True, planned=30 for "adaptive_lift".

    Returns:
        Result: its repr is the table; `.to_arrow()` the same as data.

    Raises:
        BadData: counts that cannot be (negative, more successes than users, propensities missing or not summing to 1, one
            arm, no users), with place, value and expectation. UnknownName: an unknown method or option.

    >>> compare({"arm": ["a", "b"], "n": [10000, 10000], "s": [100, 130]}, baseline="a").row("b")["lift"].round(2)
    np.float64(0.3)
    """
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise BadData(f"level: expected a number between 0 and 1, got {level!r}")
    if licence not in LICENCE_WORDS:
        raise UnknownName("licence", licence, LICENCE_WORDS, where="compare")
    part = registry.load("methods", method, where="compare")
    known = [
        p for p in inspect.signature(part).parameters if p not in ("counts", "baseline", "level", "licence")
    ]
    for name in options:
        if name not in known:
            raise UnknownName("option", name, known, where=f"compare, method {method!r}")
    result: Result = part(counts, baseline=baseline, level=level, licence=licence, **options)
    return result
