"""Store which account belongs to a person of a provider or directory."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from data.tables import OutsideIdentityTable
from data.transaction import Transaction

_T = OutsideIdentityTable.__table__.c


class SqlOutsideIdentityRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def user_id(self, source: str, subject: str) -> str | None:
        found: str | None = self._sql.scalar(select(_T.user_id).where(_T.source == source, _T.subject == subject))
        return found

    def link(self, source: str, subject: str, user_id: str) -> None:
        self._sql.insert_new(OutsideIdentityTable, _T.user_id, {"source": source, "subject": subject, "user_id": user_id})

    def of_source(self, source: str) -> Sequence[tuple[str, str]]:
        rows = self._sql.all(select(_T.subject, _T.user_id).where(_T.source == source).order_by(_T.subject))
        return [(row.subject, row.user_id) for row in rows]

    def linked(self, user_id: str) -> bool:
        return self._sql.first(select(_T.subject).where(_T.user_id == user_id).limit(1)) is not None
