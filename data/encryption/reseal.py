"""Encrypt all values that are plain or encrypted with an older data key with the current one, while the portal runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, select, type_coerce, update
from sqlalchemy import Table as SqlTable

from data.database import Database
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.encryption.sealing import Keyring
from data.tables import Table
from data.transaction import Transaction

TEXTS_AT_ONCE = 500
PARTS_AT_ONCE = 32
"""File chunks that are encrypted again in one transaction: 2 MiB."""


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
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return sealed


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
            sql = Transaction(connection)
            if changes:
                sql.write(change, changes)
            sql.commit()
        sealed += len(changes)
        if len(rows) < at_once:
            return sealed
        after = rows[-1][0]
