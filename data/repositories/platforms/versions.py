"""Store versions of the platforms' configuration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from core.platforms.records import EditedBy, PlatformsVersion
from data.tables import PlatformsVersionTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = PlatformsVersionTable.__table__.c
_USER = UserTable.__table__.c
_COLUMNS = [_T.number, _T.created_at, _T.author_id, _USER.full_name.label("author"), _T.edited_by, _T.restored, _T.text]
_WHOLE = select(*_COLUMNS).outerjoin(UserTable, _USER.id == _T.author_id)


def _version_of(row: AnyRow) -> PlatformsVersion:
    return PlatformsVersion(**{**row._mapping, "author": row.author or ""})


class SqlPlatformsVersionRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, at: datetime, author_id: str | None, edited_by: EditedBy, restored: int | None, text: str) -> int:
        values = {"created_at": at, "author_id": author_id, "edited_by": edited_by, "restored": restored, "text": text}
        return int(self._sql.write(insert(PlatformsVersionTable).values(values).returning(_T.number)).scalar_one())

    def newest(self) -> PlatformsVersion | None:
        return self._first(_WHOLE)

    def newest_number(self) -> int:
        return int(self._sql.scalar(select(_T.number).order_by(_T.number.desc()).limit(1)) or 0)

    def get(self, number: int) -> PlatformsVersion | None:
        return self._first(_WHOLE.where(_T.number == number))

    def before(self, number: int) -> PlatformsVersion | None:
        return self._first(_WHOLE.where(_T.number < number))

    def all(self, limit: int) -> Sequence[PlatformsVersion]:
        return [_version_of(row) for row in self._sql.all(_WHOLE.order_by(_T.number.desc()).limit(limit))]

    def prune(self, keep: int) -> int:
        oldest = self._sql.scalar(select(_T.number).order_by(_T.number.desc()).offset(keep - 1).limit(1))
        return 0 if oldest is None else int(self._sql.write(delete(PlatformsVersionTable).where(_T.number < oldest)).rowcount)

    def _first(self, statement: AnySelect) -> PlatformsVersion | None:
        row = self._sql.first(statement.order_by(_T.number.desc()).limit(1))
        return None if row is None else _version_of(row)
