"""Amounts and days, for any number and any spelling."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dco.errors import BadReport
from dco.platforms.cells import GRAMMAR, Cells, amounts, counts, days, decide_mark, micros, shown, word_day

GROUPS = {".": ["", ",", " ", "\u00a0", "\u202f", "'"], ",": ["", ".", " ", "\u00a0", "\u202f", "'"]}


def cells(*texts: str, mark: str = ".") -> Cells:
    return Cells("f.csv", "Cost", pa.array(texts, pa.string()), pa.array(range(1, len(texts) + 1)), mark)  # type: ignore[arg-type]


def spelt(value: Decimal, mark: str, group: str) -> str:
    return f"{value:,f}".replace(",", "G").replace(".", mark).replace("G", group)


@settings(deadline=None)
@given(
    values=st.lists(st.decimals(-(10**11), 10**11, places=2), min_size=1, max_size=20),
    mark=st.sampled_from([".", ","]),
    which=st.integers(0, 5),
)
def test_any_amount_in_any_spelling_is_exact(values: list[Decimal], mark: str, which: int) -> None:
    texts = [spelt(v, mark, GROUPS[mark][which]) for v in values]
    column = cells(*texts)
    assert decide_mark([column]) == mark
    read = amounts(cells(*texts, mark=mark))
    assert read.to_pylist() == values
    assert micros(read).to_pylist() == [int(v * 1_000_000) for v in values]


@settings(deadline=None)
@given(st.text(st.sampled_from("0123456789.,- €'%eE+"), max_size=10))
def test_no_text_is_read_as_a_number_it_does_not_spell(text: str) -> None:
    """Whatever is accepted equals what Python makes of it once the group marks are gone."""
    try:
        (value,) = amounts(cells(text)).to_pylist()
    except BadReport:
        return
    if value is None:
        assert text.strip() in ("", "-", "--")
        return
    digits = "".join(c for c in text if c in "0123456789.-")
    assert value == Decimal(digits)
    assert not set(text) & set("%eE+")


def test_floats_of_a_connector_are_rounded_to_a_micro() -> None:
    assert amounts(cells("0.30000000000000004", "144.")).to_pylist() == [
        Decimal("0.300000"),
        Decimal("144.000000"),
    ]


@pytest.mark.parametrize("text", ["1000000000000", "99999999999999999999999999"])
def test_amounts_beyond_a_million_million_are_refused(text: str) -> None:
    with pytest.raises(BadReport, match="million million"):
        amounts(cells(text))


@pytest.mark.parametrize(
    "text",
    ["1e5", "1,23", "1,2345", "12,34", "1.2.3", "--1", "1-", "(5)", "$", "٣", "1,,234", "0x1", "NaN", "12%"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadReport, match="line 2, column 'Cost'"):
        amounts(cells("1.00", text))


def test_counts_shown_with_decimals_are_whole() -> None:
    assert counts(cells("28.00", "1,234", "0")).to_pylist() == [28, 1234, 0]


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_a_day_in_words_comes_back(day: date) -> None:
    for text in (day.isoformat(), f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%b} {day.year}"):
        assert word_day(text) == day


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "0026-09-01", "31/31/2026", "September 2026", "tomorrow", "1/2/26"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(BadReport, match="line 2"):
        days(cells("2026-09-23", text))


def test_an_hour_is_cut_to_its_day_only_where_hours_are_expected() -> None:
    assert days(cells("2026-09-23 22:00:00"), hourly=True).to_pylist() == [date(2026, 9, 23)]
    with pytest.raises(BadReport):
        days(cells("2026-09-23 22:00:00"))


def test_a_shown_value_is_short_and_holds_no_address() -> None:
    assert shown("x" * 99) == repr("x" * 37 + "...")
    assert shown("a\nb") == "'a b'"
    assert "@" not in shown("ada@example.org")


def test_the_grammar_knows_both_marks() -> None:
    assert set(GRAMMAR) == {".", ","}
