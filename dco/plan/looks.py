"""Features of creatives as a caller gives them: an optional column `features` of the history, the live arms, or both.

Numbers of one length per creative (colour, calmness, text length, an encoder's embedding: `elements/features.py` makes some),
in any units: the model standardises them. A live arm's own row counts before the history; an arm that has them nowhere is
unlike any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dco.elements.model import Fit
from dco.errors import BadData
from dco.plan.cells import Rows, take

Floats = NDArray[np.float64]

COLUMN = "features"


def features_of(
    rows: Rows, keys: Sequence[tuple[str, str]], live: Mapping[tuple[str, str], Sequence[float] | None]
) -> Floats | None:
    """float[arm, feature] by `keys` (segment, arm_id), NaN where unknown; None where nobody gives any.

    Raises:
        BadData: an arm with another number of features than the others, or with a number that is not finite.
    """
    given = {
        key: _numbers(value, f"live, arm {key[1]!r}") for key, value in live.items() if value is not None
    }
    if COLUMN in rows.history.column_names and len(rows.keys):
        told = take(rows.history[COLUMN], rows.last).to_pylist()
        for key, value in zip(rows.keys, told):
            if value is not None and key not in given:
                given[key] = _numbers(value, f"history, arm {key[1]!r}")
    if not given:
        return None
    (first, like), *_ = given.items()
    found = np.full((len(keys), len(like)), np.nan)
    for i, key in enumerate(keys):
        if key not in given:
            continue
        if len(given[key]) != len(like):
            raise BadData(
                f"features, arm {key[1]!r} of {key[0]!r}: {len(given[key])} numbers, but {len(like)} for arm {first[1]!r}; "
                "give every creative the same features, or none"
            )
        found[i] = given[key]
    return found


def explained(model: Fit) -> list[str]:
    """One sentence on how much goes with looks, where they were given and anything is known; else none."""
    if model.history.features is None or not model.history.clicks.sum():
        return []
    parts = [rate.variances for rate in model.rates]
    apart = sum(v.look + v.arm for v in parts)
    share = sum(v.look for v in parts) / apart if apart > 0 else 0.0
    return [f"Looks are taken to explain {share:.0%} of what sets creatives apart beside their options."]


def _numbers(value: Any, where: str) -> Floats:
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        found = np.zeros((0, 0))
    if found.ndim != 1 or not len(found):
        raise BadData(f"{where}, features: expected a list of numbers, got {value!r:.80}")
    if not np.isfinite(found).all():
        at = int(np.argmin(np.isfinite(found)))
        raise BadData(f"{where}, features: number {at + 1} is {found[at]}, expected a finite one")
    return found
