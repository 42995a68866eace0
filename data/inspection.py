"""Report the state of a database without changing it, for the doctor and the Storage page."""

from __future__ import annotations

from dataclasses import dataclass

from core.operations.records import StoreFacts
from data.backup.tables import count_rows
from data.database import Database
from data.migrate import knows, newest_revision, revision_of


@dataclass(frozen=True, slots=True)
class StoreState:
    """State of a database. revision: None while it is empty. expected: what this code is written for.

    known: False if a newer portal wrote it.
    """

    kind: str
    version: str
    name: str
    """The file, or the server's address without its password."""
    revision: str | None
    expected: str
    known: bool
    size_bytes: int


def inspect_store(database: Database) -> StoreState:
    """Read the state. Raises StartFailed if the database cannot be reached."""
    with database.start_errors(), database.connect() as connection:
        revision = revision_of(connection)
        if database.is_sqlite:
            size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        else:
            size = "SELECT pg_database_size(current_database())"
        version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        size_bytes = int(connection.exec_driver_sql(size).scalar_one())
    known = revision is None or knows(revision)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return StoreState(
        kind=kind,
        version=version,
        name=database.name,
        revision=revision,
        expected=newest_revision(),
        known=known,
        size_bytes=size_bytes,
    )


class SqlStoreInspector:
    """Implements the port StoreInspector."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self) -> StoreFacts:
        state = inspect_store(self._database)
        with self._database.connect() as connection:
            rows = count_rows(connection)
        return StoreFacts(
            kind=state.kind, version=state.version, name=state.name, revision=state.revision or "", size_bytes=state.size_bytes, rows=rows
        )
