from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dco.elements.delay import completeness, completion


def test_a_hand_made_triangle() -> None:
    """Cells of 10 final conversions: 5 on the day, 8 a day later, 10 after two; the youngest is seen once."""
    cell = np.array([0, 0, 0, 1, 1, 2])
    age = np.array([0, 1, 2, 0, 1, 0])
    seen = np.array([5.0, 8.0, 10.0, 5.0, 8.0, 5.0])
    found = completion(cell, age, seen, longest=4)
    np.testing.assert_allclose(found, [0.5, 0.8, 1.0, 1.0, 1.0])


def test_unread_days_count_as_unchanged() -> None:
    found = completion(np.array([0, 0]), np.array([0, 2]), np.array([5.0, 10.0]), longest=3)
    np.testing.assert_allclose(found, [0.5, 0.5, 1.0, 1.0])


def test_one_reading_per_day_means_no_correction() -> None:
    found = completion(np.arange(5), np.zeros(5, dtype=int), np.ones(5))
    assert (found == 1).all()
    assert completion(np.zeros(0, int), np.zeros(0, int), np.zeros(0)).min() == 1


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=2, max_size=6), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_factors_rise_to_one_whatever_is_restated(arrivals: list[list[int]], seed: int) -> None:
    cell = np.concatenate([np.full(len(a), i) for i, a in enumerate(arrivals)])
    age = np.concatenate([np.arange(len(a)) for a in arrivals])
    seen = np.concatenate([np.cumsum(a) for a in arrivals]).astype(float)
    order = np.random.default_rng(seed).permutation(len(cell))
    found = completion(cell[order], age[order], seen[order], longest=8)
    assert found[-1] == 1 and (np.diff(found) >= -1e-12).all() and (found >= 0).all()
    np.testing.assert_allclose(found, completion(cell, age, seen, longest=8))


def test_completeness_is_one_beyond_the_ladder() -> None:
    assert completeness(np.array([0, 99]), np.array([0.5, 1.0])).tolist() == [0.5, 1.0]
