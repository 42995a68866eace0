"""Store the files of programs: their metadata, and their content in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, tuple_, update

from core.programs.records import BATCH_ENDED, FilePurpose, ProgramFile
from data.tables import BatchTable, LegalHoldTable, ProgramFilePartTable, ProgramFileTable
from data.transaction import Transaction

PART_BYTES = 64 * 1024
PARTS_AT_ONCE = 16

_T = ProgramFileTable.__table__.c
_PART = ProgramFilePartTable.__table__.c
_BATCH = BatchTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_ALL = select(_T.id, _T.user_id, _T.name, _T.purpose, _T.size_bytes, _T.created_at, _T.expires_at, _T.ready)


def in_a_running_batch(file_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a running batch reads or writes the file."""
    named = or_(_BATCH.input_file_id == file_id, _BATCH.output_file_id == file_id, _BATCH.error_file_id == file_id)
    return exists(select(_BATCH.id).where(named, _BATCH.status.not_in(BATCH_ENDED)))


class SqlProgramFileRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, file: ProgramFile) -> None:
        values = {
            "id": file.id,
            "user_id": file.user_id,
            "name": file.name,
            "purpose": file.purpose,
            "size_bytes": file.size_bytes,
            "created_at": file.created_at,
            "expires_at": file.expires_at,
            "ready": file.ready,
        }
        self._sql.write(insert(ProgramFileTable).values(values))

    def append(self, file_id: str, content: bytes) -> None:
        at_once = PART_BYTES * PARTS_AT_ONCE
        for start in range(0, len(content), at_once):
            pieces = (content[at : at + PART_BYTES] for at in range(start, min(start + at_once, len(content)), PART_BYTES))
            rows = [{"file_id": file_id, "size_bytes": len(piece), "content": piece} for piece in pieces]
            self._sql.write(insert(ProgramFilePartTable), rows)

    def make_ready(self, file_id: str) -> None:
        size = select(func.coalesce(func.sum(_PART.size_bytes), 0)).where(_PART.file_id == file_id).scalar_subquery()
        self._sql.write(update(ProgramFileTable).where(_T.id == file_id).values(ready=True, size_bytes=size))

    def get(self, file_id: str) -> ProgramFile | None:
        row = self._sql.first(_ALL.where(_T.id == file_id))
        return None if row is None else ProgramFile(**row._mapping)

    def parts(self, file_id: str, after: int) -> Sequence[tuple[int, bytes]]:
        statement = select(_PART.number, _PART.content).where(_PART.file_id == file_id, _PART.number > after).order_by(_PART.number)
        return [(row.number, row.content) for row in self._sql.all(statement.limit(PARTS_AT_ONCE))]

    def of_user(self, user_id: str, limit: int, after: ProgramFile | None, purpose: FilePurpose | None) -> Sequence[ProgramFile]:
        statement = _ALL.where(_T.user_id == user_id, _T.ready)
        if purpose is not None:
            statement = statement.where(_T.purpose == purpose)
        if after is not None:
            statement = statement.where(tuple_(_T.created_at, _T.id) < tuple_(after.created_at, after.id))
        rows = self._sql.all(statement.order_by(_T.created_at.desc(), _T.id.desc()).limit(limit))
        return [ProgramFile(**row._mapping) for row in rows]

    def total_bytes(self, user_id: str) -> int:
        statement = select(func.coalesce(func.sum(_PART.size_bytes), 0)).join(ProgramFileTable, _T.id == _PART.file_id)
        return int(self._sql.scalar(statement.where(_T.user_id == user_id)))

    def remove(self, file_id: str) -> None:
        self._sql.write(delete(ProgramFileTable).where(_T.id == file_id))

    def expired(self, now: datetime, limit: int) -> Sequence[str]:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        statement = select(_T.id).where(_T.expires_at < now, ~held, ~in_a_running_batch(_T.id)).order_by(_T.expires_at, _T.id)
        return [row.id for row in self._sql.all(statement.limit(limit))]
