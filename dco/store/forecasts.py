"""Numbers said in advance, kept until they can be graded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dco.errors import BadData
from dco.store import tables
from dco.store.engine import is_sqlite
from dco.store.runs import Run


@dataclass(frozen=True, slots=True)
class Forecast:
    """`value` was said of `subject` by the run of `said_on`, to be judged on `due`; `outcome` None: not yet."""

    run: int
    said_on: date
    subject: str
    name: str
    value: float
    due: date
    outcome: float | None


def say(conn: Connection, run: Run, subject: str, name: str, value: float, due: date) -> None:
    """Log a forecast. What a run has said it cannot say otherwise later: a second word is ignored."""
    values = {"run": run.id, "subject": subject, "name": name, "value": value, "due": due, "outcome": None}
    insert = (sqlite.insert if is_sqlite(conn) else postgresql.insert)(tables.forecasts)
    conn.execute(insert.values(values).on_conflict_do_nothing())


def due(conn: Connection, campaign: str, day: date) -> list[Forecast]:
    """Forecasts that can be judged on that day and were not yet."""
    return [f for f in listing(conn, campaign) if f.due <= day and f.outcome is None]


def listing(conn: Connection, campaign: str) -> list[Forecast]:
    """Every forecast of a campaign, in the order of runs."""
    f, r = tables.forecasts.c, tables.runs.c
    statement = (
        select(f.run, r.day, f.subject, f.name, f.value, f.due, f.outcome)
        .join_from(tables.forecasts, tables.runs)
        .where(r.campaign == campaign)
        .order_by(r.day, f.subject, f.name, f.due)
    )
    return [Forecast(*row) for row in conn.execute(statement)]


def judge(conn: Connection, forecast: Forecast, outcome: float) -> None:
    """Write down what became of a forecast, once.

    Raises:
        BadData: it was judged before.
    """
    f = tables.forecasts.c
    mine = (
        f.run == forecast.run,
        f.subject == forecast.subject,
        f.name == forecast.name,
        f.due == forecast.due,
    )
    done = conn.execute(update(tables.forecasts).where(*mine, f.outcome.is_(None)).values(outcome=outcome))
    if done.rowcount != 1:
        raise BadData(
            f"forecast {forecast.name} of {forecast.subject}: was judged already, or was never said"
        )
