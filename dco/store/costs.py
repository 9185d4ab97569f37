"""What making things cost, per run and item: the numbers behind 'generate nothing tonight'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dco.errors import BadData
from dco.records import Making
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


Outcome = Literal["made", "cached", "refused"]


@dataclass(frozen=True, slots=True)
class PictureCost:
    """One picture that was asked for. `watt_hours` is an estimate; None, and a price of None, mean not known."""

    key: str
    model: str
    outcome: Outcome
    seconds: float = 0.0
    """Wall time of its making; of one that was kept already, what its making took then."""
    watt_hours: float | None = None
    micros: int | None = None
    currency: str = ""
    reason: str = ""


def add_pictures(conn: Connection, run: Run, pictures: Iterable[PictureCost]) -> None:
    """Book the pictures a run asked for, each key once; booking again replaces.

    A picture found in the cache whose making no run of the campaign has booked was made by a run that was killed before
    it could book: it is booked as made, with what that took.

    Raises:
        BadData: a negative amount, or a price without its currency.
    """
    for one in pictures:
        if min(one.seconds, one.watt_hours or 0, one.micros or 0) < 0:
            raise BadData(f"cost of picture {one.key[:12]}: {one} must not be negative")
        if (one.micros is not None) != bool(one.currency):
            raise BadData(
                f"cost of picture {one.key[:12]}: a price needs its currency, and no currency goes without one"
            )
        values = {"run": run.id, **asdict(one)}
        if one.outcome == "cached":
            first = _booked_by(conn, run.campaign, one.key)
            if first == run.id:
                continue  # this run's own picture, met again: what its making took is booked
            values |= {"outcome": "made"} if first is None else _NOTHING
        insert = (sqlite.insert if is_sqlite(conn) else postgresql.insert)(tables.picture_costs).values(
            values
        )
        amounts = {name: value for name, value in values.items() if name not in ("run", "key")}
        conn.execute(insert.on_conflict_do_update(index_elements=["run", "key"], set_=amounts))


_NOTHING: Mapping[str, object] = {"seconds": 0.0, "watt_hours": None, "micros": None, "currency": ""}


def _booked_by(conn: Connection, campaign: str, key: str) -> int | None:
    p, r = tables.picture_costs.c, tables.runs.c
    statement = (
        select(p.run)
        .join_from(tables.picture_costs, tables.runs)
        .where(r.campaign == campaign, p.key == key, p.outcome == "made")
        .order_by(p.run)
    )
    return conn.execute(statement).scalars().first()


def making(
    conn: Connection, campaign: str, *, run: Run | None = None, keys: Iterable[str] | None = None
) -> Making:
    """What a campaign's pictures took: all of them, those of one run, or those of one creative (by their keys)."""
    p, r = tables.picture_costs.c, tables.runs.c
    statement = (
        select(p.outcome, p.seconds, p.watt_hours, p.micros, p.currency)
        .join_from(tables.picture_costs, tables.runs)
        .where(r.campaign == campaign)
    )
    if run is not None:
        statement = statement.where(p.run == run.id)
    if keys is not None:
        statement = statement.where(p.key.in_(list(keys)))
    rows = conn.execute(statement).all()
    made = [row for row in rows if row.outcome == "made"]
    # A picture that a gate refused after it was finished has been paid for all the same.
    paid = made + [row for row in rows if row.outcome == "refused" and row.seconds > 0]
    measured = [row.watt_hours for row in paid if row.watt_hours is not None]
    money: dict[str, int] = {}
    for row in paid:
        if row.micros is not None:
            money[row.currency] = money.get(row.currency, 0) + int(row.micros)
    return Making(
        made=len(made),
        cached=sum(row.outcome == "cached" for row in rows),
        refused=sum(row.outcome == "refused" for row in rows),
        seconds=float(sum(row.seconds for row in paid)),
        watt_hours=float(sum(measured)) if measured else None,
        unmeasured=len(paid) - len(measured),
        money=tuple(sorted(money.items())),
        unpriced=sum(row.micros is None for row in paid),
    )
