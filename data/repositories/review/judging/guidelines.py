"""Store the versions of the guidelines for reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select

from core.review.judging.records import Guidelines
from data.tables import ReviewGuidelinesTable, UserTable
from data.transaction import AnyRow, Transaction

NUMBERS = 7_310_003
"""The lock under which versions get their numbers."""
_T = ReviewGuidelinesTable.__table__.c
_WHOLE = select(*_T, UserTable.name.label("author_name")).join(UserTable, UserTable.id == _T.author_id)


class SqlGuidelinesRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def latest(self) -> Guidelines | None:
        return _guidelines(self._sql.first(_WHOLE.order_by(_T.version.desc()).limit(1)))

    def for_change(self) -> Guidelines | None:
        self._sql.lock_alone(NUMBERS)
        return self.latest()

    def get(self, version: int) -> Guidelines | None:
        return _guidelines(self._sql.first(_WHOLE.where(_T.version == version)))

    def versions(self, limit: int) -> Sequence[Guidelines]:
        rows = self._sql.all(_WHOLE.order_by(_T.version.desc()).limit(limit))
        return [found for row in rows if (found := _guidelines(row))]

    def add(self, text: str, author_id: str, at: datetime) -> int:
        version = int(self._sql.scalar(select(func.coalesce(func.max(_T.version), 0)))) + 1
        values = {"version": version, "text": text, "author_id": author_id, "saved_at": at}
        self._sql.write(insert(ReviewGuidelinesTable).values(values))
        return version


def _guidelines(row: AnyRow | None) -> Guidelines | None:
    if row is None:
        return None
    return Guidelines(version=row.version, text=row.text, author_name=row.author_name, saved_at=row.saved_at)
