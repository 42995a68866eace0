"""Store audit events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select, update

from core.access.audit_chain import LINKS
from core.access.audit_digest import GENESIS, digest
from core.operations.retention import PROOF
from core.people.audit_records import THE_PORTAL, AuditEntry, AuditEvent, AuditFilter, ChainedEvent
from data.columns import storable
from data.index.documents import AUDIT_DIGITS
from data.tables import AuditEventTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = AuditEventTable.__table__.c
_USER = UserTable.__table__.c
_EVENT = [_T.number, _T.at, _T.actor_id, _T.action, _T.subject, _T.details]
CHAIN = 7_310_001
"""Number of the lock that a transaction holds until its commit while it extends the chain."""
_WHOLE = select(_T.number, _T.at, _T.actor_id, _T.action, _T.subject, _T.details, _USER.name.label("actor_name")).outerjoin(
    UserTable, _USER.id == _T.actor_id
)


class SqlAuditRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction
        self._added: list[AuditEvent] = []

    def add(self, event: AuditEvent) -> None:
        self._added.append(replace(event, subject=storable(event.subject), details=dict(event.details)))

    def write_added(self) -> None:
        """Chain and insert the added events. Call it last, before the commit: until then no other transaction can add any."""
        if not self._added:
            return
        self._sql.lock_alone(CHAIN)
        previous = self._head()
        for event in self._added:
            chained = digest(previous, event)
            values = {"at": event.at, "actor_id": event.actor_id, "action": event.action, "subject": event.subject}
            chain: dict[str, Any] = {"details": event.details, "previous": previous, "hash": chained}
            added = self._sql.write(insert(AuditEventTable).values(values | chain).returning(_T.number)).scalar_one()
            self._sql.announce("audit", [_id(added)])
            previous = chained
        self._added.clear()

    def _head(self) -> str:
        """Return the hash of the newest event. Events that the previous release wrote after it are chained first."""
        newest = self._sql.first(select(_T.hash).order_by(_T.number.desc()).limit(1))
        if newest is None:
            return GENESIS
        if newest.hash is not None:
            return str(newest.hash)
        last = self._sql.first(select(_T.number, _T.hash).where(_T.hash.is_not(None)).order_by(_T.number.desc()).limit(1))
        number, previous = (last.number, last.hash) if last is not None else (-1, GENESIS)
        for row in self._sql.all(select(*_EVENT).where(_T.number > number).order_by(_T.number)):
            chained = digest(previous, _event(row))
            self._sql.write(update(AuditEventTable).where(_T.number == row.number).values(previous=previous, hash=chained))
            previous = chained
        return str(previous)

    def chain(self, after: str | None, limit: int) -> Sequence[ChainedEvent]:
        statement = select(*_EVENT, _T.previous, _T.hash).order_by(_T.number).limit(limit)
        if after is not None:
            statement = statement.where(_T.number > int(after))
        return [
            ChainedEvent(id=_id(row.number), event=_event(row), previous=row.previous, hash=row.hash) for row in self._sql.all(statement)
        ]

    def links(self, ids: Sequence[str]) -> Sequence[tuple[str, str]]:
        chosen = _T.number.in_([int(each) for each in ids])
        rows = self._sql.all(select(_T.previous, _T.hash).where(chosen, _T.hash.is_not(None)).order_by(_T.number))
        runs: list[tuple[str, str]] = []
        for row in rows:
            if runs and runs[-1][1] == row.previous:
                runs[-1] = (runs[-1][0], row.hash)
            else:
                runs.append((row.previous, row.hash))
        return runs

    def links_of_removed(self) -> Mapping[str, str]:
        rows = self._sql.all(select(_T.details).where(_T.action == PROOF))
        links = (link for row in rows for link in str(row.details.get(LINKS, "")).split())
        return dict(link.split(">", 1) for link in links if ">" in link)

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


def _event(row: AnyRow) -> AuditEvent:
    return AuditEvent(at=row.at, actor_id=row.actor_id, action=row.action, subject=row.subject, details=row.details)


def _entry(row: AnyRow) -> AuditEntry:
    return AuditEntry(_id(row.number), _event(row), row.actor_name)


def _id(number: int) -> str:
    return str(number).zfill(AUDIT_DIGITS)
