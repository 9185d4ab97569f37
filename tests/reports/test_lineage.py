"""The family tree: generations follow parents, the winner's line is the strong one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dco.reports.lineage import Node, ancestors, generations, tree


def node(arm: str, *parents: str) -> Node:
    return Node(arm, arm, "", f"pic-{arm}", parents)


FAMILY = [node("a"), node("b"), node("c", "a"), node("d", "c", "b"), node("e", "gone")]


def test_a_child_stands_one_generation_after_its_latest_parent():
    assert generations(FAMILY) == {"a": 0, "b": 0, "c": 1, "d": 2, "e": 0}


def test_the_winners_line_is_everyone_it_descends_from():
    assert ancestors(FAMILY, "d") == {"a", "b", "c", "d"}
    assert ancestors(FAMILY, "unknown") == set()


def test_only_the_winners_edges_are_strong():
    svg = tree([*FAMILY, node("f", "b")], winner="c", title="T")
    assert (
        svg.count('stroke="var(--accent)" stroke-width="2.6"') == 3
    )  # one edge a-c and the frames of a and c
    assert svg.count("<path") == 4


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=10))
def test_any_family_can_be_drawn_even_with_loops(parents):
    nodes = [node(str(i), *map(str, ps)) for i, ps in enumerate(parents)]
    found = generations(nodes)
    assert set(found) == {n.arm_id for n in nodes} and min(found.values()) == 0
    assert tree(nodes, winner="0", title="T").count("<use") == len(nodes)
