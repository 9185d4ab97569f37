"""Bring a database up to this version's tables, or say that a newer version made it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from dco.errors import StoreError

HEAD = "0003"
"""Newest revision in `migrations/versions`. Known here so that opening a ready store need not load Alembic (0.3 s)."""


def bring_up(conn: Connection, *, look_only: bool = False) -> bool:
    """True when the tables are this version's; unless `look_only`, they are after the call.

    The whole migration is part of the caller's transaction: a store is at one revision or at the next, never between.

    Raises:
        StoreError: the store is from a newer version of dco, or the database holds somebody else's tables.
    """
    found = revision(conn)
    if found == HEAD:
        return True
    if found is not None and found > HEAD:
        raise StoreError(
            f"this store is at revision {found}, newer than this dco's {HEAD}; install the dco that made it, or newer"
        )
    if not look_only:
        _upgrade(conn)
    return False


def revision(conn: Connection) -> str | None:
    """The revision the database says it is at; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    row = conn.exec_driver_sql("SELECT max(version_num) FROM alembic_version").scalar()
    return str(row) if row else None


def _upgrade(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
