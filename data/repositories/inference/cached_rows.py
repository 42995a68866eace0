"""Measure and trim a table of cached rows, which have a key, a size and the time of their last use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from data.tables import EmbeddingTable, ResultTable
from data.transaction import Transaction


class CachedRows:
    """The part that the repositories of both caches share."""

    def __init__(self, transaction: Transaction, table: type[EmbeddingTable] | type[ResultTable], keys_at_once: int) -> None:
        """keys_at_once: the most keys in one statement."""
        self._sql = transaction
        self._table = table
        self._columns = table.__table__.c
        self._keys_at_once = keys_at_once

    def size(self) -> tuple[int, int]:
        row = self._sql.first(select(func.count(), func.coalesce(func.sum(self._columns.size_bytes), 0)))
        return (int(row[0]), int(row[1])) if row is not None else (0, 0)

    def drop_oldest(self, size: int) -> int:
        removed, columns = 0, self._columns
        while size > 0:
            oldest = select(columns.key, columns.size_bytes).order_by(columns.used_at, columns.key).limit(self._keys_at_once)
            chosen: list[str] = []
            for row in self._sql.all(oldest):
                if size <= 0:
                    break
                chosen.append(row.key)
                size -= row.size_bytes
            if not chosen:
                break
            self._sql.write(delete(self._table).where(columns.key.in_(chosen)))
            removed += len(chosen)
        return removed

    def remove_before(self, at: datetime | None) -> int:
        statement = delete(self._table)
        return int(self._sql.write(statement if at is None else statement.where(self._columns.created_at < at)).rowcount)
