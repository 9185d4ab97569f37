"""How numbers are written: nothing misleading, nothing unreadable, never NaN."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dco.reports import words

ANY = st.floats(allow_nan=True, allow_infinity=True) | st.none()
RELATIVE = st.floats(-0.99, 20)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.percent(0.0123), "1.23 %"),
        (words.change(0.14, 0.06, 0.22), "+14 % (6 % to 22 %)"),
        (words.change(0.14, -0.06, 0.34), "+14 % (−6 % to 34 %)"),
        (words.money(1_234_560_000, "EUR"), "€1,234.56"),
        (words.money(-5_000_000, "USD"), "−$5.00"),
        (words.money(1_999_600_000, "JPY"), "¥2,000"),
        (words.money(12_000_000, "CHF"), "CHF 12.00"),
        (words.share(0.004), "<1 %"),
        (words.chance(1.0), ">99 %"),
        (words.chance(0.0), "<1 %"),
        (words.days(date(2026, 2, 28), date(2026, 3, 3)), "28 February to 3 March 2026"),
        (words.duration(95), "1 min 35 s"),
        (words.age(timedelta(hours=49)), "2 days"),
        (words.listed(["a", "b", "c"]), "a, b and c"),
        (words.percent_span(0.00972, 0.0113), ("0.97 %", "1.13 %")),
        (words.signed_percent(-0.0004), "0 %"),
    ],
)
def test_figures_are_written_for_people(written, expected):
    assert written == expected


@given(ANY, ANY, ANY)
@example(1.797693134862316e306, None, None)  # a finite fraction whose percentage is not
@example(0.1, -1.7e308, 1.7e308)
def test_no_figure_ever_reads_nan_or_inf(value, low, high):
    written = [
        words.number(value), words.percent(value), words.share(value), words.chance(value), words.chance_words(value),
        words.signed_percent(value), words.change(value, low, high), words.money(value, "EUR"), words.duration(value and abs(value)),
        words.count(value), words.gain_words(value, low, high, "randomised", what="clicks"),
    ]  # fmt: skip
    assert not any(bad in text.lower() for text in written for bad in ("nan", "inf ", "inf%", "none"))


@given(st.integers(-(10**15), 10**15))
def test_money_agrees_with_decimal_arithmetic_to_the_cent(micros):
    exact = (Decimal(micros) / 1_000_000).quantize(Decimal("0.01"))  # Decimal rounds half to even as well
    shown = Decimal(words.money(micros, "EUR").replace("€", "").replace(",", "").replace("−", "-"))
    assert shown == exact


@given(RELATIVE, RELATIVE, RELATIVE)
def test_an_interval_around_zero_is_never_called_established(a, b, c):
    low, value, high = sorted((a, b, c))
    told = words.gain_words(value, low, high, "randomised", what="clicks")
    assert ("too early to say" in told) == (low <= 0 <= high)


def test_only_a_randomised_gain_is_called_caused():
    told = {k: words.gain_words(0.14, 0.06, 0.22, k, what="clicks") for k in words.VERDICTS}
    assert "caused" in told["randomised"]
    assert "caused" not in told["budgeted"] and "audience may explain" in told["budgeted"]
    assert "caused" not in told["platform-chosen"] and "not a test" in told["platform-chosen"]
    assert "caused" not in words.gain_words(0.14, 0.06, 0.22, None, what="clicks")


def test_a_number_over_several_placements_claims_no_more_than_the_weakest():
    assert words.weakest(["randomised", "budgeted"]) == "budgeted"
    assert words.weakest(["randomised", "platform-chosen", "budgeted"]) == "platform-chosen"
    assert words.weakest([]) is None


@given(st.floats(1e-6, 1.0))
def test_three_significant_digits_survive_percent(value):
    shown = float(words.percent(value).removesuffix(" %").replace(",", "")) / 100
    assert math.isclose(shown, value, rel_tol=0.0051)
