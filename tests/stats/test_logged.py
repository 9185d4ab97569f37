from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadData
from dco.stats import logged
from dco.stats.logged import count_log


def told_one_by_one(arm: list[int], success: list[bool], n_arms: int) -> tuple[list[int], list[int]]:
    n, won = [0] * n_arms, [0] * n_arms
    for k, y in zip(arm, success):
        n[k] += 1
        won[k] += y
    return n, won


rows = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=60)


@given(
    rows, st.sampled_from(["uint8", "int16", "int32", "int64"]), st.sampled_from(["bool", "int8", "float64"])
)
def test_counts_are_those_of_a_loop_for_every_kind_of_number(
    log: list[tuple[int, bool]], arm_kind: str, success_kind: str
) -> None:
    arm, success = [k for k, _ in log], [y for _, y in log]
    found = count_log(np.array(arm, arm_kind), np.array(success, success_kind), 7)
    assert tuple(map(list, found)) == told_one_by_one(arm, success, 7)


@pytest.mark.parametrize("shares", [(0.01, 0.01), (0.5, 0.5), (0.01, 0.9), (0.9, 0.0)])
def test_long_logs_count_the_same_however_frequent_successes_are(shares: tuple[float, float]) -> None:
    """Both ways of counting, and the change from one to the other within a log."""
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 50, 6 * logged.PIECE + 7)
    chance = np.where(np.arange(len(arm)) < len(arm) / 2, *shares)
    success = rng.random(len(arm)) < chance
    found = count_log(arm[::2], success[::2], 50)  # every other row: not contiguous
    assert (found.n == np.unique_counts(arm[::2]).counts).all()
    assert (found.successes == [(success[::2] & (arm[::2] == k)).sum() for k in range(50)]).all()


@pytest.mark.parametrize("often", [False, True])
@pytest.mark.parametrize("wrong", [-1, 3, 4, 1_000])
def test_an_arm_that_does_not_exist_is_named_by_its_row(wrong: int, often: bool) -> None:
    arm = np.zeros(2 * logged.PIECE + 10, int)
    success = np.full(len(arm), often)
    at = logged.PIECE + 3
    arm[at], success[at] = wrong, False
    with pytest.raises(BadData, match=rf"row {at}: expected an index from 0 to 2, got {wrong}$"):
        count_log(arm, success, 3)


def test_what_is_no_log_is_refused() -> None:
    with pytest.raises(BadData, match="row 1: expected 0 or 1, got 2"):
        count_log([0, 0], [1, 2], 1)
    with pytest.raises(BadData, match="row 0: expected 0 or 1, got nan"):
        count_log([0], [float("nan")], 1)
    with pytest.raises(BadData, match="one length"):
        count_log([0, 0], [True], 1)
    with pytest.raises(BadData, match="whole numbers"):
        count_log([0.5], [True], 1)
    with pytest.raises(BadData, match="at least 1"):
        count_log([], [], 0)
