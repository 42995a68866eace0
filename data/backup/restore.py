"""Restore a backup into an empty database in one transaction: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from sqlalchemy import Connection, insert, inspect, select, text

from core.errors import Conflict, InvalidInput
from core.operations.records import Progress
from data.backup.read import Contents, check, ignore_progress, read
from data.backup.tables import BackedUpTable, RowHash, record_line
from data.database import Database
from data.index.worker import queue_everything
from data.migrate import exclusive, knows, upgrade
from data.transaction import Transaction

_NUMBERED = ("messages", "audit_events", "file_parts", "program_file_parts", "index_jobs")


def is_empty(database: Database) -> bool:
    """Tell whether nothing was ever stored there. Raises StartFailed."""
    with database.start_errors(), database.connect() as connection:
        return not inspect(connection).get_table_names()


def examine(file: BinaryIO, passphrase: str | None, progress: Progress = ignore_progress) -> Contents:
    """Return what a restore would bring. Raises InvalidInput if the file is damaged, or from a newer portal."""
    found = check(file, passphrase, progress)
    _check_revision(found.revision)
    return found


def restore(database: Database, file: BinaryIO, passphrase: str | None) -> Contents:
    """Fill the database; the next start fills the index. After a crash, the database is still empty.

    Raises Conflict if it is not empty, InvalidInput if the file is damaged or from a newer portal.
    """
    tables: dict[str, BackedUpTable] = {}
    with database.start_errors(), exclusive(database) as connection:
        if inspect(connection).get_table_names():
            raise Conflict("{name} is not empty. A backup can only be restored into an empty database.", name=database.name)

        def begin(revision: str) -> None:
            _check_revision(revision)
            upgrade(connection, revision)

        def take(table: BackedUpTable, rows: Sequence[list[Any]]) -> None:
            tables[table.name] = table
            connection.execute(insert(table.clause), [table.values(row) for row in rows])

        found = read(file, passphrase, begin, take)
        for table in tables.values():
            _compare(connection, table, found)
        _move_sequences(connection, found.last_job)
        upgrade(connection, "head")
        queue_everything(Transaction(connection, writing=True))
        connection.commit()
    return found


def _check_revision(revision: str) -> None:
    if not knows(revision):
        raise InvalidInput("This backup was made by a newer portal (revision {revision}). Install that version first.", revision=revision)


def _compare(connection: Connection, table: BackedUpTable, found: Contents) -> None:
    """Check that the database now contains what the backup lists."""
    total = RowHash()
    for row in connection.execute(select(*table.clause.c).execution_options(yield_per=table.rows_at_once)):
        total.add(record_line(table.plain(row)))
    if total.hex != found.hashes[table.name]:
        raise InvalidInput("The restored rows of {table} differ from those of the backup. Nothing was restored.", table=table.name)


def _move_sequences(connection: Connection, last_job: int) -> None:
    """Make new rows get numbers above all existing ones."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('index_jobs', :last)"), {"last": last_job})
        return
    for name in set(_NUMBERED) & set(inspect(connection).get_table_names()):  # A backup from an earlier release has fewer.
        highest = int(connection.scalar(text(f"SELECT coalesce(max(number), 0) FROM {name}")) or 0)
        highest = max(highest, last_job if name == "index_jobs" else 0)
        connection.execute(text("SELECT setval(:sequence, :value, :used)"), {
            "sequence": f"{name}_number_seq", "value": max(1, highest), "used": highest > 0,
        })  # fmt: skip
