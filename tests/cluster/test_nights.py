"""Many campaigns' nights: side by side on a cluster, one after another here, and the same either way."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from dco.cluster.executor import Executor, Job, Lost
from dco.jobs import draft, pictures
from dco.jobs.desk import open_desk
from dco.jobs.simulated import morning
from dco.schedule import Schedule, run_due
from dco.store import versions
from tests.cluster.workers import batch
from tests.journeys.campaigns import small

ZONE = "Europe/Berlin"
ECHO = Job("dco.cluster.echo:Echo", "")


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with its starting creatives, whose nights make no new ones."""
    file = small(tmp_path_factory.mktemp("drafted") / "campaign")
    file.write_text(file.read_text(encoding="utf-8").replace("max_new: 2", "max_new: 0"), encoding="utf-8")
    with open_desk(file) as desk:
        draft.start(desk, now=morning(-1, ZONE), per_segment=2)
    return file


def campaigns(drafted: Path, folder: Path) -> list[Path]:
    """Two that run, and one whose store a later version of the engine made."""
    for name in ("first", "second", "broken"):
        shutil.copytree(drafted.parent, folder / name)
    (folder / "broken" / "store" / "dco.db").unlink()
    with sqlite3.connect(folder / "broken" / "store" / "dco.db") as conn:
        conn.execute("create table alembic_version (version_num text)")
        conn.execute("insert into alembic_version values ('9999')")
    return [folder / name / drafted.name for name in ("first", "second", "broken")]


def nights(files: list[Path]) -> tuple[int, list[str], list[object]]:
    """Run what is due: the exit code, what was said (without the folder's name), the shares of each version."""
    said: list[str] = []
    code = run_due(Schedule.of([str(f) for f in files]), now=morning(0, ZONE), say=said.append)
    shares = []
    for file in files[:2]:
        with open_desk(file) as desk, desk.workspace.read() as conn:
            last = versions.current(conn, desk.campaign.key)
            assert last is not None
            shares.append(last.shares.to_pylist())
    return code, sorted(line.replace(str(files[0].parent.parent), "") for line in said), shares


def test_nights_on_a_cluster_end_as_they_do_here_and_a_broken_campaign_stops_no_other(
    drafted: Path, tmp_path: Path, two: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = nights(campaigns(drafted, tmp_path / "here"))
    list(
        two.map(ECHO, [])
    )  # other work to do, none of it: the slots are free for the scheduler's own workers
    monkeypatch.setenv(pictures.EXECUTOR, "ray:2")
    there = nights(campaigns(drafted, tmp_path / "there"))
    assert here == there
    code, said, shares = here
    assert code == 4 and len(shares) == 2
    assert sum("go live" in line for line in said) == 2
    assert any(line.startswith("ALERT  /broken/") and "newer than this dco" in line for line in said)
    parts = list(two.map(ECHO, [batch("go")]))
    assert len(parts) == 1 and not isinstance(parts[0], Lost), "the scheduler has let its workers go"
