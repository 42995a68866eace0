"""Store the summaries of conversations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from core.chat.context.records import Summary
from data.tables import SummaryTable
from data.transaction import Transaction

_T = SummaryTable.__table__.c


class SqlSummaryRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, summary: Summary) -> None:
        values = {
            "id": summary.id, "conversation_id": summary.conversation_id, "until_id": summary.until_id, "turns": summary.turns,
            "text": summary.text, "model": summary.model, "created_at": summary.created_at, "edited_at": summary.edited_at,
        }  # fmt: skip
        self._sql.write(insert(SummaryTable).values(values))

    def of_conversation(self, conversation_id: str) -> Sequence[Summary]:
        statement = select(SummaryTable.__table__).where(_T.conversation_id == conversation_id).order_by(_T.turns, _T.created_at)
        return [Summary(**row._mapping) for row in self._sql.all(statement)]

    def save(self, summary: Summary) -> None:
        values = {"text": summary.text, "edited_at": summary.edited_at}
        self._sql.write(update(SummaryTable).where(_T.id == summary.id).values(values))
