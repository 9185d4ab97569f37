"""APScheduler as an alarm clock: one tick a minute in UTC. What is due comes from the run table, never from the timer.

A timer in local time skips or doubles nights when clocks change, and a late one is dropped without a word; so the timer only
asks "is something due?", the answer is computed from each campaign's own zone and its finished runs, and the night itself
is claimed in the database. Two schedulers, or a late one, do no harm.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from dco.cluster.executor import Job, Lost
from dco.errors import BadInput, Busy, DcoError
from dco.jobs.clock import now as clock_now
from dco.jobs.desk import open_desk
from dco.jobs.nightly import nightly
from dco.jobs.pictures import EXECUTOR, executor, executor_setting, release
from dco.settings import load_campaign
from dco.store import runs

Say = Callable[[str], None]
NIGHTS = Job("dco.schedule:NightWorker", "")


@dataclass(frozen=True)
class Schedule:
    """Campaigns whose nights are due at a local time of their own zone."""

    campaigns: tuple[str, ...]
    at: time
    alert_after: timedelta

    @classmethod
    def of(cls, campaigns: Sequence[str], *, at: str = "03:00", alert_after_hours: float = 26.0) -> Schedule:
        """Validate the times and every campaign file, before anything waits for the night."""
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
            raise BadInput(f"--at: expected a time such as 03:00, got '{at}'")
        if not 1 <= alert_after_hours <= 24 * 31:
            raise BadInput(f"--alert-after: expected hours from 1 to 744, got {alert_after_hours:g}")
        for path in campaigns:
            load_campaign(path)
        return cls(tuple(campaigns), time.fromisoformat(at), timedelta(hours=alert_after_hours))


def due_day(moment: datetime, zone: str, at: time) -> date:
    """The business date whose night is due at a moment: today once its local time has come, else yesterday.

    Compared as wall-clock times of one zone, so that a clock change neither skips nor doubles a date.

    >>> from datetime import UTC
    >>> due_day(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin", time(3))  # 01:30, before the change
    datetime.date(2026, 3, 28)
    >>> due_day(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Europe/Berlin", time(2, 30))  # 02:30 never comes: 03:00
    datetime.date(2026, 3, 29)
    """
    local = moment.astimezone(ZoneInfo(zone))
    today = local.date()
    return today if local.time().replace(tzinfo=None) >= at else today - timedelta(days=1)


def run_due(schedule: Schedule, *, now: datetime, say: Say) -> int:
    """Run every night that is due and not done. One campaign's failure touches no other.

    Where the executor has more than one worker, nights run side by side, each whole within one of them; a single night,
    and every night in this process, has its pictures made by the executor's workers instead.

    Returns:
        0, or the exit code of the last failure.
    """
    code, due = 0, []
    for path in schedule.campaigns:
        try:
            day = _due(schedule, path, now, say)
        except DcoError as error:
            code = error.exit_code
            alert(path, now, f"night failed: {error}", say)
            continue
        if day is not None:
            due.append((path, day))
    for path, told in _nights(due, now):
        code = told.code or code
        for line in told.said:
            say(line)
        for line in told.alerts:
            alert(path, now, line, say)
    return code


@dataclass(frozen=True)
class Told:
    """How a night went: the exit code of its failure, or 0; what to say, and what to be alarmed about."""

    code: int = 0
    said: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()


def run_night(path: str, day: date, now: datetime) -> Told:
    """One night, whatever becomes of it."""
    try:
        night = nightly(path, now=now, day=day)
    except Busy:
        return Told()  # another process is at it
    except DcoError as error:
        return Told(error.exit_code, alerts=(f"night failed: {error}",))
    said = (night.sentence(), night.missed_line) if night.missed_line else (night.sentence(),)
    return Told(0, said, night.alerts)


class NightWorker:
    """Runs whole nights in a worker of an executor; its own pictures are then made in that process too."""

    def __init__(self, options: str) -> None:
        os.environ[EXECUTOR] = "local"

    def run(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """A night per row."""
        for row in batch.to_pylist():
            day, now = date.fromisoformat(row["day"]), datetime.fromisoformat(row["now"])
            told = asdict(run_night(row["path"], day, now))
            yield pa.RecordBatch.from_pylist([{"id": row["id"], "told": json.dumps(told)}])

    def abandon(self) -> None:
        """A night has no time limit of its own: its pictures have."""


def _nights(due: Sequence[tuple[str, date]], now: datetime) -> Iterator[tuple[str, Told]]:
    """Every due night as soon as it is done."""
    if len(due) < 2 or executor_setting() == "local":
        for path, day in due:
            yield path, run_night(path, day, now)
        release()
        return
    days = dict(due)
    rows = [
        # A worker may stand in another folder.
        {"id": path, "path": str(Path(path).absolute()), "day": day.isoformat(), "now": now.isoformat()}
        for path, day in days.items()
    ]
    left = dict(days)
    try:
        for answer in executor().map(NIGHTS, (pa.RecordBatch.from_pylist([row]) for row in rows)):
            if isinstance(answer, Lost):
                for path in answer.ids:
                    del left[path]
                    yield path, Told(DcoError.exit_code, alerts=(f"night failed: {answer.reason}",))
                continue
            for row in answer.to_pylist():
                del left[row["id"]]
                told = json.loads(row["told"])
                yield row["id"], Told(told["code"], tuple(told["said"]), tuple(told["alerts"]))
    except DcoError as error:
        # The cluster is gone, not the campaigns: those without an answer are due again at the next tick.
        for path in left:
            yield path, Told(error.exit_code, alerts=(f"night failed: {error}",))
    finally:
        release()


def _due(schedule: Schedule, path: str, now: datetime, say: Say) -> date | None:
    """The business date whose night is due for a campaign and not done."""
    campaign = load_campaign(path)
    day = due_day(now, campaign.zone, schedule.at)
    if not campaign.start <= day <= campaign.end:
        return None
    with open_desk(path) as desk, desk.workspace.read() as conn:
        done = runs.last(conn, campaign.key)
    if done is not None and done.status == "done" and done.day >= day:
        return None
    if done is not None and day - done.day > timedelta(days=1):
        first = done.day + timedelta(days=1)
        alert(
            path, now, f"no night was run from {first} to {day - timedelta(days=1)}; running {day} now", say
        )
    return day


def watch(schedule: Schedule, *, now: datetime, say: Say) -> None:
    """The dead man's switch: an alert when no night of a running flight has finished for too long."""
    for path in schedule.campaigns:
        try:
            campaign = load_campaign(path)
            with open_desk(path) as desk, desk.workspace.read() as conn:
                finished = [run for run in runs.listing(conn, campaign.key) if run.status == "done"]
        except DcoError as error:
            alert(path, now, f"cannot be watched: {error}", say)
            continue
        since = finished[-1].finished if finished else None
        in_flight = campaign.start <= now.astimezone(ZoneInfo(campaign.zone)).date() <= campaign.end
        if in_flight and since is not None and now - since > schedule.alert_after:
            hours = (now - since).total_seconds() / 3600
            alert(path, now, f"no night has finished for {hours:.0f} hours", say)


def alert(path: str, now: datetime, text: str, say: Say) -> None:
    """Say it, and keep it in outbox/alerts.log; the same alert is written once an hour at most."""
    folder = Path(path)
    log = (folder if folder.is_dir() else folder.parent) / "outbox" / "alerts.log"
    log.parent.mkdir(exist_ok=True)
    known = log.read_text(encoding="utf-8").splitlines()[-50:] if log.exists() else []
    hour = now.strftime("%Y-%m-%dT%H")
    if any(line.startswith(hour) and line.endswith(text) for line in known):
        return
    say(f"ALERT  {path}: {text}")
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{now.isoformat(timespec='seconds')}  {text}\n")


def serve_forever(schedule: Schedule, *, say: Say, clock: Callable[[], datetime] = clock_now) -> None:
    """Tick every minute until stopped."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.memory import MemoryJobStore
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.interval import IntervalTrigger

    def tick() -> None:
        now = clock()
        run_due(schedule, now=now, say=say)
        watch(schedule, now=now, say=say)

    timer = BlockingScheduler(
        timezone="UTC",
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(1)},
        # The defaults drop a wake-up that is a second late, silently; a late tick must run, once.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    timer.add_job(tick, IntervalTrigger(minutes=1, timezone="UTC"), next_run_time=clock())
    say(
        f"watching {len(schedule.campaigns)} campaign(s); nights are due at {schedule.at:%H:%M} of each one's zone"
    )
    timer.start()
