"""One workspace: a folder with its database and its files. Open it, then read a snapshot or write one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dco.errors import StoreError
from dco.store.engine import WAIT_SECONDS, WRITING, is_sqlite, make_engine
from dco.store.files import Files
from dco.store.migrate import bring_up


class Workspace:
    """A client's store. Use as a context manager; `engine` and `files` are its two halves.

    >>> import tempfile
    >>> with Workspace.open(Path(tempfile.mkdtemp())) as workspace, workspace.read() as conn:
    ...     conn.exec_driver_sql("select count(*) from runs").scalar()
    0
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.files = Files(folder / "files")

    @classmethod
    def open(cls, folder: Path, url: str | None = None, *, wait_seconds: float = WAIT_SECONDS) -> Workspace:
        """Open a workspace; create or migrate what is missing. `url` defaults to `sqlite:///<folder>/dco.db`.

        Raises:
            StoreError: the folder or database cannot be used, or was made by a newer version of dco.
        """
        folder = Path(folder).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{folder}: cannot be a workspace ({error.strerror}); name a folder you may write to"
            ) from error
        engine = make_engine(url or f"sqlite:///{folder / 'dco.db'}", wait_seconds)
        workspace = cls(folder, engine)
        try:
            with workspace.read() as conn:
                ready = bring_up(conn, look_only=True)
            if not ready:
                with workspace.write() as conn:
                    bring_up(conn)
        except BaseException:
            engine.dispose()
            raise
        return workspace

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """ONE writing transaction, committed to the disk when the block ends, undone when it raises.

        There is one writer at a time; another one waits, then gets an error. After an error of the database nothing
        of the block remains, and nothing is tried again: the run stops and resumes from its last finished step.
        """
        with _one_line_errors(self.engine), self.engine.connect() as conn:
            conn.execution_options(**{WRITING: True})
            with conn.begin():
                yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one unchanging state and cannot write."""
        with _one_line_errors(self.engine), self.engine.connect() as conn, conn.begin() as transaction:
            if not is_sqlite(conn):
                yield conn
                return
            conn.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield conn
            finally:
                conn.exec_driver_sql("PRAGMA query_only=OFF")
                transaction.rollback()

    def integrity(self) -> list[str]:
        """What is wrong with the database, in sentences; empty when it is sound (SQLite checks every page)."""
        with self.read() as conn:
            if not is_sqlite(conn):
                return []
            pages = [row[0] for row in conn.exec_driver_sql("PRAGMA integrity_check")]
            orphans = [
                f"{row[0]} row {row[1]} points at no {row[2]}"
                for row in conn.exec_driver_sql("PRAGMA foreign_key_check")
            ]
        return [line for line in pages if line != "ok"] + orphans

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _one_line_errors(engine: Engine) -> Iterator[None]:
    """A database's own errors as one line a person can act on, without the URL's password."""
    driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
    try:
        yield
    except (SQLAlchemyError, driver_error) as error:  # the driver's own come from bulk inserts
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()[0]
        place = engine.url.render_as_string(hide_password=True)
        raise StoreError(f"{place}: {said}; nothing of this step was stored{_way_out(said)}") from error


def _way_out(said: str) -> str:
    ways = {
        "locked": "another writer held the store too long: wait for it, or end it",
        "lock timeout": "another writer held the store too long: wait for it, or end it",
        "full": "free space on the disk, then run again",
        "disk I/O": "look at the disk and its free space, then run again",
        "readonly": "the file or its folder may not be written to",
        "unable to open": "check the path and its permissions",
        "malformed": "restore it from a backup",
        "not a database": "restore it from a backup, or name another file",
    }
    return next((f"; {way}" for sign, way in ways.items() if sign in said), "")
