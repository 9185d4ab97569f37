"""Ideas that gave no creative: which, in which run, and why. What was made after all is struck off."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from dco.records import Genome, Missed
from dco.store import tables
from dco.store.engine import is_sqlite
from dco.store.runs import Run


def save(
    conn: Connection, run: Run, missed: Iterable[Missed], *, made: Iterable[tuple[str, Genome]] = ()
) -> None:
    """Record what a run could not make; saying it again replaces, and `made` (segment, genome) strikes off."""
    t = tables.ideas_not_made
    for segment, genome in made:
        conn.execute(delete(t).where(t.c.run == run.id, t.c.segment == segment, t.c.idea == genome.key))
    for one in missed:
        values = {
            "run": run.id, "segment": one.segment, "idea": one.genome.key,
            "genome": one.genome.as_dict(), "gates": list(one.gates), "reason": one.reason,
        }  # fmt: skip
        insert = (sqlite.insert if is_sqlite(conn) else postgresql.insert)(t).values(values)
        given = {name: values[name] for name in ("genome", "gates", "reason")}
        conn.execute(insert.on_conflict_do_update(index_elements=["run", "segment", "idea"], set_=given))


def of_run(conn: Connection, run: Run) -> list[Missed]:
    """What a run could not make, by segment."""
    t = tables.ideas_not_made.c
    statement = select(t.segment, t.genome, t.reason, t.gates).where(t.run == run.id)
    rows = conn.execute(statement.order_by(t.segment, t.idea))
    return [Missed(row.segment, Genome.of(row.genome), row.reason, tuple(row.gates)) for row in rows]
