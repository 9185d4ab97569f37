from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadData
from dco.prompts.design import RESOLUTION
from dco.prompts.genome import as_space, balanced, everything, sample, size
from dco.records import Genome, Space

SPACE = Space(
    {"scene": ("beach", "city", "forest"), "light": ("day", "night"), "cta": ("buy", "learn")},
    forbidden=({"scene": "beach", "light": "night"},),
)


def test_everything_is_all_combinations_less_the_forbidden_ones() -> None:
    found = [g.as_dict() for g in everything(SPACE)]
    assert size(SPACE) == 12 and len(found) == 10
    assert all(SPACE.allows(g) for g in found)


@given(st.integers(0, 2**32 - 1), st.integers(1, 14))
def test_a_first_pool_is_allowed_distinct_and_as_large_as_the_space_permits(seed: int, n: int) -> None:
    pool = balanced(SPACE, n, np.random.default_rng(seed))
    assert all(SPACE.allows(g) for g in pool)
    assert len({Genome.of(g).key for g in pool}) == len(pool) <= n
    if n <= 8:
        assert len(pool) == n


def test_a_first_pool_deals_every_option_about_equally() -> None:
    space = as_space({f"a{i}": [f"o{k}" for k in range(4)] for i in range(5)})
    pool = balanced(space, 12, np.random.default_rng(0))
    for a in space.attributes:
        assert set(Counter(g[a] for g in pool).values()) <= {2, 3, 4}


def test_taken_ideas_are_not_dealt() -> None:
    taken = {g.key for g in list(everything(SPACE))[:8]}
    pool = balanced(SPACE, 5, np.random.default_rng(0), taken)
    assert len(pool) == 2 and not {Genome.of(g).key for g in pool} & taken


def test_samples_are_allowed_even_where_little_is() -> None:
    rules = tuple({"a": f"{i}", "b": f"{k}"} for i in range(9) for k in range(9) if (i, k) != (4, 4))
    space = Space({"a": tuple(map(str, range(9))), "b": tuple(map(str, range(9)))}, rules)
    assert sample(space, np.random.default_rng(0)) == {"a": "4", "b": "4"}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "no attribute to vary"),
        ({"scene": []}, "no options"),
        ({"scene": "beach"}, "expected a list"),
        ({"scene": ["x", "x"]}, "named twice"),
        (Space({"a": ("x",)}, ({"a": "y"},)), "has no option 'y'"),
        (Space({"a": ("x",)}, ({},)), "empty combination"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused(space: object, message: str) -> None:
    with pytest.raises(BadData, match=message):
        as_space(space)  # type: ignore[arg-type]


def test_a_space_that_forbids_everything_is_refused() -> None:
    with pytest.raises(BadData, match="forbid less"):
        sample(Space({"a": ("x",)}, ({"a": "x"},)), np.random.default_rng(0))


def information(space: Space, pools: list[list[dict[str, str]]]) -> float:
    """Log determinant of I + r X'X of the options' contrasts within each pool, by dummy coding from scratch."""
    names = [(a, o) for a, options in space.attributes.items() for o in options]
    total = np.eye(len(names))
    for pool in pools:
        x = np.array([[float(g[a] == o) for a, o in names] for g in pool])
        x -= x.mean(axis=0)
        total += RESOLUTION * x.T @ x
    return float(np.linalg.slogdet(total)[1])


def test_a_first_pool_is_the_best_of_all_pools_where_all_can_be_listed() -> None:
    every = [g.as_dict() for g in everything(SPACE)]
    best = max(information(SPACE, [list(pool)]) for pool in combinations(every, 4))
    found = [information(SPACE, [balanced(SPACE, 4, np.random.default_rng(seed))]) for seed in range(5)]
    assert max(found) == pytest.approx(best, abs=0.05) and min(found) > best - 0.35


def test_first_pools_tell_effects_apart_better_than_random_ones_and_than_pools_that_ignore_each_other() -> (
    None
):
    space = as_space({f"a{i}": [f"o{k}" for k in range(3 + i % 3)] for i in range(6)})
    chance, alone, together = [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        chance.append(information(space, [[sample(space, rng) for _ in range(6)] for _ in range(3)]))
        alone.append(information(space, [balanced(space, 6, rng) for _ in range(3)]))
        pools: list[list[dict[str, str]]] = []
        for _ in range(3):
            pools.append(balanced(space, 6, rng, beside=pools))
        together.append(information(space, pools))
    # Efficiency per pool member: the determinant's root.
    per = 15
    assert np.exp((np.mean(alone) - np.mean(chance)) / per) > 1.1
    assert np.exp((np.mean(together) - np.mean(alone)) / per) > 1.05


def test_the_same_generator_deals_the_same_first_pool() -> None:
    one, two = (balanced(SPACE, 6, np.random.default_rng(7)) for _ in range(2))
    assert one == two
