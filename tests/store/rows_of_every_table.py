"""Make rows for every table of a database of any revision, from its reflected tables alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Float, Integer, LargeBinary, MetaData, String, Table, insert, select

MOMENT = datetime(2026, 11, 2, 9, 30, 0, 123456)
NOT_OURS = "alembic_version"


def tables_of(connection: Connection) -> list[Table]:
    """Parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != NOT_OURS]


def fill(connection: Connection, tables: list[Table], first: int = 0) -> None:
    """Insert two rows in each table: one with a value in every column, one with as many NULLs as it may have. `first` keeps keys apart."""
    for table in tables:
        for number in (first, first + 1):
            columns = [column for column in table.columns if not _numbers_itself(table, column)]
            row = {column.name: _value(column, number, empty=number > first) for column in columns}
            connection.execute(insert(table).values(row))


def rows_of(connection: Connection, tables: list[Table]) -> dict[str, list[str]]:
    """Return what the given columns of the given tables hold, in no order."""
    return {table.name: sorted(repr(tuple(row)) for row in connection.execute(select(*table.columns))) for table in tables}


def _numbers_itself(table: Table, column: Column[Any]) -> bool:
    return list(table.primary_key.columns) == [column] and isinstance(column.type, Integer)


def _value(column: Column[Any], number: int, *, empty: bool) -> object:
    if column.foreign_keys:
        [key] = column.foreign_keys
        return None if empty and column.nullable else _value(key.column, number, empty=False)
    if empty and column.nullable:
        return None
    kind = column.type
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Integer):
        return number + 7
    if isinstance(kind, Float):
        return number + 0.125
    if isinstance(kind, DateTime):
        return MOMENT.replace(day=number % 28 + 1, tzinfo=UTC if kind.timezone else None)
    if isinstance(kind, JSON):
        return {"number": number, "名": "值"}
    if isinstance(kind, LargeBinary):
        return bytes([0, 255, number])
    if isinstance(kind, String):
        return f"{number}-{column.name}-名"[: kind.length]
    raise TypeError(f"no value is known for {column}, a {kind!r}")
