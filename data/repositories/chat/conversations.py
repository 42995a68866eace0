"""Store conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, delete, insert, select, update

from core.chat.ports import NO_FOLDER
from core.chat.records import Conversation
from data.tables import ConversationTable, FeedbackTable, FolderTable, MessageTable, ResultTable, ReviewCaseTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = ConversationTable.__table__.c
_COLUMNS = [_T.id, _T.user_id, _T.title, _T.created_at, _T.updated_at, _T.head_id, _T.folder_id, _T.pinned_at, _T.archived_at, _T.unread,
            _T.uses_instructions, _T.uses_memory, _T.tools_off, _T.tools_allowed]  # fmt: skip

_BY_ID = select(*_COLUMNS).where(_T.id == bindparam("conversation"))
_FOR_CHANGE = _BY_ID.with_for_update(key_share=True)
_SAVE = update(ConversationTable).where(_T.id == bindparam("conversation"))
_SET_UNREAD = _SAVE.where(_T.unread != bindparam("wanted"))


def _conversation_of(row: AnyRow) -> Conversation:
    names = {"tools_off": tuple((row.tools_off or "").split()), "tools_allowed": tuple((row.tools_allowed or "").split())}
    return Conversation(**{**row._mapping, **names})


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
        "tools_off": " ".join(conversation.tools_off) or None,
        "tools_allowed": " ".join(conversation.tools_allowed) or None,
    }


@cache
def _listed(*, archived: bool, pinned: bool | None, before: bool, foldered: bool | None) -> AnySelect:
    """Return the statement that lists a person's conversations. foldered: in one folder, or in none; None: wherever they are."""
    statement = select(*_COLUMNS).where(_T.user_id == bindparam("user")).order_by(_T.updated_at.desc(), _T.id)
    statement = statement.where(_T.archived_at.is_not(None) if archived else _T.archived_at.is_(None))
    if pinned is not None:
        statement = statement.where(_T.pinned_at.is_not(None) if pinned else _T.pinned_at.is_(None))
    if before:
        statement = statement.where(_T.updated_at < bindparam("before"))
    if foldered is not None:
        statement = statement.where(_T.folder_id == bindparam("folder") if foldered else _T.folder_id.is_(None))
    return statement.limit(bindparam("most", type_=Integer))


def put_into(sql: Transaction, which: ColumnElement[bool], folder_id: str | None) -> None:
    """Move conversations into a folder, or into none, and queue index jobs for them and their messages, which search filters by folder."""
    # Lock first: a message that is added or finished at this moment either waits and is announced after this, or is announced here. The
    # order of the locks is the one that retention uses.
    ids = [row.id for row in sql.lock(select(_T.id).where(which).order_by(_T.updated_at, _T.id))]
    message = MessageTable.__table__.c
    messages = sql.lock(select(message.id).where(message.conversation_id.in_(select(_T.id).where(which))).order_by(message.number))
    sql.write(update(ConversationTable).where(which).values(folder_id=folder_id))
    sql.announce("conversation", ids)
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
        row = self._sql.first(_BY_ID, {"conversation": conversation_id})
        return None if row is None else _conversation_of(row)

    def for_change(self, conversation_id: str) -> Conversation | None:
        rows = self._sql.locked(_FOR_CHANGE, {"conversation": conversation_id})
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
        foldered = None if folder_id is None else folder_id != NO_FOLDER
        statement = _listed(archived=archived, pinned=pinned, before=before is not None, foldered=foldered)
        values = {"user": user_id, "most": limit, "before": before, "folder": folder_id}
        return [_conversation_of(row) for row in self._sql.all(statement, values)]

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        if not ids:
            return []
        rows = self._sql.all(select(*_COLUMNS).where(_T.user_id == user_id, _T.id.in_(ids)))
        found = {row.id: _conversation_of(row) for row in rows}
        return [found[each] for each in dict.fromkeys(ids) if each in found]

    def save(self, conversation: Conversation) -> None:
        self._sql.write(_SAVE, {"conversation": conversation.id, **_values(conversation)})
        self._sql.announce("conversation", [conversation.id])

    def set_unread(self, conversation_id: str, unread: bool) -> None:
        self._sql.write(_SET_UNREAD, {"conversation": conversation_id, "wanted": unread, "unread": unread})

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
        quoting = {"passage": None, "better_answer": None}  # They repeat the answer, so they go with it.
        self._sql.write(update(FeedbackTable).where(feedback.conversation_id == conversation_id).values(quoting))
        of_chat = ReviewCaseTable.__table__.c.feedback_id.in_([row.id for row in rated])
        self._sql.write(update(ReviewCaseTable).where(of_chat).values(correction=None))
        message = MessageTable.__table__.c
        removed = self._sql.write(delete(MessageTable).where(message.conversation_id == conversation_id).returning(message.id)).all()
        self._sql.write(delete(ResultTable).where(ResultTable.__table__.c.conversation_id == conversation_id))
        self._sql.write(delete(ConversationTable).where(_T.id == conversation_id))
        self._sql.announce("message", [row.id for row in removed])
        self._sql.announce("feedback", [row.id for row in rated])
        self._sql.announce("conversation", [conversation_id])
