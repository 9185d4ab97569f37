"""The family tree of a segment's ads as one hand-made SVG: generations as columns, pictures as nodes, the winner's line drawn strong."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dco.reports import words


@dataclass(frozen=True, slots=True)
class Node:
    """One ad. `picture` is the id of its symbol on the page; parents outside the tree are ignored."""

    arm_id: str
    name: str
    note: str
    picture: str
    parents: tuple[str, ...] = ()
    faded: bool = False


def generations(nodes: Sequence[Node]) -> dict[str, int]:
    """Generation of each ad: 0 without parents in the tree, else one more than its latest parent. A cycle is cut."""
    known = {n.arm_id: n for n in nodes}
    found: dict[str, int] = {}

    def depth(arm: str, above: frozenset[str]) -> int:
        if arm not in found:
            parents = [p for p in known[arm].parents if p in known and p not in above and p != arm]
            found[arm] = 1 + max((depth(p, above | {arm}) for p in parents), default=-1)
        return found[arm]

    for node in nodes:
        depth(node.arm_id, frozenset())
    return found


def ancestors(nodes: Sequence[Node], arm: str) -> set[str]:
    """The ad and everyone it descends from, within the tree."""
    known = {n.arm_id: n for n in nodes}
    line, todo = set(), [arm] if arm in known else []
    while todo:
        if (one := todo.pop()) not in line:
            line.add(one)
            todo += [p for p in known[one].parents if p in known]
    return line


def _rows(nodes: Sequence[Node], generation: Mapping[str, int]) -> dict[str, int]:
    """Row of each node in its column: children stand near the middle of their parents, so that edges cross little."""
    row: dict[str, int] = {}
    for column in range(max(generation.values(), default=-1) + 1):
        members = [n for n in nodes if generation[n.arm_id] == column]
        centre = {
            n.arm_id: sum(row[p] for p in n.parents if p in row) / max(1, sum(p in row for p in n.parents))
            for n in members
        }
        for i, node in enumerate(sorted(members, key=lambda n: (centre[n.arm_id], n.name))):
            row[node.arm_id] = i
    return row


def _edge(x1: float, y1: float, x2: float, y2: float, strong: bool) -> str:
    bend = (x1 + x2) / 2
    style = (
        'stroke="var(--accent)" stroke-width="2.6"' if strong else 'stroke="var(--rest)" stroke-width="1.3"'
    )
    return f'<path d="M{x1:.0f} {y1:.0f}C{bend:.0f} {y1:.0f} {bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}" fill="none" {style}/>'


def tree(nodes: Sequence[Node], *, winner: str | None, title: str, simulated: str | None = None) -> str:
    """Draw the tree; empty when there are no nodes.

    Args:
        nodes: in order of birth.
        winner: the ad whose line of descent is drawn strong; None when there is no leader yet.
    """
    if not nodes:
        return ""
    generation = generations(nodes)
    row = _rows(nodes, generation)
    line = ancestors(nodes, winner) if winner else set()
    size, column, top = (72, 138, 34) if len(nodes) <= 30 else (52, 112, 34)
    step = size + 34
    height_of = {g: 1 + max(row[a] for a in row if generation[a] == g) for g in set(generation.values())}
    tallest = max(height_of.values())
    columns = max(generation.values()) + 1
    at = {
        a: (8 + generation[a] * column, top + (row[a] + (tallest - height_of[generation[a]]) / 2) * step)
        for a in row
    }
    parts = []
    for g in range(columns):
        head = "Starting ads" if g == 0 else f"Generation {g + 1}"
        parts.append(f'<text x="{8 + g * column}" y="16" class="tree-head">{head}</text>')
    edges = [
        (p, n.arm_id) for n in nodes for p in n.parents if p in at and generation[p] < generation[n.arm_id]
    ]
    for parent, child in sorted(edges, key=lambda e: e[0] in line and e[1] in line):
        (x1, y1), (x2, y2) = at[parent], at[child]
        strong = parent in line and child in line
        parts.append(_edge(x1 + size + 3, y1 + size / 2, x2 - 3, y2 + size / 2, strong))
    for node in nodes:
        x, y = at[node.arm_id]
        strong = node.arm_id in line
        frame = "accent" if strong else "line"
        fade = ' opacity="0.5"' if node.faded and not strong else ""
        parts.append(
            f'<g{fade}><use href="#{html.escape(node.picture)}" x="{x:.0f}" y="{y:.0f}" width="{size}" height="{size}"/>'
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{size}" height="{size}" fill="none" stroke="var(--{frame})" '
            f'stroke-width="{2.6 if strong else 1}"/></g>'
            # The note has a paper-coloured halo (CSS), so that edges passing behind it stay readable.
            f'<text x="{x:.0f}" y="{y + size + 15:.0f}"><tspan class="tree-name">{html.escape(node.name)}</tspan>'
            f'<tspan class="tree-note" dx="5">{html.escape(node.note)}</tspan></text>'
        )
    width, height = columns * column + 8, top + tallest * step
    born = words.plural(sum(1 for a in generation if generation[a] > 0), "descendant")
    told = f"{title}: {words.plural(height_of[0], 'starting ad')}, {born} in {words.plural(columns, 'generation')}"
    told += "; the line of the leading ad is drawn strong." if line else "."
    if simulated:
        height += 20
        label = f"Simulated market: {html.escape(simulated)}"
        parts.append(f'<text x="8" y="{height - 8}" class="tree-note">{label}</text>')
        width = max(width, 360)
    return (
        f'<svg class="tree" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{html.escape(told)}">{"".join(parts)}</svg>'
    )
