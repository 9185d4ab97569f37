"""Opening, migrating, and what one transaction promises."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import dco.store.migrate
from dco.errors import BadData, StoreError
from dco.store import migrate, runs
from dco.store.migrations.versions import r0001_initial
from dco.store.tables import APPEND_ONLY, Base
from dco.store.types import canonical
from dco.store.workspace import Workspace

from .conftest import dump
from .examples import DAY, NOON, delivery, row


def test_migrations_make_the_tables_that_the_models_say(workspace: Workspace) -> None:
    with workspace.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_known_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(dco.store.migrate.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD
    assert r0001_initial.GUARDED == APPEND_ONLY


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace, workspace.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="9999, newer than this dco"):
        Workspace.open(tmp_path)


def test_opening_a_ready_store_does_not_load_alembic(tmp_path: Path) -> None:
    Workspace.open(tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from dco.store.workspace import Workspace;"
        "Workspace.open(Path(sys.argv[1])).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_processes_that_open_a_new_store_at_once_agree(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from dco.store.workspace import Workspace; Workspace.open(Path(sys.argv[1])).close()"
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    with Workspace.open(tmp_path) as workspace:
        assert workspace.integrity() == []


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "not a url"])
def test_an_unknown_database_is_one_clear_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///"):
        Workspace.open(tmp_path, url)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "dco.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="restore it from a backup"):
        Workspace.open(tmp_path)


def test_passwords_do_not_reach_messages(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Workspace.open(tmp_path, "postgresql://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)


def test_an_error_undoes_the_whole_transaction(workspace: Workspace) -> None:
    before = dump(workspace)
    with pytest.raises(ZeroDivisionError), workspace.write() as conn:
        claim(conn)
        1 / 0  # noqa: B018
    assert dump(workspace) == before


def test_a_reading_connection_cannot_write(workspace: Workspace) -> None:
    with pytest.raises(StoreError), workspace.read() as conn:
        claim(conn)
    with workspace.write() as conn:
        claim(conn)


def test_a_reader_sees_one_state_while_others_write(workspace: Workspace) -> None:
    with workspace.read() as conn:
        assert runs.last(conn, "c") is None
        with workspace.write() as other:
            claim(other)
        assert runs.last(conn, "c") is None
    with workspace.read() as conn:
        assert runs.last(conn, "c") is not None


def test_writers_wait_for_each_other(workspace: Workspace) -> None:
    """Read, then write, in threads: without BEGIN IMMEDIATE an update would be lost or refused at once."""

    def add_one() -> None:
        for _ in range(5):
            with workspace.write() as conn:
                seen = conn.exec_driver_sql("SELECT coalesce(max(seed), 0) FROM runs").scalar_one()
                claim(conn, campaign=f"c{seen}", seed=seen + 1)

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace.read() as conn:
        seeds = conn.exec_driver_sql("SELECT seed FROM runs ORDER BY seed").scalars().all()
    assert seeds == list(range(1, 21))


def test_a_writer_that_waits_too_long_gets_an_error(workspace: Workspace) -> None:
    url = None if workspace.engine.dialect.name == "sqlite" else workspace.engine.url.render_as_string(False)
    held = pytest.raises(StoreError, match="another writer held the store too long")
    with (
        Workspace.open(workspace.folder, url, wait_seconds=0.2) as impatient,
        workspace.write(),
        held,
        impatient.write(),
    ):
        pass


@pytest.mark.parametrize("name", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_append_only_rows_never_change(filled: Workspace, name: str, verb: str) -> None:
    column = next(iter(Base.metadata.tables[name].primary_key.columns)).name
    with pytest.raises(StoreError, match=f"rows of {name} never change"), filled.write() as conn:
        conn.exec_driver_sql(verb.format(name, column))


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """At least one row in every guarded table."""
    from dco.store import arms, ledger, sheets, versions

    from .examples import creative, shares

    with workspace.write() as conn:
        ledger.apply(conn, delivery([row(DAY, 1)], stamp=NOON), NOON)
        arm = creative("a")
        arms.save_creative(conn, "c", arm, None, True, NOON)
        arms.record(conn, "c", arm.arm_id, "approved", by="me", now=NOON)
        versions.publish(conn, "c", {}, shares([("all", arm.arm_id, 1.0, 0.0)]), run=DAY, now=NOON)
        sheets.save(conn, "c", 1, "a,b\n")
    return workspace


def claim(conn, campaign: str = "c", seed: int = 1) -> runs.Run:  # type: ignore[no-untyped-def]
    return runs.claim(conn, campaign, DAY, now=NOON, owner="me", lease_seconds=60, seed=seed, config="x")


def test_a_moment_without_a_zone_is_refused(workspace: Workspace) -> None:
    naive = datetime(2026, 3, 1)
    with pytest.raises(BadData, match="without a zone"), workspace.write() as conn:
        runs.claim(conn, "c", DAY, now=naive, owner="me", lease_seconds=60, seed=1, config="x")


def test_moments_come_back_in_utc_to_the_microsecond(workspace: Workspace) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    with workspace.write() as conn:
        runs.claim(conn, "c", DAY, now=moment, owner="me", lease_seconds=60, seed=1, config="x")
    with workspace.read() as conn:
        last = runs.last(conn, "c")
    assert last is not None and last.started == moment and last.started.tzinfo is UTC


@pytest.mark.parametrize("value", [float("nan"), {"a": DAY}, object()])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(BadData, match="JSON"):
        canonical(value)
