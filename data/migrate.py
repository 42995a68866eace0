"""Migrate a database to the revision this code is written for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.errors import StartFailed, Unavailable
from data.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x676C6D70
"""The advisory lock under which one replica migrates while the others wait."""
WAIT_FOR_OTHERS = "30min"
STATEMENT_TIMEOUT = "30min"
LOCK_TIMEOUT = "5s"
"""How long a migration waits for a table that is in use. It is short, because all later requests wait behind it."""
TRIES = 12
PAUSE_S = 5.0
_LOCK_NOT_AVAILABLE = "55P03"


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade to `revision` in one transaction: a crash changes nothing.

    If others use a table (a long report, a backup), the migration is retried for about two minutes and blocks nobody between tries. Raises
    StartFailed if the database cannot be reached or written, or is newer than the code.
    """
    with database.start_errors():
        for left in reversed(range(TRIES)):
            try:
                return _migrate(database, revision)
            except Unavailable as problem:
                if left == 0 or getattr(problem.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
            time.sleep(PAUSE_S)


def _migrate(database: Database, revision: str) -> None:
    with exclusive(database) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and not knows(current):
            raise StartFailed(
                "The database {name} was written by a newer portal version (revision {revision}). Install that version again, or "
                "restore an older backup.",
                name=database.name,
                revision=current,
            )
        if current != newest_revision():
            upgrade(connection, revision)
            connection.commit()


def upgrade(connection: Connection, revision: str) -> None:
    """Upgrade inside a transaction that `exclusive` began; the caller commits."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def newest_revision() -> str | None:
    """Return the revision this code is written for."""
    return _scripts().get_current_head()


def knows(revision: str) -> bool:
    """Tell whether this code can read tables of this revision."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def downgrade(database: Database, revision: str) -> None:
    """Downgrade to an earlier revision. "base" removes every table and row."""
    config = _config()
    with database.start_errors(), exclusive(database) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@contextmanager
def exclusive(database: Database) -> Iterator[Connection]:
    """Open a transaction in which nobody else migrates."""
    with database.connect() as connection:
        if database.is_sqlite:
            # Renaming and dropping tables would otherwise cascade to the rows that refer to them.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # For the advisory lock; the migrations have timeouts of their own, in migrations/env.py.
            connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_FOR_OTHERS}'"))
            connection.execute(text(f"SET LOCAL statement_timeout = '{WAIT_FOR_OTHERS}'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        try:
            yield connection
        finally:
            if database.is_sqlite:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
