"""Money of a night: how much of the budget is due, and how it falls to cells (a segment on a placement).

How much: what is left of the total, evenly over the nights that are left, never above the daily budget. Nights that spent
less than the even pace are caught up with that way, and nights that spent more are paid back.

To which cell: auctions saturate, so value grows less than money does. Under value = a sqrt(money) the best split of a
budget is proportional to present money times (value per money) squared. Its resting point, equal value per money
everywhere, is that of every power law whose exponent is common to all cells; the exponent decides the pace only, and the
daily step bounds the pace anyway. What the exponent of a real auction is cannot be read off a campaign that never varied
its budgets, so nothing finer is claimed. With few events the cells' values are shrunk to their common mean (DerSimonian
and Laird's between-cell variance), and the present split stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dco.bandits.programme import Rules, eased, feasible, nearest
from dco.errors import BadData

Floats = NDArray[np.float64]


class Pace(NamedTuple):
    """Money of tonight, in the unit given, and how it came about in words (without a currency's name)."""

    money: float
    why: str


def pace(total: float, daily: float, spent: float, nights: int, *, planned_nights: int | None = None) -> Pace:
    """What is due tonight.

    Args:
        total, daily: budgets; 0 means none is stated. spent: of the total, until now.
        nights: nights that are left, tonight included. planned_nights: of the whole flight, if known (for the sentence).
    """
    if min(total, daily, spent) < 0 or nights < 1:
        raise BadData(
            f"pace: expected amounts of at least 0 and 1 night or more, got {(total, daily, spent, nights)!r}"
        )
    if not total:
        return Pace(daily, f"{daily:,.2f} tonight: the daily budget")
    left = max(total - spent, 0.0)
    even = left / nights
    money = min(even, daily) if daily else even
    why = f"{money:,.2f} tonight: {left:,.2f} of {total:,.2f} is left for {nights} night{'s' * (nights != 1)}, {even:,.2f} a night"
    if daily and even > daily:
        why += f", more than the daily budget of {daily:,.2f}, so {left - nights * daily:,.2f} would stay unspent"
    if planned_nights and planned_nights > nights:
        due = total * (planned_nights - nights) / planned_nights
        if abs(spent - due) > 0.01 * total:
            word = "behind" if spent < due else "ahead of"
            why += f"; {abs(due - spent):,.2f} {word} an even pace, made up for evenly over the nights that are left"
    return Pace(money, why)


def shrunk(log_value: Floats, variance: Floats) -> tuple[Floats, float]:
    """Cell values as far as the data tell them apart: (float[cell], between-cell variance).

    DerSimonian and Laird (1986): the excess of Q over its expectation estimates the true variance between cells.
    """
    w = 1.0 / variance
    mean = float((w * log_value).sum() / w.sum())
    q, df = float((w * (log_value - mean) ** 2).sum()), len(w) - 1
    scale = float(w.sum() - (w**2).sum() / w.sum())
    between = max((q - df) / scale, 0.0) if df > 0 and scale > 0 else 0.0
    if between <= 0:
        return np.full(len(w), mean), 0.0
    v = 1.0 / (variance + between)
    centre = float((v * log_value).sum() / v.sum())
    return centre + between / (between + variance) * (log_value - centre), between


def square_root_split(present: Floats, log_value: Floats, variance: Floats) -> Floats:
    """Parts of the money per cell under the square-root law, summing to 1: present x (value per money)^2.

    Args:
        present: float[cell], parts of today's money, summing to 1. log_value: log value per money of each cell.
        variance: of `log_value`, > 0.
    """
    value, between = shrunk(log_value, variance)
    if between <= 0:
        return present
    part = present * np.exp(2.0 * (value - value.max()))
    return np.asarray(part / part.sum())


def within_limits(
    target: Floats, present: Floats, step: float, movable: NDArray[np.bool_], limits: Sequence[tuple[Sequence[int], float, float]]
) -> Floats:  # fmt: skip
    """The parts nearest to `target` that move no cell's money by more than the fraction `step` and keep the limits.

    Limits that the step does not let the money reach tonight are approached as far as it goes; cells that are not movable
    keep their part.

    Args:
        limits: (cells, least part, most part) each.
    """
    n = len(present)
    room = np.where(movable, step * present, 0.0)
    rows = np.concatenate([np.eye(n), -np.eye(n), np.ones((1, n)), -np.ones((1, n))])
    hard = Rules(rows, np.concatenate([present + room, room - present, [1.0], [-1.0]]))
    soft = Rules.none(n)
    for cells, low, high in limits:
        row = np.isin(np.arange(n), list(cells)).astype(float)[None]
        soft = soft.and_(Rules(-row, np.array([-low])), Rules(row, np.array([min(high, 1.0)])))
    if len(soft.bound) and not feasible(hard.and_(soft)):
        soft = eased(soft, hard, present).rules
    root = np.diag(1.0 / np.sqrt(np.maximum(present, 1e-3)))
    part = nearest(target, root, hard.and_(soft))
    return part / part.sum()


def whole(parts: Floats, total: int) -> list[int]:
    """`total` split as `parts` say into whole numbers that sum to it: largest remainders."""
    exact = parts / parts.sum() * total
    found = np.floor(exact).astype(np.int64)
    for i in np.argsort(found - exact, kind="stable")[: int(total - found.sum())]:
        found[i] += 1
    return [int(v) for v in found]
