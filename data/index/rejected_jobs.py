"""List and retry rejected index jobs: those whose document the index rejected repeatedly."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, update

from core.search.records import RejectedIndexJob
from data.database import Database
from data.index.worker import MAX_ATTEMPTS
from data.tables import IndexJobTable
from data.transaction import Transaction

_T = IndexJobTable.__table__.c
_REJECTED = _T.attempts >= MAX_ATTEMPTS


class RejectedIndexJobs:
    """Implements the port RejectedIndexJobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        with self._database.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(IndexJobTable).where(_REJECTED)) or 0)

    def oldest(self, limit: int, after: int = 0) -> Sequence[RejectedIndexJob]:
        columns = (_T.number, _T.kind, _T.document_id, _T.created_at, _T.attempts, _T.error)
        statement = select(*columns).where(_REJECTED, _T.number > after).order_by(_T.number).limit(limit)
        with self._database.connect() as connection:
            return [RejectedIndexJob(**{**row._mapping, "error": row.error or ""}) for row in connection.execute(statement)]

    def retry(self, number: int | None) -> int:
        statement = update(IndexJobTable).where(_REJECTED).values(attempts=0)
        if number is not None:
            statement = statement.where(_T.number == number)
        with self._database.connect() as connection:
            sql = Transaction(connection)
            retried = sql.write(statement).rowcount
            sql.commit()
        self._database.jobs_queued.set()
        return retried
