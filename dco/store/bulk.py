"""Arrow tables into and out of report cells, column by column: no object per row of ours on the way.

Conversions are exact decimals with six places in Arrow and integer micros in the database: the same digits.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import ColumnElement, Connection, Select, String, cast

from dco.schemas import CONVERSIONS
from dco.store.engine import is_sqlite
from dco.store.tables import cells

STORED: Mapping[str, str] = {
    name: "conversions" if name == "conversions_micros" else name
    for name in cells.columns.keys()  # noqa: SIM118  (not a dict)
    if name not in ("delivery", "n")
}
"""Column of `cells` -> column of `schemas.REPORT`."""

_FETCH = 50_000
"""Rows per fetch: bounds memory while a long history becomes Arrow."""


def insert(conn: Connection, delivery: int, rows: pa.Table) -> None:
    """Store rows (`schemas.REPORT`) as the cells of a delivery: executemany on SQLite, COPY on PostgreSQL."""
    if not rows.num_rows:
        return
    rows = rows.combine_chunks()
    count = pa.array(range(rows.num_rows), pa.int64())
    columns = {"delivery": pa.repeat(delivery, rows.num_rows), "n": count} | {
        name: _to_micros(rows[source]) if name == "conversions_micros" else rows[source]
        for name, source in STORED.items()
    }
    columns["day"] = columns["day"].cast(pa.string())
    table = pa.table(columns).sort_by(
        [("day", "ascending"), ("n", "ascending")]
    )  # the B-tree's order: faster
    names = ", ".join(columns)
    if not is_sqlite(conn):
        _copy(conn, f"COPY cells ({names}) FROM STDIN (FORMAT csv)", table)
        return
    statement = f"INSERT INTO cells ({names}) VALUES ({', '.join('?' * len(columns))})"
    driver: Any = conn.connection.driver_connection
    for batch in table.to_batches(max_chunksize=_FETCH):
        driver.executemany(statement, zip(*(column.to_pylist() for column in batch.columns)))


def _copy(conn: Connection, statement: str, table: pa.Table) -> None:
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in table.to_batches(max_chunksize=_FETCH):
            copy.write(_csv(pa.Table.from_batches([batch])))


def _csv(table: pa.Table) -> bytes:
    """CSV in which a null is empty and an empty text is quoted, as COPY reads them."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(include_header=False))
    return sink.getvalue()


def digest(rows: pa.Table) -> str:
    """Hash of what a day's rows say, whatever their order and whatever lines of the file they stood on."""
    said = rows.drop_columns(["line"])
    lines = _csv(
        said.set_column(
            said.schema.get_field_index("conversions"), "conversions", _to_micros(said["conversions"])
        )
    )
    return hashlib.sha256(b"\n".join(sorted(lines.split(b"\n")))).hexdigest()


def select_columns(names: Iterable[str]) -> list[ColumnElement[Any]]:
    """Columns of `cells` for a SELECT; the day as text, which Arrow parses 20 times faster than the driver does."""
    return [cast(cells.c[name], String).label(name) if name == "day" else cells.c[name] for name in names]


def fetch(conn: Connection, statement: Select[Any], types: Mapping[str, pa.DataType]) -> pa.Table:
    """Run a SELECT whose columns are those of `types`, in that order; days arrive as text."""
    schema = pa.schema(
        [pa.field(name, pa.string() if kind == pa.date32() else kind) for name, kind in types.items()]
    )
    blocks = [
        pa.Table.from_arrays(
            [pa.array(column, f.type) for column, f in zip(zip(*block), schema)], schema=schema
        )
        for block in conn.execute(statement).partitions(_FETCH)
    ]
    table = pa.concat_tables(blocks) if blocks else schema.empty_table()
    return table.cast(pa.schema(list(types.items())))


def from_micros(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Integer micros as exact decimals: the same digits, the point six places in."""
    wide = [chunk.cast(pa.decimal128(38, 0)).view(pa.decimal128(38, 6)) for chunk in column.chunks]
    return pa.chunked_array(wide, pa.decimal128(38, 6)).cast(CONVERSIONS)


def _to_micros(column: pa.ChunkedArray) -> pa.ChunkedArray:
    wide = [chunk.view(pa.decimal128(38, 0)).cast(pa.int64()) for chunk in column.chunks]
    return pa.chunked_array(wide, pa.int64())


def dates(days: Iterable[date]) -> pa.Array:
    """Dates as Arrow's date32."""
    return pa.array(list(days), pa.date32())


def lookup(column: pa.ChunkedArray, table: Mapping[str, str]) -> pa.ChunkedArray:
    """Each value's entry in `table`; null where it has none."""
    at = pc.index_in(column, value_set=pa.array(list(table), pa.string()))
    return pa.chunked_array([pa.array(list(table.values()), pa.string()).take(at.combine_chunks())])
