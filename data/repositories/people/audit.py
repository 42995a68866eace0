"""Store audit events."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select

from core.people.records import THE_PORTAL, AuditEntry, AuditEvent, AuditFilter
from data.index.documents import AUDIT_DIGITS
from data.tables import AuditEventTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = AuditEventTable.__table__.c
_USER = UserTable.__table__.c
_WHOLE = select(_T.number, _T.at, _T.actor_id, _T.action, _T.subject, _T.details, _USER.name.label("actor_name")).outerjoin(
    UserTable, _USER.id == _T.actor_id
)


class SqlAuditRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, event: AuditEvent) -> None:
        values = {"at": event.at, "actor_id": event.actor_id, "action": event.action, "subject": event.subject}
        added = insert(AuditEventTable).values(values | {"details": dict(event.details)}).returning(_T.number)
        self._sql.announce("audit", [_id(self._sql.write(added).scalar_one())])

    def by_ids(self, ids: Sequence[str]) -> Sequence[AuditEntry]:
        if not ids:
            return []
        return [_entry(row) for row in self._sql.all(_filtered(_WHOLE, AuditFilter(ids=tuple(ids))))]

    def find(self, filter: AuditFilter, limit: int, before: str | None = None) -> Sequence[AuditEntry]:
        statement = _filtered(_WHOLE, filter).order_by(_T.number.desc()).limit(limit)
        if before is not None:
            statement = statement.where(_T.number < int(before))
        return [_entry(row) for row in self._sql.all(statement)]

    def count(self, filter: AuditFilter) -> int:
        return int(self._sql.scalar(_filtered(select(func.count()).select_from(AuditEventTable), filter)))

    def actions(self) -> Sequence[str]:
        return [row.action for row in self._sql.all(select(_T.action).distinct().order_by(_T.action))]


def _filtered(statement: AnySelect, filter: AuditFilter) -> AnySelect:
    if filter.action is not None:
        statement = statement.where(_T.action == filter.action)
    if filter.actor_id is not None:
        statement = statement.where(_T.actor_id.is_(None) if filter.actor_id == THE_PORTAL else _T.actor_id == filter.actor_id)
    if filter.since is not None:
        statement = statement.where(_T.at >= filter.since)
    if filter.until is not None:
        statement = statement.where(_T.at < filter.until)
    if filter.ids is not None:
        statement = statement.where(_T.number.in_([int(each) for each in filter.ids]))
    return statement


def _entry(row: AnyRow) -> AuditEntry:
    event = AuditEvent(at=row.at, actor_id=row.actor_id, action=row.action, subject=row.subject, details=row.details)
    return AuditEntry(_id(row.number), event, row.actor_name)


def _id(number: int) -> str:
    return str(number).zfill(AUDIT_DIGITS)
