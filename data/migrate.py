"""Brings a database to the revision this code is written for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.errors import StartFailed
from data.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x676C6D70
"""The advisory lock under which one replica migrates while the others wait."""


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade to `revision`, all in one transaction.

    Raises StartFailed if the database cannot be reached or written, or is newer than the code.
    """
    with database.start_errors(), exclusive(database) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and not knows(current):
            raise StartFailed(
                "The database {name} was written by a newer portal (revision {revision}). Install that version again, "
                "or restore an older backup.",
                name=database.name,
                revision=current,
            )
        if current != newest_revision():
            upgrade(connection, revision)
            connection.commit()


def upgrade(connection: Connection, revision: str) -> None:
    """The same inside a transaction that `exclusive` began; the caller commits."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def newest_revision() -> str | None:
    """The revision this code is written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this code can read tables of this revision."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def downgrade(database: Database, revision: str) -> None:
    """Go back to an earlier revision, "base" for none: every table and row is gone then."""
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
    """A connection in a transaction that nobody else migrates in."""
    with database.connect() as connection:
        if database.is_sqlite:
            # Renaming and dropping tables would otherwise cascade into the rows that point at them.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SET LOCAL statement_timeout = '30min'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection
        if database.is_sqlite:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
