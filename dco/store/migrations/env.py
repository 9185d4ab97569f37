"""Alembic's entry: runs revisions on the connection (and inside the transaction) that `dco.store.migrate` passes in."""

from alembic import context

from dco.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
