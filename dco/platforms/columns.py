"""The columns a format is described with: which headers they answer to, and how their cells are read.

A name is compared whole (case, blanks and apostrophes aside), so `Avg. cost` and `Cost / conv.` never match `Cost`.
A name ending in ` (*)` matches a header that carries its currency, as in `Amount spent (USD)`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dco.platforms import cells as read
from dco.platforms.cells import Cells
from dco.platforms.sniff import norm
from dco.schemas import CONVERSIONS

_CURRENCY = re.compile(r"(.*) \(([a-z]{3})\)")
_CORRUPT_ID = r"^\d+(?:[.,]\d+)?[eE]\+?\d+$|^\d+\.0+$"


@dataclass(frozen=True, slots=True, init=False)
class Column(ABC):
    """Headers, in order of preference, that this column answers to."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", tuple(norm(n) for n in names))

    @abstractmethod
    def read(self, cells: Cells) -> pa.Array:
        """The column's values; raises BadReport naming the first cell that cannot be read."""

    def find(self, header: tuple[str, ...]) -> tuple[int, str] | None:
        """Index of the best matching header and the currency it carries ('' when none), or None."""
        plain = [norm(h) for h in header]
        for name in self.names:
            if name in plain:
                return plain.index(name), ""
            if name.endswith(" (*)"):
                for i, text in enumerate(plain):
                    match = _CURRENCY.fullmatch(text)
                    if match and match[1] == name[:-4]:
                        return i, match[2].upper()
        return None


class Text(Column):
    """Names, kept as they are; blank is null."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.by_value(read.trimmed, cells.text)


class Id(Column):
    """Ids, kept as text. An id that a spreadsheet has turned into a number (1.20253E+17) cannot be recovered: refused."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        text = read.by_value(read.trimmed, cells.text)
        broken = read.by_value(lambda t: pc.match_substring_regex(t, _CORRUPT_ID), text)
        if pc.any(broken).as_py():
            raise cells.refuse(
                pc.index(broken, pa.scalar(True)).as_py(),
                "an id with all its digits (a spreadsheet has rounded it; use the file as downloaded)",
            )
        return text


class AccountId(Id):
    """Google's customer id, which the web writes 123-456-7890 and the API 1234567890: digits only."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        text = super().read(cells)
        return read.by_value(
            lambda t: pc.replace_substring_regex(t, r"^(\d{3})-(\d{3})-(\d{4})$", r"\1\2\3"), text
        )


class ResourceId(Id):
    """The id at the end of a resource name: 'customers/1/adGroups/23' -> '23'."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.by_value(lambda t: pc.replace_substring_regex(t, r"^.*/", ""), super().read(cells))


class Day(Column):
    """A calendar day."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.days(cells)


class Hour(Column):
    """A stamp cut down to its day, for tables with a row per hour."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.days(cells, hourly=True)


class Count(Column):
    """Whole non-negative numbers."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.counts(cells)


class Exact(Column):
    """Conversions: fractional, exact, not negative."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        values = read.amounts(cells, "a number like 40.50" if cells.mark == "." else "a number like 40,50")
        negative = pc.less(values, read.zero(values.type))
        if pc.any(negative).as_py():
            raise cells.refuse(
                pc.index(negative, pa.scalar(True)).as_py(), "a number of conversions, zero or more"
            )
        return values.cast(CONVERSIONS)


class Micros(Column):
    """Money in units of the currency (1,234.56) -> int64 micros."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        return read.micros(read.amounts(cells))


class RawMicros(Column):
    """Money that the table already states in micros (cost_micros); fractions of a micro are refused."""

    __slots__ = ()

    def read(self, cells: Cells) -> pa.Array:
        text = read.trimmed(cells.text)
        whole = pc.match_substring_regex(text, r"^-?\d{1,18}(?:\.0+)?$")
        if pc.all(whole, min_count=0).as_py() is False:
            raise cells.refuse(
                pc.index(whole, pa.scalar(False)).as_py(), "a whole number of micros like 1230000"
            )
        return pc.cast(pc.replace_substring_regex(text, r"\.0+$", ""), pa.int64())


Columns = Mapping[str, Column]
"""Field of `schemas.REPORT` (or a private one that starts with '_') -> the column it is read from."""
