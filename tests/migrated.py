"""Make migrated databases for tests: each is a copy of one that was migrated once. Running all revisions takes longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from data.database import Database, open_database
from data.migrate import migrate
from samples.servers.postgresql import PostgresServer


def migrated_file(path: Path) -> Path:
    """Copy a migrated SQLite database to `path`, and return it."""
    shutil.copyfile(_template(), path)
    return path


def migrated_sqlite(path: Path) -> Database:
    """Open a migrated SQLite database at `path`."""
    return open_database(f"sqlite:///{migrated_file(path)}")


def migrated_postgres(server: PostgresServer) -> str:
    """Make a migrated database on this server, and return its URL."""
    if server.template is None:
        server.template = server.new_database()
        database = open_database(server.template)
        migrate(database)
        database.close()
    return server.new_database(like=server.template)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="portal-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = open_database(f"sqlite:///{folder / 'portal.db'}")
    migrate(database)
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "portal.db"
