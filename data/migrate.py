"""Migrate a database to the revision this code is written for.

Alembic is imported only to upgrade or downgrade: most starts find the newest revision, and it takes 13 MB and a tenth of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from core.errors import StartFailed, Unavailable
from data.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

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
        current = revision_of(connection)
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
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def newest_revision() -> str:
    """Return the revision this code is written for."""
    return max(_revisions())


def knows(revision: str) -> bool:
    """Tell whether this code can read tables of this revision."""
    return revision in _revisions()


@cache
def _revisions() -> frozenset[str]:
    """Return all revisions, from the names of their files: r0001_first.py is 0001. A test compares them with Alembic's."""
    return frozenset(path.name[1:5] for path in (_SCRIPTS / "versions").glob("r[0-9]*.py"))


def revision_of(connection: Connection) -> str | None:
    """Return the revision that Alembic recorded in the database; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def downgrade(database: Database, revision: str) -> None:
    """Downgrade to an earlier revision. "base" removes every table and row."""
    from alembic import command

    config = _config()
    with database.start_errors(), exclusive(database) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def _config() -> Config:
    from alembic.config import Config

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
