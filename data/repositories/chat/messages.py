"""Store messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, insert, select, update

from core.chat.context.records import AnswerContext
from core.chat.records import Message, MessageStatus
from core.chat.tools.records import ToolStep
from core.errors import StoredError
from core.knowledge.records import StoredFile
from data.repositories.chat.answer_contexts import read_context, write_context
from data.repositories.chat.tool_steps import read_steps, write_steps
from data.repositories.knowledge.files import FILES_SHOWN, files_shown
from data.repositories.usage.generations import GENERATION_COLUMNS, generation_of
from data.tables import AttachmentTable, ConversationTable, FeedbackTable, FileTable, GenerationTable, MessageTable
from data.transaction import AnyRow, AnySelect, Transaction, Values

_T = MessageTable.__table__.c
_CONVERSATION = ConversationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_FILE = FileTable.__table__.c
_SHOWN = AttachmentTable.__table__.c

_WHOLE = (
    select(
        _T.id, _T.conversation_id, _T.parent_id, _T.author, _T.text, _T.status, _T.created_at, _T.reasoning, _T.error, _T.context,
        _T.pinned, _T.steps,
        *GENERATION_COLUMNS, _FEEDBACK.rating, _FEEDBACK.comment,
    )
    .join(ConversationTable, _CONVERSATION.id == _T.conversation_id)
    .outerjoin(GenerationTable, _GENERATION.message_id == _T.id)
    .outerjoin(FeedbackTable, and_(_FEEDBACK.message_id == _T.id, _FEEDBACK.user_id == _CONVERSATION.user_id))
    .order_by(_T.number, _GENERATION.created_at)
)  # fmt: skip
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_BY_ID = _WHOLE.where(_T.id == bindparam("message"))
_FILES_BY_ID = FILES_SHOWN.where(_SHOWN.message_id == bindparam("message"))
_BY_IDS = _WHOLE.where(_CONVERSATION.user_id == bindparam("user"), _T.id.in_(_IDS))
_FILES_BY_IDS = FILES_SHOWN.where(_SHOWN.message_id.in_(_IDS))
_OF_CONVERSATION = _WHOLE.where(_T.conversation_id == bindparam("conversation"))
_FILES_OF_CONVERSATION = FILES_SHOWN.where(_FILE.conversation_id == bindparam("conversation"))
_ADD = insert(MessageTable)
_CHANGE = update(MessageTable).where(_T.id == bindparam("message"))
_CHECKPOINT = _CHANGE.where(_T.status == MessageStatus.STREAMING)


def _message_of(row: AnyRow, files: tuple[StoredFile, ...]) -> Message:
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        author=row.author,
        text=row.text,
        status=row.status,
        created_at=row.created_at,
        reasoning=row.reasoning,
        error=row.error,
        generation=generation_of(row),
        rating=row.rating,
        comment=row.comment or "",
        files=files,
        pinned=row.pinned,
        context=read_context(row.context),
        steps=read_steps(row.steps),
    )


class SqlMessageRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, message: Message) -> None:
        values = {
            "id": message.id,
            "conversation_id": message.conversation_id,
            "parent_id": message.parent_id,
            "author": message.author,
            "text": message.text,
            "reasoning": message.reasoning,
            "status": message.status,
            "created_at": message.created_at,
            "error": message.error,
            "steps": write_steps(message.steps),
        }
        self._sql.write(_ADD, values)
        self._sql.announce("message", [message.id])

    def get(self, message_id: str) -> Message | None:
        found = self._whole(_BY_ID, _FILES_BY_ID, {"message": message_id})
        return found[0] if found else None

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Message]:
        if not ids:
            return []
        return self._whole(_BY_IDS, _FILES_BY_IDS, {"user": user_id, "ids": list(ids)})

    def of_conversation(self, conversation_id: str) -> Sequence[Message]:
        return self._whole(_OF_CONVERSATION, _FILES_OF_CONVERSATION, {"conversation": conversation_id})

    def set_pinned(self, message_id: str, pinned: bool) -> None:
        self._sql.write(update(MessageTable).where(_T.id == message_id).values(pinned=pinned))

    def move_below(self, message_id: str, parent_id: str) -> None:
        self._sql.write(update(MessageTable).where(_T.id == message_id).values(parent_id=parent_id))

    def checkpoint(self, message_id: str, text: str, reasoning: str, steps: Sequence[ToolStep] = ()) -> None:
        values = {"message": message_id, "text": text, "reasoning": reasoning, "steps": write_steps(steps)}
        self._sql.write(_CHECKPOINT, values)

    def finish(
        self,
        message_id: str,
        status: MessageStatus,
        text: str,
        reasoning: str,
        error: StoredError | None = None,
        context: AnswerContext | None = None,
        steps: Sequence[ToolStep] | None = None,
    ) -> None:
        values: dict[str, Any] = {"message": message_id, "status": status, "text": text, "reasoning": reasoning, "error": error}
        values["context"] = write_context(context)
        if steps is not None:
            values["steps"] = write_steps(steps)
        self._sql.write(_CHANGE, values)
        self._sql.announce("message", [message_id])

    def _whole(self, messages: AnySelect, files_of: AnySelect, values: Values) -> list[Message]:
        """Read messages with their files. files_of: selects the files of these messages, and perhaps of others."""
        rows = self._sql.all(messages, values)
        if not rows:
            return []
        files = files_shown(self._sql, files_of, values)
        # If a message had two generations, the later one is its own.
        return [_message_of(row, files.get(row.id, ())) for row in {row.id: row for row in rows}.values()]
