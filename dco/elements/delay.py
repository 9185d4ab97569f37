"""Late conversions: how complete a day's count is, given its age when it was last read (chain ladder).

Conversions are credited to the day of the click and keep arriving for days. From every as-of version of every cell,
    1 / f(a) = sum C(cell, a) / sum C(cell, a + 1),      F(a) = prod over k >= a of 1 / f(k)
is the expected share of its final conversions that a cell shows at age a (Mack 1993). A young day then counts as
clicks x F(age) of exposure instead of as a bad day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dco.elements.numbering import dense

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_DAYS = 60
"""Restatements later than this are taken as complete; platforms' longest default window is 30 days."""


def completion(cell: Ints, age: Ints, cumulated: Floats, *, longest: int = LONGEST_DAYS) -> Floats:
    """Completion factors F(0..longest) from all versions of all cells.

    Args:
        cell: int[version], which (arm, placement, day) the version is about.
        age: int[version], days between the click day and the day of reading.
        cumulated: float[version], conversions (or revenue) known at that age.

    Returns:
        float[longest + 1], non-decreasing, ending at 1. All ones when no cell was read at two ages. Between two readings
        a cell counts as unchanged, which is what was known at that age.
    """
    factors = np.ones(longest + 1)
    keep = (age >= 0) & (age <= longest) & np.isfinite(cumulated)
    if not keep.all():
        cell, age, cumulated = cell[keep], age[keep], cumulated[keep]
    if not len(cell):
        return factors
    # [age, cell], as far as anything was read. Of two rows about one cell and age, the later counts.
    row, oldest = dense(cell), int(age.max())
    n = int(row.max()) + 1
    table = np.full((oldest + 1, n), np.nan)
    table[age, row] = cumulated
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, row, age)
    early, late = np.zeros(longest), np.zeros(longest)
    for a in range(oldest):
        table[a + 1] = np.where(np.isnan(table[a + 1]) & (a + 1 <= last), table[a], table[a + 1])
        both = ~np.isnan(table[a]) & ~np.isnan(table[a + 1])
        early[a], late[a] = table[a, both].sum(), table[a + 1, both].sum()
    # A corrected count can also fall; the ladder only models arrivals, so a step is never above 1.
    steps = np.where(late > 0, np.minimum(early / np.where(late > 0, late, 1.0), 1.0), 1.0)
    factors[:-1] = np.cumprod(steps[::-1])[::-1]
    return factors


def completeness(age: Ints, factors: Floats) -> Floats:
    """F(age) per cell; ages beyond the ladder are complete, ages below 0 count as 0."""
    return factors[np.clip(age, 0, len(factors) - 1)]
