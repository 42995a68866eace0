"""Encrypt all values that are plain or encrypted with an older data key with the current one, while the portal runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Update, bindparam, select, type_coerce, update
from sqlalchemy import Table as SqlTable

from core.errors import Unavailable
from data.database import Database
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.encryption.sealing import Keyring
from data.tables import Table
from data.transaction import Transaction

TEXTS_AT_ONCE = 500
PARTS_AT_ONCE = 32
"""File chunks that are encrypted again in one transaction: 2 MiB."""
LOG_S = 60.0
"""Seconds to wait until nobody reads from SQLite's log."""
PAUSE_S = 0.1
IN_USE = (
    "Everything is encrypted with the current key, but the old content is still in the log of the database, which was in use for too long. "
    "Run this again when less is going on."
)


def reseal(database: Database, keyring: Keyring) -> int:
    """Encrypt everything; return how many texts and file chunks changed. Rows that change meanwhile are left to their writers."""
    sealed = 0
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedProse | SealedBytes):
                sealed += _column(database, keyring, table, column, column.type)
    if database.is_sqlite:
        # The old content is still in free pages and in the log; this rewrites the file without it.
        with database.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            _empty_log(connection)
    return sealed


def _empty_log(connection: Connection) -> None:
    """Write the log into the file and empty it. Raises Unavailable if it is in use for longer than LOG_S.

    SQLite reports a log in use by a row that says so, and not by an error.
    """
    until = time.monotonic() + LOG_S
    while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
        if time.monotonic() > until:
            raise Unavailable(IN_USE)
        time.sleep(PAUSE_S)


def _column(database: Database, keyring: Keyring, table: SqlTable, column: Column[Any], kind: SealedProse | SealedBytes) -> int:
    [key] = table.primary_key.columns
    raw: ColumnElement[Any] = type_coerce(column, kind.impl_instance)
    # These names differ from all column names: SQLAlchemy reserves those.
    unchanged = (key == bindparam("the_key"), raw == bindparam("the_old"))
    change = update(table).where(*unchanged).values({column: bindparam("the_new", type_=kind)})
    at_once = PARTS_AT_ONCE if isinstance(kind, SealedBytes) else TEXTS_AT_ONCE
    sealed = 0
    after: object = None
    while True:
        with database.connect() as connection:
            statement = select(key, raw).order_by(key).limit(at_once)
            rows = connection.execute(statement if after is None else statement.where(key > after)).all()
            old = [row for row in rows if row[1] is not None and not keyring.is_current(row[1])]
            # The column type encrypts it again with the current key.
            changes = [
                {"the_key": id, "the_old": stored, "the_new": kind.process_result_value(stored, connection.dialect)} for id, stored in old
            ]
            _write(connection, change, key, changes)
        sealed += len(changes)
        if len(rows) < at_once:
            return sealed
        after = rows[-1][0]


def _write(connection: Connection, change: Update, key: Column[Any], changes: Sequence[dict[str, Any]]) -> None:
    """Write the rows that nobody else has locked, and then each of the others by itself.

    So this never waits for a row while it has locked others. A deletion locks rows in an order of its own, and each would wait for the
    other: PostgreSQL would then end one of the two.
    """
    if not changes:
        return
    sql = Transaction(connection)
    free = {row[0] for row in sql.lock_free(select(key).where(key.in_([each["the_key"] for each in changes])))}
    at_once = [each for each in changes if each["the_key"] in free]
    for part in (at_once, *([each] for each in changes if each["the_key"] not in free)):
        if part:
            sql.write(change, part)
            sql.commit()
