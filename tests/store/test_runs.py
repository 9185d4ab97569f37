"""I7, I9: one run per business date has effects; a killed one resumes; who was overtaken is turned away."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from dco.errors import BadData, Busy
from dco.store import runs
from dco.store.workspace import Workspace

from .examples import DAY, NOON, day

RACE = """
import sys, time
from datetime import UTC, date, datetime
from pathlib import Path
from dco.errors import Busy
from dco.store import runs
from dco.store.workspace import Workspace
folder, url, me = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
with Workspace.open(folder, url) as workspace:
    print("ready", flush=True)
    sys.stdin.readline()
    won = []
    for n in range(1, 11):
        try:
            with workspace.write() as conn:
                run = runs.claim(conn, "c", date(2026, 3, n), now=datetime(2026, 3, 1, 12, tzinfo=UTC), owner=me,
                                 lease_seconds=60, seed=1, config="x")
            won.append(n)
        except Busy:
            pass
    print(*won)
"""


def take(
    workspace: Workspace, owner: str = "me", minutes: float = 0, seed: int = 1, config: str = "x"
) -> runs.Run:
    with workspace.write() as conn:
        now = NOON + timedelta(minutes=minutes)
        return runs.claim(conn, "c", DAY, now=now, owner=owner, lease_seconds=600, seed=seed, config=config)


def test_the_first_claim_holds_the_run(workspace: Workspace) -> None:
    run = take(workspace)
    assert (run.status, run.fence, run.owner, run.started) == ("running", 1, "me", NOON)
    assert run.lease_until == NOON + timedelta(minutes=10)
    with pytest.raises(Busy, match="held by me until"):
        take(workspace, "you", 9.9)


def test_an_ended_lease_is_taken_over_with_the_first_claims_inputs(workspace: Workspace) -> None:
    take(workspace, seed=7, config="old")
    run = take(workspace, "you", 10, seed=8, config="new")
    assert (run.owner, run.fence, run.seed, run.config, run.started) == ("you", 2, 7, "old", NOON)


def test_the_same_owner_takes_its_own_run_again(workspace: Workspace) -> None:
    take(workspace)
    assert take(workspace, minutes=1).fence == 2


def test_a_done_run_is_left_alone(workspace: Workspace) -> None:
    run = take(workspace)
    with workspace.write() as conn:
        done = runs.finish(conn, run, "done", {"rows": 3}, now=NOON)
    assert (done.status, done.summary, done.finished) == ("done", {"rows": 3}, NOON)
    assert take(workspace, "you", 99) == done
    assert take(workspace) == done


def test_a_failed_run_can_be_resumed_at_once(workspace: Workspace) -> None:
    run = take(workspace)
    with workspace.write() as conn:
        runs.finish_step(conn, run, "ingest", {"rows": 3})
        runs.finish(conn, run, "failed", {"error": "disk full"})
    again = take(workspace, "you", 1)
    assert (again.status, again.fence, again.finished) == ("running", 2, None)
    with workspace.read() as conn:
        assert runs.step(conn, again, "ingest") == {"rows": 3}


def test_a_zombie_stores_nothing(workspace: Workspace) -> None:
    """Paused past its lease, then continued: its step's effects are undone with its checkpoint."""
    zombie = take(workspace)
    heir = take(workspace, "you", 11)
    for act in (
        lambda conn: runs.finish_step(conn, zombie, "allocate", {"v": 1}),
        lambda conn: runs.finish(conn, zombie, "done", {}),
        lambda conn: runs.renew(conn, zombie, now=NOON, lease_seconds=600),
    ):
        with pytest.raises(Busy, match="held by you"), workspace.write() as conn:
            act(conn)
    with workspace.write() as conn:
        assert runs.step(conn, heir, "allocate") is None
        runs.finish_step(conn, heir, "allocate", {"v": 2})
        runs.finish(conn, heir, "done", {})
    with pytest.raises(Busy, match="is done"), workspace.write() as conn:
        runs.finish_step(conn, heir, "later", {})


def test_a_lease_can_be_held_longer(workspace: Workspace) -> None:
    run = take(workspace)
    with workspace.write() as conn:
        run = runs.renew(conn, run, now=NOON + timedelta(minutes=5), lease_seconds=600)
    with pytest.raises(Busy):
        take(workspace, "you", 14)
    assert run.fence == 1


def test_a_step_is_finished_once(workspace: Workspace) -> None:
    run = take(workspace)
    with workspace.write() as conn:
        assert runs.step(conn, run, "learn") is None
        runs.finish_step(conn, run, "learn", {"b": [1, 2.5], "a": None})
        runs.finish_step(conn, run, "learn", {"a": None, "b": [1, 2.5]})
        with pytest.raises(BadData, match="another result"):
            runs.finish_step(conn, run, "learn", {"a": 1})
        with pytest.raises(BadData, match="None means"):
            runs.finish_step(conn, run, "idle", None)
        with pytest.raises(BadData, match="ends as"):
            runs.finish(conn, run, "running", {})
        assert runs.step(conn, run, "learn") == {"a": None, "b": [1, 2.5]}


def test_missing_days_are_those_not_done(workspace: Workspace) -> None:
    with workspace.write() as conn:
        assert runs.last(conn, "c") is None
        for n, status in ((0, "done"), (2, "failed"), (3, "running"), (4, "done")):
            run = runs.claim(conn, "c", day(n), now=NOON, owner="me", lease_seconds=9, seed=n, config="x")
            if status != "running":
                runs.finish(conn, run, status, {})  # type: ignore[arg-type]
        assert runs.missing(conn, "c", day(0), day(5)) == [day(1), day(2), day(3), day(5)]
        assert runs.missing(conn, "c", day(5), day(0)) == []
        last = runs.last(conn, "c")
        assert last is not None and last.day == day(4)
        assert [run.seed for run in runs.listing(conn, "c")] == [0, 2, 3, 4]


def test_of_processes_that_claim_the_same_nights_exactly_one_wins_each(workspace: Workspace) -> None:
    url = "" if workspace.engine.dialect.name == "sqlite" else workspace.engine.url.render_as_string(False)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(workspace.folder), url.replace("+psycopg", ""), f"process {i}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for i in range(2)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(n) for racer in racers for n in racer.communicate()[0].split()]
    assert sorted(won) == list(range(1, 11))
    with workspace.read() as conn:
        assert [run.fence for run in runs.listing(conn, "c")] == [1] * 10
