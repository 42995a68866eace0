"""Rows of audit events."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from core.entities import AuditEntry, AuditEvent
from data.documents import AUDIT_DIGITS
from data.tables import AuditEventTable
from data.transaction import Transaction

_T = AuditEventTable.__table__.c


class SqlAuditRows:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, event: AuditEvent) -> None:
        values = {"at": event.at, "actor_id": event.actor_id, "action": event.action, "subject": event.subject}
        added = insert(AuditEventTable).values(values | {"details": dict(event.details)}).returning(_T.number)
        self._sql.announce("audit", [_id(self._sql.write(added).scalar_one())])

    def by_ids(self, ids: Sequence[str]) -> Sequence[AuditEntry]:
        if not ids:
            return []
        columns = (_T.number, _T.at, _T.actor_id, _T.action, _T.subject, _T.details)
        rows = self._sql.all(select(*columns).where(_T.number.in_([int(each) for each in ids])))
        return [AuditEntry(_id(number), AuditEvent(*event)) for number, *event in rows]


def _id(number: int) -> str:
    return str(number).zfill(AUDIT_DIGITS)
