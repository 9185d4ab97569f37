"""The cells of a file's table, column by column as text, each row with the physical line it began on.

A clean grid goes through pyarrow's CSV reader; line breaks in cells, ragged rows, blank lines and footers go through
the exact reader of the standard library, which knows every line number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from dco.errors import BadReport
from dco.platforms.sniff import MAX_COLUMNS, Sheet

_EMPTY_LINE = re.compile(rb"(?:^|\n)[,;\t \r]*(?=\n|\Z)")
"""A line with nothing in it, or only a spreadsheet's padding: the exact reader knows what to do with it."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as text. `columns[i]` belongs to `header[i]`; columns nobody asked for are None."""

    source: str
    header: tuple[str, ...]
    columns: tuple[pa.Array | None, ...]
    lines: pa.Array
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, index: int) -> pa.Array:
        column = self.columns[index]
        assert column is not None, f"column {self.header[index]} was not read"
        return column

    def filter(self, mask: pa.Array) -> Grid:
        """The rows where `mask` is true."""
        rows = pc.indices_nonzero(mask)
        n = len(rows)
        if n and rows[n - 1].as_py() - rows[0].as_py() == n - 1:  # one run of rows: nothing to copy
            return self._each(lambda column: column.slice(rows[0].as_py(), n))
        return self._each(lambda column: column.filter(mask))

    def _each(self, change: Callable[[pa.Array], pa.Array]) -> Grid:
        columns = tuple(None if c is None else change(c) for c in self.columns)
        return Grid(self.source, self.header, columns, change(self.lines), self.before, self.after)


def read_grid(
    sheet: Sheet,
    delimiter: str,
    index: int,
    wanted: set[int],
    *,
    footer: Callable[[list[str]], bool] = lambda cells: False,
    ends_at_blank: bool = False,
) -> Grid:
    """Read the table whose header is record `index` under `delimiter`.

    Args:
        wanted: indices of the columns to keep.
        footer: tells a short row that may stand below the data (a total) from a damaged one.
        ends_at_blank: the table ends at its first blank line; what follows goes to `after`.
    """
    records = sheet.heads[delimiter]
    header = _unpadded(records[index].cells)
    if len(header) > MAX_COLUMNS:
        raise BadReport(sheet.source, f"{len(header)} columns; at most {MAX_COLUMNS} are read")
    before = tuple(_unpadded(r.cells) for r in records[:index])
    first_line = records[index].last_line + 1
    start = _after_line(sheet.data, records[index].last_line)
    columns, lines = _fast(sheet.data, start, delimiter, len(records[index].cells), wanted, first_line)
    after: list[tuple[str, ...]] = []
    if lines is None:
        columns, lines, after = _exact(sheet, delimiter, index, header, wanted, footer, ends_at_blank)
    picked = tuple(columns.get(i) for i in range(len(header)))
    return Grid(sheet.source, header, picked, lines, before, tuple(after))


def _unpadded(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Cells without the empty ones a spreadsheet pads a line with."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _after_line(data: bytes, line: int) -> int:
    """Offset of the first byte behind a physical line (1-based)."""
    at = 0
    for _ in range(line):
        at = data.find(b"\n", at) + 1
        if not at:
            return len(data)
    return at


def _fast(
    data: bytes, start: int, delimiter: str, width: int, wanted: set[int], first_line: int
) -> tuple[dict[int, pa.Array], pa.Array | None]:
    """Columns by pyarrow, or (.., None) when the grid is not so clean that line numbers follow from row numbers."""
    quotes = data.count(b'"', start)
    if start == len(data) or quotes % 2 or data.count(b"\r") != data.count(b"\r\n"):
        return {}, None
    names = [str(i) for i in range(width)]
    keep = [str(i) for i in sorted(wanted)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(start)),
            pacsv.ReadOptions(column_names=names, block_size=max(len(data) - start, 1)),
            pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=bool(quotes), ignore_empty_lines=False
            ),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(keep, pa.string()), include_columns=keep, strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return {}, None
    physical = data.count(b"\n", start) + (not data.endswith(b"\n"))
    if table.num_rows != physical or _has_empty_line(data, start, table["0"]):
        return {}, None
    lines = pa.array(np.arange(first_line, first_line + physical, dtype=np.int64))
    return {int(name): _whole(table[name]) for name in keep}, lines


def _has_empty_line(data: bytes, start: int, first_column: pa.ChunkedArray) -> bool:
    if not pc.any(pc.equal(pc.utf8_trim_whitespace(pc.unique(first_column)), "")).as_py():
        return False
    return _EMPTY_LINE.search(data, start, len(data) - data.endswith(b"\n")) is not None


def _whole(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array


def _exact(
    sheet: Sheet,
    delimiter: str,
    index: int,
    header: tuple[str, ...],
    wanted: set[int],
    footer: Callable[[list[str]], bool],
    ends_at_blank: bool,
) -> tuple[dict[int, pa.Array], pa.Array, list[tuple[str, ...]]]:
    """The same by the standard library, row by row; raises BadReport with the line of a row that does not fit."""
    columns: dict[int, list[str]] = {i: [] for i in sorted(wanted)}
    lines: list[int] = []
    after: list[tuple[str, ...]] = []
    ended = False
    stream = io.TextIOWrapper(io.BytesIO(sheet.data), encoding="utf-8", newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    begins = 1
    try:
        for number, cells in enumerate(reader):
            line, begins = begins, reader.line_num + 1
            if number <= index:
                continue
            if not any(c.strip() for c in cells):
                ended = ended or ends_at_blank
                continue
            if ended:
                after.append(tuple(cells))
                continue
            cells = _fitted(sheet.source, header, cells, line, footer)
            lines.append(line)
            for i, column in columns.items():
                column.append(cells[i])
    except csv.Error as error:
        raise BadReport(sheet.source, f"{_plain(error)}; export it again", line=begins) from None
    arrays = {i: pa.array(column, pa.string()) for i, column in columns.items()}
    return arrays, pa.array(lines, pa.int64()), after


def _fitted(
    source: str, header: tuple[str, ...], cells: list[str], line: int, footer: Callable[[list[str]], bool]
) -> list[str]:
    """A row with exactly as many cells as the header; padding is cut, a footer filled up, anything else refused."""
    width = len(header)
    if len(cells) > width and not any(c.strip() for c in cells[width:]):
        return cells[:width]
    if len(cells) < width and footer(cells):
        return cells + [""] * (width - len(cells))
    if len(cells) != width:
        raise BadReport(
            source,
            f"{len(cells)} cells where the header has {width}: the file is cut short or a quote is missing; export it again",
            line=line,
        )
    return cells


def _plain(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quoted cell is never closed: the file is cut short"
    if "field larger" in str(error):
        return "a cell is longer than 131,072 characters"
    return re.sub(r"[^\w ',.\"-]", "", f"quotes are broken ({error})")
