"""Store links to snapshots of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, insert, select, update

from core.sharing.records import Share
from data.tables import GroupTable, LegalHoldTable, ShareTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = ShareTable.__table__.c
_GROUP = GroupTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_COLUMNS = [_T.id, _T.conversation_id, _T.user_id, _T.title, _T.group_id, _T.masked, _T.created_at, _T.expires_at]


def _links() -> AnySelect:
    return select(*_COLUMNS, _GROUP.name.label("group")).outerjoin(GroupTable, _GROUP.id == _T.group_id)


def _share_of(row: AnyRow) -> Share:
    return Share(**{**row._mapping, "group": row.group or ""})


class SqlShareRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, share: Share, snapshot: str) -> None:
        values = {
            "id": share.id,
            "conversation_id": share.conversation_id,
            "user_id": share.user_id,
            "title": share.title,
            "group_id": share.group_id,
            "masked": share.masked,
            "created_at": share.created_at,
            "expires_at": share.expires_at,
            "snapshot": snapshot,
        }
        self._sql.write(insert(ShareTable).values(values))

    def get(self, share_id: str) -> Share | None:
        row = self._sql.first(_links().where(_T.id == share_id))
        return None if row is None else _share_of(row)

    def snapshot(self, share_id: str) -> str | None:
        row = self._sql.first(select(_T.snapshot).where(_T.id == share_id))
        return None if row is None else row.snapshot

    def of_conversation(self, conversation_id: str) -> Sequence[Share]:
        found = self._sql.all(_links().where(_T.conversation_id == conversation_id).order_by(_T.created_at.desc(), _T.id))
        return [_share_of(row) for row in found]

    def end(self, share_id: str, at: datetime) -> None:
        self._sql.write(update(ShareTable).where(_T.id == share_id).values(expires_at=at))

    def remove(self, share_id: str) -> None:
        self._sql.write(delete(ShareTable).where(_T.id == share_id))

    def remove_expired(self, before: datetime) -> int:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        return self._sql.write(delete(ShareTable).where(_T.expires_at < before, ~held)).rowcount
