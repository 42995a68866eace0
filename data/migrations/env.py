"""Run the migrations on the connection and in the transaction that data/migrate.py passes in."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from data import migrate
from data.tables import Table

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(text(f"SET LOCAL lock_timeout = '{migrate.LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET LOCAL statement_timeout = '{migrate.STATEMENT_TIMEOUT}'"))
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
