"""Store vectors of the embedding cache."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update

from core.inference.vectors import CachedVector
from data.repositories.inference.cached_rows import CachedRows
from data.tables import EmbeddingTable
from data.transaction import Transaction

_T = EmbeddingTable.__table__.c
KEYS_AT_ONCE = 500
ROWS_AT_ONCE = 200


class SqlEmbeddingRepository(CachedRows):
    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction, EmbeddingTable, KEYS_AT_ONCE)

    def find(self, keys: Collection[str]) -> Sequence[CachedVector]:
        wanted, found = sorted(keys), []
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            rows = self._sql.all(select(_T.key, _T.vector, _T.tokens).where(_T.key.in_(wanted[start : start + KEYS_AT_ONCE])))
            found += [CachedVector(key=row.key, vector=_numbers(row.vector), tokens=row.tokens) for row in rows]
        return found

    def touch(self, keys: Sequence[str], at: datetime, before: datetime) -> bool:
        old = [key for start in range(0, len(keys), KEYS_AT_ONCE) for key in self._unused(keys[start : start + KEYS_AT_ONCE], before)]
        for start in range(0, len(old), KEYS_AT_ONCE):
            self._sql.write(update(EmbeddingTable).where(_T.key.in_(old[start : start + KEYS_AT_ONCE])).values(used_at=at))
        return bool(old)

    def _unused(self, keys: Sequence[str], before: datetime) -> list[str]:
        return [row.key for row in self._sql.all(select(_T.key).where(_T.key.in_(keys), _T.used_at < before))]

    def add(self, vectors: Sequence[CachedVector], at: datetime) -> None:
        for start in range(0, len(vectors), ROWS_AT_ONCE):
            rows = [
                {"key": each.key, "vector": (content := _bytes(each.vector)), "tokens": each.tokens,
                 "size_bytes": len(content) + len(each.key), "created_at": at, "used_at": at}
                for each in vectors[start : start + ROWS_AT_ONCE]
            ]  # fmt: skip
            self._sql.insert_missing(EmbeddingTable, rows)


def _bytes(vector: array[float]) -> bytes:
    """Encode as little-endian numbers, so that servers of every kind share a database."""
    return _turned(vector).tobytes()


def _numbers(content: bytes) -> array[float]:
    return _turned(array("f", content))


def _turned(vector: array[float]) -> array[float]:
    if sys.byteorder == "little":
        return vector
    turned = array("f", vector)
    turned.byteswap()
    return turned
