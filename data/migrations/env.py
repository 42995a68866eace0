"""Runs the migrations on the connection and inside the transaction that data/migrate.py hands over."""

from __future__ import annotations

from alembic import context

from data.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
