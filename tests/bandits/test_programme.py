"""Small convex programmes against the linear programme that proves a nearest point, and against rules without room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dco.bandits.programme import Rules, eased, feasible, largest, nearest
from dco.errors import BadData

Floats = NDArray[np.float64]


def simplex(n: int) -> Rules:
    """Parts that sum to one: an equality, as two rules."""
    return Rules(np.concatenate([np.ones((1, n)), -np.ones((1, n))]), np.array([1.0, -1.0]))


def box(low: Floats, high: Floats) -> Rules:
    return Rules(np.concatenate([np.eye(len(low)), -np.eye(len(low))]), np.concatenate([high, -low]))


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 25),
    pinned=st.floats(0, 1),
    cuts=st.integers(0, 6),
)
def test_no_other_point_that_keeps_the_rules_is_nearer(seed: int, n: int, pinned: float, cuts: int) -> None:
    """First-order proof: no feasible z lies further along the way from the answer to the goal than the answer itself."""
    rng = np.random.default_rng(seed)
    inside = rng.dirichlet(np.full(n, 0.3))
    room = np.where(rng.random(n) < pinned, 0.0, rng.uniform(0, 0.3, n))
    rows = rng.normal(size=(cuts, n))
    rules = simplex(n).and_(
        box(np.maximum(inside - room, 0), inside + room),
        Rules(rows, rows @ inside + rng.choice([1e-7, 0.02], cuts)),
    )
    goal = rng.dirichlet(np.full(n, 0.2))
    root = np.diag(1 / np.sqrt(np.maximum(goal, 1e-4)))
    x = nearest(goal, root, rules)
    assert x.min() >= 0 and rules.excess(x).max() <= 1e-8
    slope = root.T @ root @ (goal - x)
    furthest = largest(slope, rules)
    assert furthest is not None
    assert slope @ furthest <= slope @ x + 1e-6 * max(1.0, float(np.abs(slope).max()))


def test_rules_that_leave_no_point_are_refused() -> None:
    two = simplex(2).and_(Rules(np.array([[1.0, 1.0]]), np.array([0.9])))
    assert not feasible(two)
    with pytest.raises(BadData, match="no split keeps every rule"):
        nearest(np.array([0.5, 0.5]), np.eye(2), two)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 20), far=st.floats(1e-6, 1e6))
def test_bounds_eased_to_the_last_point_of_a_set_still_leave_a_point(seed: int, n: int, far: float) -> None:
    """A bound out of reach by any distance, from a start that already is the nearest: the next step finds its point."""
    rng = np.random.default_rng(seed)
    inside = rng.dirichlet(np.full(n, 0.5))
    hard = simplex(n).and_(box(np.maximum(inside - 0.1, 0), inside + 0.1))
    row = rng.normal(size=n)
    start = largest(-row, hard)
    assert start is not None
    soft = Rules(row[None], np.array([row @ start - far]))
    assert not feasible(hard.and_(soft))
    given_way, x = eased(soft, hard, start)
    both = hard.and_(given_way)
    assert both.excess(x).max() <= 1e-9
    assert row @ x == pytest.approx(row @ start, abs=1e-7 * max(far, 1.0))
    goal = rng.dirichlet(np.full(n, 0.5))
    found = nearest(goal, np.diag(1 / np.sqrt(np.maximum(goal, 1e-4))), both)
    assert both.excess(found).max() <= 1e-8
