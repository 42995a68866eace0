"""Store batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, insert, literal, select, tuple_, update

from core.errors import StoredError
from core.programs.records import BATCH_ENDED, Batch, BatchStatus
from data.repositories.programs.files import in_a_running_batch
from data.tables import BatchTable, LegalHoldTable
from data.transaction import AnyRow, Transaction

_T = BatchTable.__table__.c
_HOLD = LegalHoldTable.__table__.c


class SqlBatchRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, batch: Batch) -> None:
        values = {column.name: getattr(batch, column.name) for column in _T}
        self._sql.write(insert(BatchTable.__table__).values(values))  # type: ignore[arg-type]

    def get(self, batch_id: str) -> Batch | None:
        row = self._sql.first(select(*_T).where(_T.id == batch_id))
        return None if row is None else _batch(row)

    def of_user(self, user_id: str, limit: int, after: Batch | None) -> Sequence[Batch]:
        statement = select(*_T).where(_T.user_id == user_id)
        if after is not None:
            statement = statement.where(tuple_(_T.created_at, _T.id) < tuple_(after.created_at, after.id))
        return [_batch(row) for row in self._sql.all(statement.order_by(_T.created_at.desc(), _T.id.desc()).limit(limit))]

    def running(self) -> Sequence[Batch]:
        return [_batch(row) for row in self._sql.all(select(*_T).where(_T.status.not_in(BATCH_ENDED)))]

    def uses(self, file_id: str) -> bool:
        return bool(self._sql.scalar(select(in_a_running_batch(literal(file_id)))))

    def begin(self, batch_id: str, lines: int, at: datetime) -> None:
        running = (_T.id == batch_id, _T.status.not_in(BATCH_ENDED))
        self._sql.write(update(BatchTable).where(*running).values(status=BatchStatus.IN_PROGRESS, lines=lines, started_at=at))

    def advance(self, batch_id: str, position: int, to: int, completed: int, failed: int) -> bool:
        mine = (_T.id == batch_id, _T.position == position, _T.status.not_in(BATCH_ENDED))
        values = {"position": to, "completed": _T.completed + completed, "failed": _T.failed + failed}
        return self._sql.write(update(BatchTable).where(*mine).values(**values)).rowcount > 0

    def end(self, batch_id: str, status: BatchStatus, at: datetime, error: StoredError | None = None) -> bool:
        running = (_T.id == batch_id, _T.status.not_in(BATCH_ENDED))
        return self._sql.write(update(BatchTable).where(*running).values(status=status, ended_at=at, error=error)).rowcount > 0

    def remove_before(self, before: datetime) -> int:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        return self._sql.write(delete(BatchTable).where(_T.created_at < before, _T.status.in_(BATCH_ENDED), ~held)).rowcount


def _batch(row: AnyRow) -> Batch:
    return Batch(**row._mapping)
