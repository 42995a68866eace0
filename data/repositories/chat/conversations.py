"""Store conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from core.chat.ports import NO_FOLDER
from core.chat.records import Conversation
from data.tables import ConversationTable, FeedbackTable, FolderTable, MessageTable, ResultTable
from data.transaction import AnyRow, Transaction

_T = ConversationTable.__table__.c
_COLUMNS = [_T.id, _T.user_id, _T.title, _T.created_at, _T.updated_at, _T.head_id, _T.folder_id, _T.pinned_at, _T.archived_at, _T.unread,
            _T.uses_instructions, _T.uses_memory]  # fmt: skip


def _conversation_of(row: AnyRow) -> Conversation:
    return Conversation(**row._mapping)


def _values(conversation: Conversation) -> dict[str, Any]:
    """Return the columns except the folder and `unread`: saving a conversation read earlier must not undo a change made meanwhile."""
    return {
        "id": conversation.id,
        "user_id": conversation.user_id,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "head_id": conversation.head_id,
        "pinned_at": conversation.pinned_at,
        "archived_at": conversation.archived_at,
        "uses_instructions": conversation.uses_instructions,
        "uses_memory": conversation.uses_memory,
    }


def put_into(sql: Transaction, which: ColumnElement[bool], folder_id: str | None) -> None:
    """Move conversations into a folder, or into none, and queue index jobs for them and their messages, which search filters by folder."""
    # Lock first: a message that is added or finished at this moment either waits and is announced after this, or is announced here. The
    # order of the locks is the one that retention uses.
    talks = [row.id for row in sql.lock(select(_T.id).where(which).order_by(_T.updated_at, _T.id))]
    message = MessageTable.__table__.c
    messages = sql.lock(select(message.id).where(message.conversation_id.in_(select(_T.id).where(which))).order_by(message.number))
    sql.write(update(ConversationTable).where(which).values(folder_id=folder_id))
    sql.announce("conversation", talks)
    sql.announce("message", [row.id for row in messages])


class SqlConversationRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, conversation: Conversation) -> None:
        self._sql.write(insert(ConversationTable).values(_values(conversation)))
        self._sql.announce("conversation", [conversation.id])
        if conversation.folder_id is not None:
            self.move(conversation.id, conversation.folder_id)

    def get(self, conversation_id: str) -> Conversation | None:
        row = self._sql.first(select(*_COLUMNS).where(_T.id == conversation_id))
        return None if row is None else _conversation_of(row)

    def for_change(self, conversation_id: str) -> Conversation | None:
        rows = self._sql.lock(select(*_COLUMNS).where(_T.id == conversation_id), referable=True)
        return _conversation_of(rows[0]) if rows else None

    def of_user(
        self,
        user_id: str,
        limit: int,
        before: datetime | None = None,
        folder_id: str | None = None,
        *,
        archived: bool = False,
        pinned: bool | None = None,
    ) -> Sequence[Conversation]:
        statement = select(*_COLUMNS).where(_T.user_id == user_id).order_by(_T.updated_at.desc(), _T.id).limit(limit)
        statement = statement.where(_T.archived_at.is_not(None) if archived else _T.archived_at.is_(None))
        if pinned is not None:
            statement = statement.where(_T.pinned_at.is_not(None) if pinned else _T.pinned_at.is_(None))
        if before is not None:
            statement = statement.where(_T.updated_at < before)
        if folder_id is not None:
            statement = statement.where(_T.folder_id.is_(None) if folder_id == NO_FOLDER else _T.folder_id == folder_id)
        return [_conversation_of(row) for row in self._sql.all(statement)]

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        if not ids:
            return []
        rows = self._sql.all(select(*_COLUMNS).where(_T.user_id == user_id, _T.id.in_(ids)))
        found = {row.id: _conversation_of(row) for row in rows}
        return [found[each] for each in dict.fromkeys(ids) if each in found]

    def save(self, conversation: Conversation) -> None:
        self._sql.write(update(ConversationTable).where(_T.id == conversation.id).values(_values(conversation)))
        self._sql.announce("conversation", [conversation.id])

    def set_unread(self, conversation_id: str, unread: bool) -> None:
        self._sql.write(update(ConversationTable).where(_T.id == conversation_id, _T.unread != unread).values(unread=unread))

    def move(self, conversation_id: str, folder_id: str | None) -> None:
        # Lock the folder, so that nobody removes it meanwhile. If it was just removed, the conversation goes into no folder.
        folder = FolderTable.__table__.c
        if folder_id is not None and not self._sql.lock(select(folder.id).where(folder.id == folder_id)):
            folder_id = None
        put_into(self._sql, _T.id == conversation_id, folder_id)

    def remove(self, conversation_id: str) -> None:
        # Lock first: a message added at this moment either waits and fails, or is already stored and gets its tombstone.
        self._sql.lock(select(_T.id).where(_T.id == conversation_id))
        feedback = FeedbackTable.__table__.c
        rated = self._sql.lock(select(feedback.id).where(feedback.conversation_id == conversation_id))
        message = MessageTable.__table__.c
        removed = self._sql.write(delete(MessageTable).where(message.conversation_id == conversation_id).returning(message.id)).all()
        self._sql.write(delete(ResultTable).where(ResultTable.__table__.c.conversation_id == conversation_id))
        self._sql.write(delete(ConversationTable).where(_T.id == conversation_id))
        self._sql.announce("message", [row.id for row in removed])
        self._sql.announce("feedback", [row.id for row in rated])
        self._sql.announce("conversation", [conversation_id])
