"""What making things cost, per run and item: the numbers behind 'generate nothing tonight'."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dco.errors import BadData
from dco.store import tables
from dco.store.engine import is_sqlite
from dco.store.runs import Run


@dataclass(frozen=True, slots=True)
class Spent:
    """Sum over items of one kind in one currency."""

    kind: str
    currency: str
    items: int
    seconds: float
    micros: int


def add(
    conn: Connection, run: Run, item: str, kind: str, *, seconds: float, micros: int, currency: str
) -> None:
    """Book what an item (a picture's request key) cost; booking it again for the same run replaces the amount.

    Raises:
        BadData: a negative amount.
    """
    if seconds < 0 or micros < 0:
        raise BadData(f"cost of {item}: {seconds} s and {micros} micros must not be negative")
    values = {
        "run": run.id,
        "item": item,
        "kind": kind,
        "seconds": seconds,
        "micros": micros,
        "currency": currency,
    }
    insert = (sqlite.insert if is_sqlite(conn) else postgresql.insert)(tables.costs).values(values)
    amounts = {name: values[name] for name in ("seconds", "micros", "currency")}
    conn.execute(insert.on_conflict_do_update(index_elements=["run", "item", "kind"], set_=amounts))


def spent(conn: Connection, campaign: str, *, run: Run | None = None) -> list[Spent]:
    """Sums by kind and currency, of a campaign or of one of its runs."""
    c, r = tables.costs.c, tables.runs.c
    statement = (
        select(c.kind, c.currency, func.count(), func.sum(c.seconds), func.sum(c.micros))
        .join_from(tables.costs, tables.runs)
        .where(r.campaign == campaign)
        .group_by(c.kind, c.currency)
        .order_by(c.kind, c.currency)
    )
    if run is not None:
        statement = statement.where(c.run == run.id)
    return [Spent(kind, unit, n, float(s), int(m)) for kind, unit, n, s, m in conn.execute(statement)]
