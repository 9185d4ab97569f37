"""Line breaks: the cheapest there are, by trying all; nothing lost, nothing too wide, no short word left alone."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dco.compose.typeset import HEADLINE, Text, fonts_of
from dco.compose.wrap import SHORT, balance, line_cost, lone, pieces

SENTENCES = st.lists(
    st.sampled_from(
        (
            "One",
            "farm.",
            "It’s",
            "slow,",
            "a",
            "of",
            "coffee",
            "time.",
            "gift-wrapped",
            "mornings",
            "Now!",
            "–",
        )
    ),
    min_size=1,
    max_size=9,
).map(" ".join)
USUAL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def text_of(fonts: tuple[bytes, bytes], words: str) -> Text:
    return Text(fonts_of(*fonts), words, HEADLINE, "headline", "x")


@USUAL
@given(words=st.lists(st.text("abc.,", min_size=1, max_size=6), min_size=1, max_size=7), data=st.data())
def test_the_cuts_are_the_cheapest_of_all(words: list[str], data: Any) -> None:
    """Oracle: the sum of the lines' costs over every way to cut."""
    parts = [w + " " for w in words]
    widths = [float(len(w)) for w in words]
    gaps = [0.5] * len(words)
    count = data.draw(st.integers(1, len(words)))

    def cost(cuts: tuple[int, ...]) -> float:
        return sum(line_cost(parts, widths, gaps, count, a, b) for a, b in pairwise(cuts))

    every = [(0, *inner, len(words)) for inner in combinations(range(1, len(words)), count - 1)]
    assert cost(tuple(balance(parts, widths, gaps, count))) == pytest.approx(min(map(cost, every)))


@USUAL
@given(words=SENTENCES)
def test_no_break_loses_adds_or_moves_a_letter(words: str, fonts: tuple[bytes, bytes]) -> None:
    text = text_of(fonts, words)
    for count, found in enumerate(text.breaks, start=1):
        assert len(found.lines) == count
        assert "".join(found.lines).replace(" ", "") == text.text.replace(" ", "")


@USUAL
@given(words=SENTENCES, width=st.floats(20, 400), most=st.integers(1, 5))
def test_no_line_is_wider_than_its_room_or_a_forgotten_word(
    words: str, width: float, most: int, fonts: tuple[bytes, bytes]
) -> None:
    text = text_of(fonts, words)
    lines = text.lines(20, width, most)
    if lines is None:
        return
    assert len(lines) <= most
    assert all(text.fonts.width(line, HEADLINE) * 20 <= width for line in lines)
    mean = text.width / len(lines)
    for before, line in zip(("", *lines), lines):
        whole = (before == "" or before[-1] in ".!") and line[-1] in ".!"
        alone = len(lines) > 1 and len(pieces(line)) == 1 and not whole
        assert not alone or text.fonts.width(line, HEADLINE) >= 0.97 * SHORT * mean


@USUAL
@given(
    words=st.lists(st.sampled_from(("It's ", "a ", "farm. ", "coffee ", "mornings ")), min_size=2, max_size=8)
)
def test_a_short_word_stands_alone_only_where_every_other_cut_leaves_one_too(words: list[str]) -> None:
    widths = [float(len(w) - 1) for w in words]
    gaps = [0.4] * len(words)

    def alone(cuts: tuple[int, ...]) -> int:
        mean = (sum(widths) + sum(gaps[:-1])) / (len(cuts) - 1)
        return sum(lone(words, a, widths[a], mean) for a, b in pairwise(cuts) if b - a == 1)

    for count in range(2, len(words)):
        every = [(0, *inner, len(words)) for inner in combinations(range(1, len(words)), count - 1)]
        assert alone(tuple(balance(words, widths, gaps, count))) == min(map(alone, every))


def test_a_typewriters_apostrophe_is_set_as_a_printers(fonts: tuple[bytes, bytes]) -> None:
    assert text_of(fonts, "It's 'so' good").text == "It’s 'so' good"
