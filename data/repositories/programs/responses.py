"""Store the responses of programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, insert, select, update

from core.programs.records import StoredResponse
from data.tables import LegalHoldTable, ResponseTable, ResultTable
from data.transaction import Transaction

_T = ResponseTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_ALL = select(_T.id, _T.user_id, _T.created_at, _T.input, _T.body, _T.previous_id, _T.job_id)


class SqlResponseRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, response: StoredResponse) -> None:
        values = {
            "id": response.id,
            "user_id": response.user_id,
            "created_at": response.created_at,
            "input": response.input,
            "body": response.body,
            "previous_id": response.previous_id,
            "job_id": response.job_id,
        }
        self._sql.write(insert(ResponseTable).values(values))

    def get(self, response_id: str) -> StoredResponse | None:
        row = self._sql.first(_ALL.where(_T.id == response_id))
        return None if row is None else StoredResponse(**row._mapping)

    def put_body(self, response_id: str, body: str) -> bool:
        return self._sql.write(update(ResponseTable).where(_T.id == response_id).values(body=body)).rowcount > 0

    def remove(self, response_id: str) -> None:
        self.remove_all([response_id])

    def remove_all(self, ids: Sequence[str]) -> set[str]:
        """Delete responses, and the copies of their answers in the result cache. Returns the ids that there were."""
        gone = {row.id for row in self._sql.write(delete(ResponseTable).where(_T.id.in_(ids)).returning(_T.id)).all()}
        self._sql.write(delete(ResultTable).where(ResultTable.__table__.c.conversation_id.in_(gone)))
        return gone

    def created_before(self, before: datetime, limit: int) -> Sequence[str]:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        statement = select(_T.id).where(_T.created_at < before, ~held).order_by(_T.created_at, _T.id)
        return [row.id for row in self._sql.all(statement.limit(limit))]
