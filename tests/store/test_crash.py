"""A process killed inside a writing transaction leaves every table, byte for byte, as it was; the next one works."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dco.errors import StoreError
from dco.store import ledger
from dco.store.workspace import Workspace

from .conftest import dump
from .examples import DAY, day, delivery, noon, row

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import store_examples as x
from dco.store import arms, ledger, runs, versions
from dco.store.workspace import Workspace
after, count = int(sys.argv[4]), 0
def boundary():
    global count
    count += 1
    if count == after:
        os.kill(os.getpid(), signal.SIGKILL)
with Workspace.open(Path(sys.argv[1]), sys.argv[2] or None) as workspace, workspace.write() as conn:
    run = runs.claim(conn, "c", x.DAY, now=x.NOON, owner="k", lease_seconds=1, seed=1, config="x"); boundary()
    ledger.apply(conn, x.delivery([x.row(x.DAY, n, line=n) for n in range(1, 600)], stamp=x.noon(2)), x.noon(2)); boundary()
    arm = x.creative("new"); arms.save_creative(conn, "c", arm, x.DAY, False, x.NOON); boundary()
    arms.record(conn, "c", arm.arm_id, "approved", by="me", now=x.NOON); boundary()
    versions.publish(conn, "c", {}, x.shares([("all", arm.arm_id, 1.0, 0.0)]), run=x.DAY, now=x.NOON); boundary()
    runs.finish_step(conn, run, "all", {}); boundary()
"""

LAST = 6
"""The boundary just before the commit."""


@pytest.fixture(scope="session")
def importable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples under a name of their own, for child processes."""
    folder = tmp_path_factory.mktemp("importable")
    shutil.copy(Path(__file__).with_name("examples.py"), folder / "store_examples.py")
    return folder


def start(workspace: Workspace, importable: Path, after: int) -> int:
    url = "" if workspace.engine.dialect.name == "sqlite" else workspace.engine.url.render_as_string(False)
    arguments = [str(workspace.folder), url.replace("+psycopg", ""), str(importable), str(after)]
    return subprocess.run([sys.executable, "-c", KILLED, *arguments], stderr=subprocess.DEVNULL).returncode


def test_kill_9_before_the_commit_changes_nothing(workspace: Workspace, importable: Path) -> None:
    """Killed after the last of six writes; then the same work, unbroken, is stored whole."""
    with workspace.write() as conn:
        ledger.apply(conn, delivery([row(DAY, 5), row(day(1), 6)], stamp=noon(1)), noon(1))
    before = dump(workspace)
    assert start(workspace, importable, LAST) == -signal.SIGKILL
    assert dump(workspace) == before
    assert workspace.integrity() == []
    with workspace.write() as conn:  # nobody holds a lock
        ledger.apply(conn, delivery([row(day(1), 7)], stamp=noon(3)), noon(3))
    assert start(workspace, importable, 0) == 0
    with workspace.read() as conn:
        assert ledger.known(conn).num_rows == 599 + 1


def test_a_lost_server_connection_is_one_clear_line_and_changes_nothing(workspace: Workspace) -> None:
    if workspace.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server to lose")
    before = dump(workspace)
    for _ in range(3):
        with pytest.raises(StoreError, match="nothing of this step was stored"), workspace.write() as conn:
            ledger.apply(conn, delivery([row(DAY, 5)], stamp=noon(1)), noon(1))
            conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        assert dump(workspace) == before


def test_a_full_disk_is_one_clear_line_and_changes_nothing(tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace:
        with workspace.write() as conn:
            ledger.apply(conn, delivery([row(DAY, 5)], stamp=noon(1)), noon(1))
        before = dump(workspace)
        rows = [row(DAY, n, ad="x" * 200, line=n) for n in range(1, 5000)]
        with pytest.raises(StoreError, match="free space on the disk"), workspace.write() as conn:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
            ledger.apply(conn, delivery(rows, stamp=noon(2)), noon(2))
        assert dump(workspace) == before
        assert workspace.integrity() == []


def test_a_torn_database_is_reported_not_served(tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace, workspace.write() as conn:
        ledger.apply(conn, delivery([row(DAY, n, line=n) for n in range(1, 2000)], stamp=noon(1)), noon(1))
    with sqlite3.connect(tmp_path / "dco.db") as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    plain.close()
    data = bytearray((tmp_path / "dco.db").read_bytes())
    for offset in range(100_000, len(data), 4096):
        data[offset : offset + 512] = b"\xff" * 512
    (tmp_path / "dco.db").write_bytes(bytes(data))
    try:
        with Workspace.open(tmp_path) as workspace:
            assert workspace.integrity() != []
    except StoreError as error:
        assert "backup" in str(error)
