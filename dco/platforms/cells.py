"""What one cell of a platform's table may say: amounts, counts and days, in the spellings platforms use.

Amounts are parsed exactly (decimal text, never a binary float). One file has one decimal mark, decided from its money
cells; a file that does not decide it is refused, because `1,234` is either a thousand or a little more than one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from dco.errors import BadReport

Mark = Literal[".", ","]

MISSING = ("", "--", "-", "—", "–")
"""Spellings of 'not reported'."""

SYMBOLS = {"US$": "USD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD"}
SYMBOLS |= {"€": "EUR", "£": "GBP", "₹": "INR", "$": "", "¥": ""}
"""Currency symbol -> ISO code; empty where several currencies share the symbol."""

AMOUNT = pa.decimal128(18, 6)
"""Up to a million million units, in steps of one micro; always fits int64 micros."""

_SYMBOL = "(?:" + "|".join(re.escape(s) for s in SYMBOLS) + ")"
_GROUP = " \u00a0\u202f\u2009'’"


def _grammar(mark: Mark) -> str:
    other = "," if mark == "." else "\\."
    plain = r"\d+"
    grouped = "|".join(rf"\d{{1,3}}(?:{g}\d{{3}})+" for g in (other, *_GROUP))
    indian = rf"\d{{1,2}}(?:{other}\d{{2}})+{other}\d{{3}}"
    whole = f"(?:{plain}|{grouped}|{indian})"
    fraction = rf"(?:{re.escape(mark)}\d+)?"
    return rf"^{_SYMBOL}?[ \x{{a0}}\x{{202f}}]?-?{_SYMBOL}?[ \x{{a0}}\x{{202f}}]?{whole}{fraction}[ \x{{a0}}\x{{202f}}]?{_SYMBOL}?$"


GRAMMAR: dict[Mark, str] = {".": _grammar("."), ",": _grammar(",")}
"""RE2 patterns of an amount, by decimal mark: optional symbol and sign, grouped or plain digits, a fraction."""

_COMMON: dict[Mark, str] = {
    ".": r"^-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$",
    ",": r"^-?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?$",
}
"""The usual spelling, without symbols: its marks can be cut out by plain text replacement, which is fast."""

_SAMPLE = 20_000
"""Rows looked at first when a column's decimal mark is decided."""

_PLAIN = r"^-?\d+(?:\.\d*)?$"  # programs write 144. too
_AMBIGUOUS = re.compile(r"^-?\d{1,3}[.,]\d{3}$")
_NOISE = re.compile(rf"[{_GROUP}\s]|[^\d.,\-]")


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a file as text, with where it stands, so that an error can name file, line and column."""

    source: str
    header: str
    text: pa.Array
    lines: pa.Array
    mark: Mark = "."

    def refuse(self, row: int, expected: str) -> BadReport:
        """The error for one cell; the value is shown cut short, and not at all where it may be a person's address."""
        value = shown(self.text[row].as_py())
        return BadReport(
            self.source, f"expected {expected}, got {value}", line=self.lines[row].as_py(), column=self.header
        )


def shown(value: str | None) -> str:
    """A cell's value for an error message: at most 40 characters, on one line; never an e-mail address."""
    if value is None:
        return "nothing"
    if "@" in value:
        return "(a value not repeated here)"
    flat = " ".join(value.split())
    return repr(flat if len(flat) <= 40 else flat[:37] + "...")


def trimmed(text: pa.Array) -> pa.Array:
    """Cells without surrounding blanks, quotes' leftovers kept; missing ones become null."""
    out = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(out, value_set=pa.array(MISSING)), pa.scalar(None, pa.string()), out)


def by_value(function: Callable[[pa.Array], pa.Array], text: pa.Array) -> pa.Array:
    """Apply a cell-wise function once per distinct text: names and ids repeat a thousandfold in a report."""
    encoded = pc.dictionary_encode(text)
    values = function(encoded.dictionary)
    return text if values.equals(encoded.dictionary) else values.take(encoded.indices)


def decide_mark(columns: Iterable[Cells], counts: Iterable[Cells] = ()) -> Mark:
    """The file's decimal mark, from its money cells; whole-number columns speak only where money is silent.

    Raises BadReport when cells contradict each other, or when only three-digit groups (`1,234`) were seen.
    """
    money = list(columns)
    seen: dict[Mark, tuple[Cells, int]] = {}
    unclear: tuple[Cells, int] | None = None
    for cells in money:
        for row, value in _marked(cells):
            mark = _mark_of(value)
            if mark is None:
                unclear = unclear or (cells, row)
            else:
                seen.setdefault(mark, (cells, row))
    if not seen:
        for cells in counts:
            for row, value in _marked(cells):
                if re.fullmatch(r"-?\d{1,3}([.,])\d{3}(?:\1\d{3})*", value):
                    seen.setdefault("," if "." in value else ".", (cells, row))
    if len(seen) == 2:
        cells, row = seen[","]
        other, at = seen["."]
        raise cells.refuse(
            row, f"one decimal mark in the whole file (line {other.lines[at].as_py()} uses '.')"
        )
    if not seen and unclear:
        cells, row = unclear
        raise cells.refuse(
            row,
            "an amount that shows which mark is the decimal one (export it with two decimals), nowhere in this file",
        )
    return next(iter(seen), ".")


def _marked(cells: Cells) -> Iterable[tuple[int, str]]:
    """(row, digits and marks) of the distinct cells with a mark in them; enough to decide."""
    # A contradiction further down is still caught cell by cell when the amounts are read; a sample only has to decide
    # the mark, so it takes cells that prove something (two decimals) before any that have a mark at all.
    for pattern in (r"[.,]\d{1,2}\D*$", r"\d[.,]\d"):
        for start in (0, _SAMPLE):
            part = cells.text.slice(start, _SAMPLE if not start else None)
            hits = pc.fill_null(pc.match_substring_regex(part, pattern), False)
            rows = pc.indices_nonzero(hits)[:2000].to_pylist()
            for row in rows:
                yield start + row, _NOISE.sub("", part[row].as_py())
            if rows:
                break


def _mark_of(value: str) -> Mark | None:
    """Which mark the digits prove to be the decimal one: '12,5' proves ',', '1.234.567' proves ',', '1,234' nothing."""
    dots, commas = value.count("."), value.count(",")
    if dots and commas:
        return "." if value.rfind(".") > value.rfind(",") else ","
    if dots > 1:
        return ","
    if commas > 1:
        return "."
    if not dots and not commas:
        return None
    if _AMBIGUOUS.match(value) and not value.lstrip("-").startswith("0"):
        return None
    return "." if dots else ","


def amounts(cells: Cells, expected: str = "") -> pa.Array:
    """Exact amounts, decimal128(18, 6); null where the cell says 'not reported'.

    Finer digits than a micro come only from binary floats in connectors; they are rounded half-even to a micro.
    """
    example = "1,234.56" if cells.mark == "." else "1.234,56"
    expected = expected or f"an amount like {example}"
    text = _digits(cells, expected)
    try:
        return pc.cast(text, AMOUNT)
    except pa.ArrowInvalid:
        return pa.array(
            [None if t is None else _exact(cells, row, t) for row, t in enumerate(text.to_pylist())], AMOUNT
        )


def _digits(cells: Cells, expected: str) -> pa.Array:
    """Amounts in the plain spelling that a cast understands; raises for the first cell outside the grammar."""
    other = "," if cells.mark == "." else "."
    for text in _tidier(cells):  # a clean column needs no trimming, and is the common one
        if cells.mark == "." and _all(pc.match_substring_regex(text, _PLAIN)):
            return text
        if _all(pc.match_substring_regex(text, _COMMON[cells.mark])):
            text = pc.replace_substring(text, other, "")
            return pc.replace_substring(text, ",", ".") if cells.mark == "," else text
    _first_bad(cells, pc.match_substring_regex(text, GRAMMAR[cells.mark]), expected)
    _one_symbol(cells, text)
    text = pc.replace_substring_regex(text, rf"[^\d\-{re.escape(cells.mark)}]", "")
    return pc.replace_substring(text, ",", ".") if cells.mark == "," else text


def _one_symbol(cells: Cells, text: pa.Array) -> None:
    """Refuse a column that mixes currency symbols, as '€12.00' beside '$10.00'."""
    symbols = pc.struct_field(pc.extract_regex(text, f"(?P<symbol>{_SYMBOL})"), "symbol")
    seen = [s for s in pc.unique(symbols).to_pylist() if s]
    if len(seen) > 1:
        raise cells.refuse(
            pc.index(symbols, pa.scalar(seen[1])).as_py(), f"one currency; other rows say {seen[0]!r}"
        )


def _tidier(cells: Cells) -> Iterator[pa.Array]:
    """The cells as they stand, then (only if asked for) trimmed and with 'not reported' as null."""
    yield cells.text
    yield trimmed(cells.text)


def _exact(cells: Cells, row: int, text: str) -> Decimal:
    value = Decimal(text)
    if abs(value) >= 10**12:
        raise cells.refuse(row, "an amount below a million million")
    return value.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)


def micros(values: pa.Array) -> pa.Array:
    """Amounts in units (decimal, scale 6) -> int64 micros, exactly."""
    scaled = pc.multiply(values, pa.scalar(Decimal(1_000_000), pa.decimal128(7, 0)))
    return pc.cast(scaled, pa.int64())


def counts(cells: Cells) -> pa.Array:
    """Whole non-negative numbers, int64. `1,234` and `28.00` are whole; `0.5`, `-3` are refused."""
    for text in _tidier(cells):
        if _all(pc.match_substring_regex(text, r"^\d{1,18}$")):
            return pc.cast(text, pa.int64())
    values = amounts(cells, "a whole number like 1234")
    whole = pc.cast(pc.floor(values), pa.int64())
    good = pc.and_(pc.equal(values, pc.floor(values)), pc.greater_equal(values, zero(AMOUNT)))
    _first_bad(cells, good, "a whole number like 1234")
    return whole


def zero(kind: pa.DataType) -> pa.Scalar:
    """A zero of an integer or decimal type."""
    return pa.scalar(Decimal(0) if pa.types.is_decimal(kind) else 0, kind)


def _all(mask: pa.Array) -> bool:
    return pc.all(mask, min_count=0).as_py() is not False


def _first_bad(cells: Cells, good: pa.Array, expected: str) -> None:
    """Raise for the first false cell; nulls (not reported) pass."""
    if not _all(good):
        raise cells.refuse(pc.index(good, pa.scalar(False)).as_py(), expected)


# -- days ------------------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00| UTC)?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_HOUR = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|\+00:00| UTC)?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")

_MONTHS = (
    "jan janv ene", "feb febr fevr fév févr", "mar mär mrz mars", "apr avr abr", "may mai mayo", "jun juin", "jul juil",
    "aug août aout ago", "sep sept", "oct okt", "nov", "dec dez déc dic",
)  # fmt: skip
_MONTH = {word: n for n, words in enumerate(_MONTHS, 1) for word in words.split()}
_LONG = (
    "january januar janvier enero", "february februar février febrero", "march märz mars marzo", "april avril abril",
    "may mai mayo", "june juni juin junio", "july juli juillet julio", "august août agosto",
    "september septembre septiembre", "october oktober octobre octubre", "november novembre noviembre",
    "december dezember décembre diciembre",
)  # fmt: skip
_MONTH |= {word: n for n, words in enumerate(_LONG, 1) for word in words.split()}


def word_day(text: str) -> date | None:
    """A day with its month in letters ('January 20, 2026', '1. September 2026', '1 de septiembre de 2026') or ISO."""
    text = text.strip()
    match = _ISO.fullmatch(text)
    if match:
        return _date(int(match[1]), int(match[2]), int(match[3]))
    tokens = [t for t in re.split(r"[\s,.]+", text.casefold()) if t and t != "de"]
    tokens = tokens[1:] if len(tokens) == 4 and tokens[0].isalpha() else tokens  # 'Fri, 6 Feb 2026'
    months = [_MONTH[t] for t in tokens if t in _MONTH]
    years = [int(t) for t in tokens if re.fullmatch(r"[0-9]{4}", t)]
    days = [int(t) for t in tokens if re.fullmatch(r"[0-9]{1,2}", t)]
    if len(tokens) != 3 or not (len(months) == len(years) == len(days) == 1):
        return None
    return _date(years[0], months[0], days[0])


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 2000 <= year <= 2100 else None
    except ValueError:
        return None


def days(cells: Cells, *, hourly: bool = False) -> pa.Array:
    """Days, date32. `hourly` cuts a stamp down to its day. Raises BadReport where the order of day and month is open."""
    encoded = pc.dictionary_encode(by_value(trimmed, cells.text))
    words = encoded.dictionary.to_pylist()
    day_first = _day_first(cells, words)
    parsed = [_day(word, day_first, hourly) for word in words]
    for word, value in zip(words, parsed):
        if value is None:
            row = pc.index(trimmed(cells.text), pa.scalar(word)).as_py()
            raise cells.refuse(row, "a day like 2026-09-30")
    return pa.array(parsed, pa.date32()).take(encoded.indices)


def _day(word: str, day_first: bool, hourly: bool) -> date | None:
    if match := _SLASHED.fullmatch(word):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        return _date(year, second, first) if day_first else _date(year, first, second)
    if match := _DOTTED.fullmatch(word):
        return _date(int(match[3]), int(match[2]), int(match[1]))
    if match := _COMPACT.fullmatch(word) or (_HOUR.fullmatch(word) if hourly else None):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    return word_day(word)


def _day_first(cells: Cells, words: Iterable[str]) -> bool:
    """Whether 03/04/2026 is the third of April in this file, proved by a number above 12; undecidable is refused."""
    pairs = [(w, int(m[1]), int(m[2])) for w in words if (m := _SLASHED.fullmatch(w))]
    if not pairs:
        return False
    day_first = any(first > 12 for _, first, _ in pairs)
    month_first = any(second > 12 for _, _, second in pairs)
    if day_first == month_first:
        row = pc.index(trimmed(cells.text), pa.scalar(pairs[0][0])).as_py()
        why = "both orders occur" if day_first else "no day above 12 tells which number is the month"
        raise cells.refuse(row, f"days like 2026-09-30 ({why}; export with year-month-day)")
    return day_first
