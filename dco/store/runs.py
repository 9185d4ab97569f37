"""Runs: at most one per campaign and business date has effects, however many schedulers try and however often.

A claim holds a lease and a fencing number. Whoever takes over a run whose lease has ended gets the next number; the
one before, should it wake up again, is turned away at its next step. A step's effects and its checkpoint belong into
one `Workspace.write()` block, so that a run killed anywhere resumes after its last whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping

from dco.errors import BadData, Busy
from dco.store import tables
from dco.store.engine import is_sqlite
from dco.store.tables import steps
from dco.store.types import canonical, utc

Status = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One night of one campaign. `seed`, `config` and `started` are those of its first claim: a resumed run decides
    by the same inputs as an unbroken one."""

    id: int
    campaign: str
    day: date
    status: Status
    owner: str
    lease_until: datetime
    fence: int
    started: datetime
    finished: datetime | None
    seed: int
    config: str
    summary: Any


def claim(
    conn: Connection,
    campaign: str,
    day: date,
    *,
    now: datetime,
    owner: str,
    lease_seconds: float,
    seed: int,
    config: str,
    gone: Callable[[str], bool] = lambda owner: False,
) -> Run:
    """Take the run of that business date, or the rest of one that was left unfinished.

    A run that is done comes back with status 'done' and is left alone. A failed run, one whose lease has ended, and
    one of the same `owner` (who must therefore be unique to a process and its restarts) are taken over with the next
    fencing number.

    Args:
        gone: whether an owner is known to be dead, whose lease then need not be waited for.

    Raises:
        Busy: somebody else's lease is valid.
    """
    now = utc(now)
    until = now + timedelta(seconds=lease_seconds)
    first = {"campaign": campaign, "day": day, "status": "running", "owner": owner, "lease_until": until}
    first |= {"fence": 1, "started": now, "finished": None, "seed": seed, "config": config, "summary": {}}
    insert_for = sqlite.insert if is_sqlite(conn) else postgresql.insert
    statement = insert_for(tables.runs).values(first).on_conflict_do_nothing().returning(tables.runs.c.id)
    made = conn.execute(
        statement
    ).scalar_one_or_none()  # rowcount is -1 on PostgreSQL when the driver returns keys
    if made is not None:
        return get(conn, made)
    run = _of_day(conn, campaign, day)
    if run.status == "done":
        return run
    if run.status == "running" and run.owner != owner and run.lease_until > now and not gone(run.owner):
        raise Busy(
            f"campaign {campaign}: the run of {day} is held by {run.owner} until {run.lease_until.isoformat()}; "
            "wait for it, nothing was done"
        )
    taken = {
        "status": "running",
        "owner": owner,
        "lease_until": until,
        "fence": run.fence + 1,
        "finished": None,
    }
    conn.execute(update(tables.runs).where(tables.runs.c.id == run.id).values(taken))
    return get(conn, run.id)


def renew(conn: Connection, run: Run, *, now: datetime, lease_seconds: float) -> Run:
    """Hold the run for longer, from `now` on.

    Raises:
        Busy: somebody took it over.
    """
    _hold(conn, run)
    until = utc(now) + timedelta(seconds=lease_seconds)
    conn.execute(update(tables.runs).where(tables.runs.c.id == run.id).values(lease_until=until))
    return get(conn, run.id)


def step(conn: Connection, run: Run, name: str) -> Any | None:
    """What a finished step found; None when it has not been finished."""
    where = (steps.c.run == run.id, steps.c.name == name)
    return conn.execute(select(steps.c.output).where(*where)).scalar_one_or_none()


def finish_step(conn: Connection, run: Run, name: str, output: Any, *, now: datetime | None = None) -> None:
    """Checkpoint a step in the transaction that holds its effects. Without a result, pass `{}`.

    Args:
        now: when; the run's start when not given.

    Raises:
        Busy: the run was taken over; the transaction must end without effects (raising it does that).
        BadData: the step was finished before, with another result.
    """
    if output is None:
        raise BadData(f"step {name!r}: None means 'not finished'; give {{}} for a step without a result")
    _hold(conn, run)
    before = step(conn, run, name)
    if before is not None:
        if canonical(before) != canonical(output):
            raise BadData(
                f"step {name!r} of the run of {run.day}: was finished with another result; ask `step` first"
            )
        return
    values = {"run": run.id, "name": name, "output": output, "at": utc(now) if now else run.started}
    conn.execute(insert(steps).values(values))


def finish(
    conn: Connection, run: Run, status: Status, summary: Mapping[str, Any], *, now: datetime | None = None
) -> Run:
    """End a run as 'done' (nothing touches it again) or 'failed' (the next claim resumes it).

    Raises:
        Busy: the run was taken over.
    """
    if status not in ("done", "failed"):
        raise BadData(f"a run ends as 'done' or 'failed', not {status!r}")
    _hold(conn, run)
    at = utc(now) if now else run.started
    values = {"status": status, "summary": dict(summary), "finished": at}
    conn.execute(update(tables.runs).where(tables.runs.c.id == run.id).values(values))
    return get(conn, run.id)


def get(conn: Connection, number: int) -> Run:
    """The run of that id, as it is now."""
    return _run(conn.execute(select(tables.runs).where(tables.runs.c.id == number)).mappings().one())


def last(conn: Connection, campaign: str) -> Run | None:
    """The run of the latest business date."""
    r = tables.runs.c
    statement = select(tables.runs).where(r.campaign == campaign).order_by(r.day.desc()).limit(1)
    found = conn.execute(statement).mappings().first()
    return None if found is None else _run(found)


def listing(conn: Connection, campaign: str) -> list[Run]:
    """Every run of a campaign, oldest business date first."""
    r = tables.runs.c
    found = conn.execute(select(tables.runs).where(r.campaign == campaign).order_by(r.day)).mappings()
    return [_run(row) for row in found]


def missing(conn: Connection, campaign: str, start: date, today: date) -> list[date]:
    """Business dates from `start` to `today`, both included, whose run is not done: what is due, oldest first."""
    r = tables.runs.c
    done = set(conn.execute(select(r.day).where(r.campaign == campaign, r.status == "done")).scalars())
    days = (start + timedelta(days=i) for i in range((today - start).days + 1))
    return [day for day in days if day not in done]


def _hold(conn: Connection, run: Run) -> None:
    """Only the newest holder of a run may write for it."""
    now = get(conn, run.id)
    if now.fence != run.fence or now.status != "running":
        raise Busy(
            f"campaign {run.campaign}: the run of {run.day} is {now.status}, held by {now.owner} "
            f"(claim {now.fence}, this is {run.fence}); this process stops, its step was not stored"
        )


def _of_day(conn: Connection, campaign: str, day: date) -> Run:
    r = tables.runs.c
    return _run(
        conn.execute(select(tables.runs).where(r.campaign == campaign, r.day == day)).mappings().one()
    )


def _run(found: RowMapping) -> Run:
    return Run(**{name: found[name] for name in Run.__slots__})
