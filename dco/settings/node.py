"""A YAML mapping that knows its lines, and hands out typed values or one clear error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dco.errors import BadCampaign
from dco.records import MICROS

T = TypeVar("T")
_ABSENT: Any = object()


def parse(text: str, source: str) -> Node:
    """The top mapping of a YAML 1.2 text; duplicate keys and broken syntax are refused with their line."""
    try:
        data = YAML(typ="rt").load(StringIO(text))
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        name = str(error.problem).split('"')[1] if '"' in str(error.problem) else ""
        raise BadCampaign(source, line, name, "this key is there twice; keep one of them") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise BadCampaign(source, line, "", f"not valid YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:  # control characters; a date such as 2026-02-30
        first = str(error).strip().splitlines()[0]
        raise BadCampaign(source, None, "", f"not valid YAML: {first}") from None
    if not isinstance(data, CommentedMap):
        raise BadCampaign(source, 1, "", "expected a mapping of keys such as 'campaign:' and 'brand:'")
    return Node(data, source, "")


class Node:
    """One mapping of the file. Every getter names file, line and key when it has to refuse."""

    def __init__(self, data: CommentedMap, source: str, path: str) -> None:
        self.data, self.source, self.path = data, source, path

    def line(self, key: str | None = None) -> int:
        """1-based line of a key, or of the mapping itself."""
        if key is not None and key in self.data:
            return int(self.data.lc.key(key)[0]) + 1
        return int(self.data.lc.line) + 1

    def fail(self, key: str, problem: str) -> BadCampaign:
        return BadCampaign(self.source, self.line(key), f"{self.path}{key}", problem)

    def only(self, *known: str) -> Node:
        """Refuse a key that is not one of `known`, suggesting the nearest."""
        for key in self.data:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"
                raise self.fail(key, f"unknown key{hint}")
        return self

    def _get(self, key: str, expected: str, default: Any) -> Any:
        if key in self.data and self.data[key] is not None:
            return self.data[key]
        if default is not _ABSENT:
            return default
        missing = "is empty" if key in self.data else "is missing"
        raise self.fail(key, f"{missing}; expected {expected}")

    def text(self, key: str, expected: str = "a text", default: Any = _ABSENT) -> str:
        value = self._get(key, expected, default)
        if not isinstance(value, str):
            raise self.fail(key, f"expected {expected}, got {value!r}; put it in quotes if it is a text")
        if not value.strip() and default is _ABSENT:
            raise self.fail(key, f"is blank; expected {expected}")
        return str(value).strip()

    def choice(self, key: str, options: Iterable[str], default: Any = _ABSENT) -> str:
        known = list(options)
        value = self.text(key, f"one of {', '.join(known)}", default)
        if value not in known:
            near = get_close_matches(value, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise self.fail(key, f"expected one of {', '.join(known)}, got '{value}'{hint}")
        return value

    def integer(self, key: str, low: int, high: int, default: Any = _ABSENT) -> int:
        value = self._get(key, f"a whole number from {low} to {high}", default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, f"expected a whole number from {low} to {high}, got {value!r}")
        return int(value)

    def fraction(self, key: str, low: float, high: float, default: Any = _ABSENT) -> float:
        value = self._get(key, f"a fraction from {low:g} to {high:g}", default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.fail(key, f"expected a fraction from {low:g} to {high:g}, got {value!r}")
        if not low <= value <= high:
            way = f"; write {value / 100:g} for {value:g} %" if 1 < value <= 100 else ""
            raise self.fail(key, f"expected a fraction from {low:g} to {high:g}, got {value:g}{way}")
        return float(value)

    def number(self, key: str, low: float, high: float, default: Any = _ABSENT) -> float:
        value = self._get(key, f"a number from {low:g} to {high:g}", default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise self.fail(key, f"expected a number from {low:g} to {high:g}, got {value!r}")
        return float(value)

    def money(self, key: str, default: Any = _ABSENT) -> int:
        """An amount such as 500 or 12.50 -> integer micros. Text and signs of currency are refused."""
        expected = "an amount such as 500 or 12.50, in the campaign's currency"
        value = self._get(key, expected, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.fail(key, f"expected {expected}, got {value!r}")
        try:
            # repr of a YAML float is the text that was written, up to trailing zeros: exact where float() is not
            micros = Decimal(repr(value) if isinstance(value, int) else str(float(value))) * MICROS
        except InvalidOperation:
            raise self.fail(key, f"expected {expected}, got {value!r}") from None
        if not micros.is_finite() or micros < 0 or micros != micros.to_integral_value():
            raise self.fail(key, f"expected {expected}, got {value!r}")
        return int(micros)

    def day(self, key: str) -> date:
        value = self._get(key, "a date such as 2026-09-01", _ABSENT)
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        raise self.fail(key, f"expected a date such as 2026-09-01, got {value!r}")

    def file(self, key: str) -> str:
        """A path inside the campaign's folder; an address, and a path that leads out of the folder, are refused."""
        value = self.text(key, "a file beside the campaign file")
        if value.startswith(("/", "~", "\\")) or ".." in Path(value).parts or ":" in value or "\0" in value:
            raise self.fail(key, f"expected a file inside the campaign's folder, got {value!r}")
        return value

    def mapping(self, key: str, expected: str = "a mapping", default: Any = _ABSENT) -> Node:
        value = self._get(key, expected, default)
        if value is default and default is not _ABSENT:
            return Node(CommentedMap(), self.source, f"{self.path}{key}.")
        if not isinstance(value, CommentedMap):
            raise self.fail(key, f"expected {expected}, got {value!r}")
        return Node(value, self.source, f"{self.path}{key}.")

    def mappings(self, key: str, expected: str, default: Any = _ABSENT) -> list[Node]:
        value = self._get(key, f"a list: {expected}", default)
        if value is default and default is not _ABSENT:
            return []
        if not isinstance(value, CommentedSeq) or not value:
            raise self.fail(key, f"expected a list, each {expected}, got {value!r}")
        nodes = []
        for i, item in enumerate(value):
            if not isinstance(item, CommentedMap):
                line = int(value.lc.item(i)[0]) + 1
                raise BadCampaign(
                    self.source, line, f"{self.path}{key}[{i}]", f"expected {expected}, got {item!r}"
                )
            nodes.append(Node(item, self.source, f"{self.path}{key}[{i}]."))
        return nodes

    def texts(self, key: str, expected: str = "a list of texts", default: Any = _ABSENT) -> tuple[str, ...]:
        """A list of texts; numbers must be quoted, so that an id never loses digits; repeated entries are refused."""
        value = self._get(key, expected, default)
        if value is default and default is not _ABSENT:
            return tuple(default)
        if not isinstance(value, CommentedSeq) or not value:
            raise self.fail(key, f"expected {expected} such as [a, b], got {value!r}")
        seen: list[str] = []
        for i, item in enumerate(value):
            line = int(value.lc.item(i)[0]) + 1
            where = f"{self.path}{key}[{i}]"
            if not isinstance(item, str) or not item.strip():
                raise BadCampaign(
                    self.source,
                    line,
                    where,
                    f"expected a text, got {item!r}; put numbers and ids in quotes so that no digit is lost",
                )
            if item in seen:
                raise BadCampaign(self.source, line, where, f"'{item}' is there twice")
            seen.append(str(item))
        return tuple(seen)

    def each(self, read: Callable[[str], T]) -> dict[str, T]:
        """Apply a getter to every key, in file order."""
        return {str(key): read(key) for key in self.data}

    def plain(self) -> Mapping[str, Any]:
        return dict(self.data)
