"""How to talk to the two databases so that they promise the same: one writer at a time, each commit on the disk.

SQLite: WAL, `synchronous=FULL`, and every writing transaction starts with BEGIN IMMEDIATE. A deferred transaction that
first reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT when somebody else wrote meanwhile, whatever the
busy timeout. PostgreSQL: an advisory lock held for the transaction gives the same single writer.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from dco.errors import StoreError

WRITING = "dco_writing"
"""Execution option of a connection whose transactions write."""

WRITE_LOCK = 0x64636F
"""Key of PostgreSQL's advisory lock: 'dco' in ASCII."""

WAIT_SECONDS = 30.0
"""How long a writer waits for another one before it gives up with an error."""


def make_engine(url: str, wait_seconds: float = WAIT_SECONDS) -> Engine:
    """An engine for `sqlite:///...` or `postgresql://...`; other databases are refused.

    Raises:
        StoreError: not a database URL, or one that dco does not know.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "the database URL cannot be read; give sqlite:///<file> or postgresql://user@host/name"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, wait_seconds)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, wait_seconds)
    raise StoreError(
        f"database {parsed.get_backend_name()!r} is not known; give sqlite:///<file> or postgresql://..."
    )


def _sqlite(url: URL, wait_seconds: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": wait_seconds})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, by us, not by the driver
        cursor = connection.cursor()
        _use_wal(cursor, wait_seconds)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _use_wal(cursor: sqlite3.Cursor, wait_seconds: float) -> None:
    """Switch to WAL once; the switch does not obey the busy timeout, so two first openers must be patient here."""
    for attempt in range(int(wait_seconds * 50) + 1):
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == int(wait_seconds * 50):
                raise
            time.sleep(0.02)


def _postgresql(url: URL, wait_seconds: float) -> Engine:
    try:
        engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ImportError:
        raise StoreError(
            "PostgreSQL needs the package psycopg; install it with: pip install 'dco[postgres]'"
        ) from None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITING, False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_seconds * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    return engine


def is_sqlite(connection: Connection) -> bool:
    """Which of the two databases this is."""
    return connection.dialect.name == "sqlite"
