"""Count password attempts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, delete, select, update

from core.people.records import Attempt
from data.tables import AttemptTable
from data.transaction import Transaction

_T = AttemptTable.__table__.c


class SqlAttemptRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def get(self, key: str) -> Attempt | None:
        row = self._sql.first(select(_T.count, _T.began_at).where(_T.key == key))
        return None if row is None else Attempt(*row)

    def add(self, key: str, now: datetime, since: datetime) -> Attempt:
        over = _T.began_at <= since
        changes = {"count": case((over, 1), else_=_T.count + 1), "began_at": case((over, now), else_=_T.began_at)}
        _, count, began_at = self._sql.upsert_with(AttemptTable, _T.key, {"key": key, "count": 1, "began_at": now}, changes)
        return Attempt(count, began_at)

    def give_back(self, key: str) -> None:
        self._sql.write(update(AttemptTable).where(_T.key == key, _T.count > 0).values(count=_T.count - 1))

    def forget(self, key: str) -> None:
        self._sql.write(delete(AttemptTable).where(_T.key == key))

    def remove_before(self, moment: datetime) -> int:
        return self._sql.write(delete(AttemptTable).where(_T.began_at < moment)).rowcount
