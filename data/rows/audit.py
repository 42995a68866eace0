"""Rows of audit events."""

from __future__ import annotations

from sqlalchemy import insert

from core.entities import AuditEvent
from data.tables import AuditEventTable
from data.transaction import Transaction


class SqlAuditRows:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, event: AuditEvent) -> None:
        self._sql.write(
            insert(AuditEventTable).values(
                at=event.at, actor_id=event.actor_id, action=event.action, subject=event.subject, details=dict(event.details)
            )
        )
