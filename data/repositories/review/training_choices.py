"""Store who agreed that their chats improve models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from data.tables import TrainingChoiceTable
from data.transaction import Transaction

_T = TrainingChoiceTable.__table__.c


class SqlTrainingChoiceRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def get(self, user_id: str) -> bool | None:
        row = self._sql.first(select(_T.agreed).where(_T.user_id == user_id))
        return None if row is None else row.agreed

    def all(self) -> Mapping[str, bool]:
        return {row.user_id: row.agreed for row in self._sql.all(select(_T.user_id, _T.agreed))}

    def put(self, user_id: str, agreed: bool | None, at: datetime) -> None:
        if agreed is None:
            self._sql.write(delete(TrainingChoiceTable).where(_T.user_id == user_id))
            return
        values = {"user_id": user_id, "agreed": agreed, "updated_at": at}
        self._sql.upsert(TrainingChoiceTable, ["user_id"], values, ("agreed", "updated_at"), _T.user_id)
