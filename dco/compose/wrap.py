"""Where lines break. Least total raggedness over all lines, as Knuth and Plass set paragraphs, with fees for what reads badly.

D. E. Knuth and M. F. Plass, Breaking Paragraphs into Lines, Software: Practice and Experience 11 (1981). Here the
number of lines is given and the measure is free, since display type is scaled to its room afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

SHORT = 0.6
"""A line of one word narrower than this part of the mean line looks forgotten."""
_LONE_FEE = 8.0
"""More than any other fees of a headline together: a short word stands alone only where no other break is left."""
_TORN_FEE, _CLAUSE_FEE, _SPLIT_FEE = 0.5, 0.06, 0.35
_HANGING_FEES = {1: 0.12, 2: 0.12, 3: 0.05}
"""For a line that ends on a word of so many letters ("a", "of", "the"), which belongs to what follows it."""
_CLOSING = r"[\"'”’»)]*"


def pieces(text: str) -> list[str]:
    """Pieces between which a line may break; a piece keeps its blank.

    A hyphen or dash between letters is such a place too; no line starts with a dash or other sign standing alone.
    """
    return [p for p in re.split(r"(?<= )(?![^\w\s]+(?: |$))|(?<=\w[-–—/])(?=\w{3})", text) if p.strip(" ")]


def torn(lines: Sequence[str]) -> int:
    """How many lines hold the end of one sentence and the beginning of the next: "down. It's" reads as neither."""
    return sum(_torn(line) for line in lines)


def clauses(lines: Sequence[str]) -> int:
    """How many commas stand inside lines rather than at their ends."""
    return sum(_clauses(line) for line in lines)


def _torn(line: str) -> int:
    return len(re.findall(rf"[.!?…:;]{_CLOSING}\s+\S", line.strip()))


def _clauses(line: str) -> int:
    return len(re.findall(rf",{_CLOSING}\s+\S", line.strip()))


def _ends_sentence(piece: str) -> bool:
    return bool(re.search(rf"[.!?…]{_CLOSING}$", piece.rstrip()))


def balance(words: Sequence[str], widths: Sequence[float], gaps: Sequence[float], count: int) -> list[int]:
    """Where to cut the words into `count` lines: the cheapest cuts by dynamic programming over (line, last word).

    Args:
        words: from `pieces`; widths and gaps: each one's width without its blank, and its blank's.

    Returns:
        count + 1 rising indices, from 0 to len(words).
    """
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, -1)}]
    for line in range(1, count + 1):
        row: dict[int, tuple[float, int]] = {}
        for end in range(line, len(words) - (count - line) + 1):
            for start in best[-1]:
                if start < end:
                    fee = best[-1][start][0] + line_cost(words, widths, gaps, count, start, end)
                    if end not in row or fee < row[end][0]:
                        row[end] = (fee, start)
        best.append(row)
    cuts = [len(words)]
    for line in range(count, 0, -1):
        cuts.append(best[line][cuts[-1]][1])
    return cuts[::-1]


def line_cost(
    words: Sequence[str], widths: Sequence[float], gaps: Sequence[float], count: int, start: int, end: int
) -> float:
    """What a line from word `start` to before word `end` costs, one of `count`.

    Squared deviation from the mean width, and fees: for a short word alone, for the end of one sentence and the
    beginning of the next in one line, for a comma inside a line, for a line that ends on a little word or inside a
    hyphenated one.
    """
    mean = (sum(widths) + sum(gaps[:-1])) / count
    wide = sum(widths[start:end]) + sum(gaps[start : end - 1])
    line = "".join(words[start:end])
    fee = ((wide - mean) / mean) ** 2 if mean else 0.0
    if end - start == 1 and count > 1 and lone(words, start, wide, mean):
        fee += _LONE_FEE
    if end < len(words):
        last = words[end - 1].strip(" ")
        if last.isalpha():
            fee += _HANGING_FEES.get(len(last), 0.0)
        if not words[end - 1].endswith(" "):
            fee += _SPLIT_FEE
    return fee + _TORN_FEE * _torn(line) + _CLAUSE_FEE * _clauses(line)


def lone(words: Sequence[str], at: int, wide: float, mean: float) -> bool:
    """Whether a word set alone on a line looks forgotten: short, and no sentence of its own."""
    opens = at == 0 or _ends_sentence(words[at - 1])
    return wide < SHORT * mean and not (opens and _ends_sentence(words[at]))


def lone_lines(
    words: Sequence[str], cuts: Sequence[int], widths: Sequence[float], gaps: Sequence[float]
) -> int:
    """How many lines of a breaking are one short word."""
    mean = (sum(widths) + sum(gaps[:-1])) / (len(cuts) - 1)
    singles = [a for a, b in pairwise(cuts) if b - a == 1 and len(cuts) > 2]
    return sum(lone(words, a, widths[a], mean) for a in singles)
