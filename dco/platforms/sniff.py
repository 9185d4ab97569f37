"""Bytes of a file -> text of a table, or one clear refusal: size, packing, encoding, and whose file it is not.

A lead export (names, e-mail addresses, phone numbers) is refused here, before any value of it can reach a message.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import unicodedata
import zlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import PurePath
from typing import Any

from dco.errors import BadReport

MAX_BYTES = 512 * 1024 * 1024
MAX_COLUMNS = 1000
DELIMITERS = (",", "\t", ";")
HEAD_RECORDS = 40
_HEAD_BYTES = 262_144

_MAGIC = {
    b"PK\x03\x04": "a zip or .xlsx file; open it and save the sheet as CSV",
    b"%PDF": "a PDF; download the report as CSV",
    b"\xd0\xcf\x11\xe0": "an old .xls file; save the sheet as CSV",
    b"PAR1": "a Parquet file; export the table as CSV",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}

_PERSONAL = re.compile(
    r"e-?mail( ?address| ?adresse)?|phone( ?number)?|telefon(nummer)?|t[ée]l[ée]phone|tel[ée]fono|full ?name|first ?name|"
    r"last ?name|vorname|nachname|pr[ée]nom|apellidos?|(work|business) e-?mail|mobile ?phone"
)
_ADDRESS = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"^(?:p:)?\+\d[\d ()/.-]{6,}$")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the head of a file: its cells, and the physical line it ended on."""

    cells: tuple[str, ...]
    last_line: int


@dataclass(frozen=True)
class Sheet:
    """A file as UTF-8 text without byte order mark. `sha256` is that of the bytes as delivered."""

    source: str
    data: bytes
    sha256: str
    semicolons_only: bool = False

    @cached_property
    def heads(self) -> dict[str, tuple[Record, ...]]:
        """The first records of the file under each delimiter."""
        text = self.data[:_HEAD_BYTES].decode("utf-8", errors="ignore")
        delimiters = (";",) if self.semicolons_only else DELIMITERS
        return {d: _head(text, d) for d in delimiters}

    @cached_property
    def json(self) -> Any:
        """The file as JSON (fractions as Decimal), or None when it is a table."""
        if not self.is_json:
            return None
        try:
            return json.loads(self.data, parse_float=Decimal, parse_constant=lambda c: c)
        except ValueError as error:
            line = getattr(error, "lineno", None)
            raise BadReport(
                self.source, "not valid JSON (cut short or edited?); export it again", line=line
            ) from None
        except RecursionError:
            raise BadReport(self.source, "JSON nested deeper than any platform writes it") from None

    @cached_property
    def is_json(self) -> bool:
        return self.data[:_HEAD_BYTES].lstrip()[:1] in (b"{", b"[")


def _head(text: str, delimiter: str) -> tuple[Record, ...]:
    records: list[Record] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            records.append(Record(tuple(cells), reader.line_num))
            if len(records) == HEAD_RECORDS:
                break
    except csv.Error:
        pass  # what was read so far is what a header can be looked for in
    return tuple(records)


def open_sheet(source: str, data: bytes) -> Sheet:
    """Check, unpack and decode a file. Raises BadReport for what no platform's table can be."""
    source = PurePath(source).name
    sha256 = hashlib.sha256(data).hexdigest()
    if data[:2] == b"\x1f\x8b":
        data = _unpack(source, data)
    if len(data) > MAX_BYTES:
        raise BadReport(source, f"larger than {MAX_BYTES // 2**20} MB; export a shorter range of days")
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise BadReport(source, f"expected a CSV or JSON report, got {what}")
    text, semicolons_only = _decode(source, data)
    if not text or text.isspace():
        raise BadReport(source, "the file is empty; export it again")
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    sheet = Sheet(source, text, sha256, semicolons_only)
    if not sheet.is_json:
        _refuse_people(sheet)
    return sheet


def _unpack(source: str, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            out = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise BadReport(source, "the .gz file is damaged or cut short; copy it again") from None
    return out


def _decode(source: str, data: bytes) -> tuple[bytes, bool]:
    """UTF-8 bytes of the text, and whether it must be a semicolon file (a Western European Excel re-save)."""
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = data.decode("utf-16").encode("utf-8")
        else:
            text = data.removeprefix(b"\xef\xbb\xbf")
            text.decode("utf-8")
    except UnicodeError as error:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data or data.count(b";") < 3:
            raise BadReport(source, _undecodable(data, error)) from None
        # Excel on a Western European Windows saves 'CSV (semicolon)' in its ANSI code page.
        try:
            return data.decode("cp1252").encode("utf-8"), True
        except UnicodeError:
            raise BadReport(source, _undecodable(data, error)) from None
    if b"\0" in text:
        line = text[: text.index(b"\0")].count(b"\n") + 1
        raise BadReport(
            source, "a NUL byte: binary or damaged, expected a text report; export it again", line=line
        )
    return text, False


def _undecodable(data: bytes, error: UnicodeError) -> str:
    at = getattr(error, "start", 0)
    return f"neither UTF-8 nor UTF-16 text (byte {at + 1} of {len(data)}); export it again as CSV in UTF-8"


def norm(header: str) -> str:
    """A header as compared: NFC, lower case, single blanks, straight apostrophes. Exact otherwise, never a prefix."""
    text = unicodedata.normalize("NFC", header).replace("’", "'").replace("\ufeff", "")
    return " ".join(text.split()).casefold()


def _refuse_people(sheet: Sheet) -> None:
    for records in sheet.heads.values():
        for record in records:
            names = [norm(c).replace("_", " ") for c in record.cells]
            # A header has no bare numbers; without this a performance row with a cell 'Email' would count as one.
            header = len(names) > 1 and not any(re.fullmatch(r"[\d.,:/ -]*\d[\d.,:/ -]*", n) for n in names)
            if header and any(_PERSONAL.fullmatch(n) for n in names):
                raise BadReport(
                    sheet.source,
                    "holds personal data columns (names, e-mail addresses or phone numbers); lead exports are never read, "
                    "delete it here and export a performance report",
                )


def looks_personal(cells: tuple[str, ...]) -> bool:
    """True when a record's cells hold an e-mail address or a phone number, so that it may not be repeated."""
    return any(_ADDRESS.search(c) or _PHONE.match(c.strip()) for c in cells)
