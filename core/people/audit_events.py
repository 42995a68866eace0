"""Record audit events. core/people/audit.py reads them."""

from __future__ import annotations

from datetime import datetime

from core.people.audit_records import AuditEvent
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


def record(work: UnitOfWork, at: datetime, actor_id: str | None, action: str, subject: str, **details: str) -> None:
    """Record who did what to what, in the transaction that does it.

    actor_id: None for the portal itself and the command line.
    """
    work.audit.add(AuditEvent(at=at, actor_id=actor_id, action=action, subject=subject, details=details))


def record_alone(unit_of_work: UnitOfWorkFactory, at: datetime, actor_id: str | None, action: str, subject: str, **details: str) -> None:
    """Record an event in a separate transaction, for what was done outside the database."""
    with unit_of_work() as work:
        record(work, at, actor_id, action, subject, **details)
        work.commit()
