"""Write a backup while the portal runs: one snapshot of every table is written, then read back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, func, select, text

from core.errors import Conflict, StartFailed
from core.operations.records import Progress
from data.backup.file import write_records
from data.backup.read import check, ignore_progress
from data.backup.tables import RowHash, count_rows, present_tables, record_line
from data.database import Database
from data.migrate import newest_revision, revision_of
from data.tables import IndexJobTable

_WRITING = 0.6
"""Share of the time that writing takes; the rest is for reading back."""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished backup. rows: by table."""

    path: Path
    rows: Mapping[str, int]
    size_bytes: int
    sealed: bool


def write_backup(database: Database, path: Path, passphrase: str | None, progress: Progress = ignore_progress) -> Written:
    """Write a backup. It gets its name only after it was read back and found intact. Raises Conflict if the name is taken."""
    if path.exists():
        raise Conflict("{path} already exists. Choose another name, or remove it first.", path=path)
    with database.start_errors(), database.connect() as connection:
        if revision_of(connection) != newest_revision():
            raise StartFailed(
                "{name} is empty or was written by another version. Start this portal with it once, then back it up.",
                name=database.name,
            )
    part = path.with_name(path.name + ".part")
    try:
        with _create(part) as file, _snapshot(database) as connection:
            write_records(file, _records(connection, lambda share: progress(share * _WRITING)), passphrase)
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            found = check(file, passphrase, lambda share: progress(_WRITING + share * (1 - _WRITING)))
        part.rename(path)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise StartFailed("The backup {path} cannot be written: {reason}.", path=path, reason=problem.strerror) from problem
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Written(path=path, rows=found.rows, size_bytes=path.stat().st_size, sealed=passphrase is not None)


def _create(path: Path) -> BinaryIO:
    """Create a file that only this user can read."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _records(connection: Connection, progress: Progress) -> Iterator[Any]:
    """Yield the facts about the database, then each table with its rows, and finally the checksums."""
    tables = present_tables()
    whole = sum(count_rows(connection).values())
    done = 0
    yield {
        "made_at": datetime.now(UTC).isoformat(),
        "revision": revision_of(connection),
        "last_job": _last_job(connection),
    }
    sums: dict[str, dict[str, object]] = {}
    for each in tables:
        yield {"table": each.name, "columns": each.columns}
        total = RowHash()
        for row in connection.execute(select(*each.clause.c).execution_options(yield_per=each.rows_at_once)):
            record = each.plain(row)
            total.add(record_line(record))
            yield record
            done += 1
            if done % each.rows_at_once == 0:
                progress(done / whole)
        sums[each.name] = {"rows": total.rows, "hash": total.hex}
    yield {"sums": sums}


def _last_job(connection: Connection) -> int:
    """Return the highest number that any index job had.

    A restored database must continue above it, or an old index rejects its changes as outdated.
    """
    if connection.dialect.name == "sqlite":
        statement = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'index_jobs'")
    else:
        statement = text("SELECT last_value FROM index_jobs_number_seq")
    sequence = int(connection.scalar(statement) or 0)
    return max(sequence, int(connection.scalar(select(func.max(IndexJobTable.__table__.c.number))) or 0))


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """Open a connection that sees the database as of this moment. Writers continue and need not wait."""
    with database.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN")  # In WAL mode, a reading transaction is a snapshot.
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection
