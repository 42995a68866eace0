"""Seals with the current data key whatever is plain or sealed with an older one, while the portal runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Text, bindparam, select, type_coerce, update
from sqlalchemy import Table as SqlTable

from data.database import Database
from data.sealed_text import SealedProse
from data.sealing import Keyring
from data.tables import Table
from data.transaction import Transaction

ROWS_AT_ONCE = 500


def reseal(database: Database, keyring: Keyring) -> int:
    """Returns how many texts were sealed. A text that is changed meanwhile is left to whoever changed it."""
    sealed = 0
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedProse):
                sealed += _column(database, keyring, table, column)
    if database.is_sqlite:
        # What was overwritten still lies in free pages and in the log; this writes the file anew without them.
        with database.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return sealed


def _column(database: Database, keyring: Keyring, table: SqlTable, column: Column[Any]) -> int:
    [key] = table.primary_key.columns
    raw: ColumnElement[Any] = type_coerce(column, Text())
    change = update(table).where(key == bindparam("key"), raw == bindparam("old")).values({column: bindparam("sealed", type_=column.type)})
    sealed = 0
    after: object = None
    while True:
        with database.connect() as connection:
            statement = select(key, raw).order_by(key).limit(ROWS_AT_ONCE)
            rows = connection.execute(statement if after is None else statement.where(key > after)).all()
            old = [row for row in rows if row[1] is not None and not keyring.is_current(row[1])]
            texts = [(row[0], row[1], column.type.process_result_value(row[1], connection.dialect)) for row in old]  # type: ignore[attr-defined]
            sql = Transaction(connection)
            if texts:
                sql.write(change, [{"key": id, "old": stored, "sealed": text} for id, stored, text in texts])
            sql.commit()
        sealed += len(texts)
        if len(rows) < ROWS_AT_ONCE:
            return sealed
        after = rows[-1][0]
