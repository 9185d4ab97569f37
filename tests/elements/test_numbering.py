"""Numbers of what occurs, against sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dco.elements.numbering import count_distinct, dense, joint

KEYS = st.lists(st.one_of(st.integers(-5, 30), st.integers(-(10**9), 10**9)), max_size=40)


@given(KEYS)
def test_keys_near_and_far_are_numbered_as_by_sorting(keys: list[int]) -> None:
    key = np.array(keys, dtype=np.int64)
    np.testing.assert_array_equal(dense(key), np.unique(key, return_inverse=True)[1])
    assert count_distinct(key) == len(set(keys))


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(20_000, 20_009), st.integers(-1, 2)), max_size=30))
def test_rows_are_numbered_in_lexicographic_order(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    order = {row: i for i, row in enumerate(sorted(set(rows)))}
    assert joint(list(table.T)).tolist() == [order[row] for row in rows]
