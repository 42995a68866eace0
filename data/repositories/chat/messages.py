"""Store messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, insert, select, update

from core.chat.context.records import AnswerContext
from core.chat.records import Message, MessageStatus
from core.errors import StoredError
from core.knowledge.records import StoredFile
from data.repositories.chat.answer_contexts import read_context, write_context
from data.repositories.knowledge.files import files_shown
from data.repositories.usage.generations import GENERATION_COLUMNS, generation_of
from data.tables import AttachmentTable, ConversationTable, FeedbackTable, FileTable, GenerationTable, MessageTable
from data.transaction import AnyRow, Transaction

_T = MessageTable.__table__.c
_CONVERSATION = ConversationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_FILE = FileTable.__table__.c
_SHOWN = AttachmentTable.__table__.c

_WHOLE = (
    select(
        _T.id, _T.conversation_id, _T.parent_id, _T.author, _T.text, _T.status, _T.created_at, _T.reasoning, _T.error, _T.context,
        _T.pinned,
        *GENERATION_COLUMNS, _FEEDBACK.rating, _FEEDBACK.comment,
    )
    .join(ConversationTable, _CONVERSATION.id == _T.conversation_id)
    .outerjoin(GenerationTable, _GENERATION.message_id == _T.id)
    .outerjoin(FeedbackTable, and_(_FEEDBACK.message_id == _T.id, _FEEDBACK.user_id == _CONVERSATION.user_id))
    .order_by(_T.number, _GENERATION.created_at)
)  # fmt: skip


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
    )


class SqlMessageRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, message: Message) -> None:
        self._sql.write(
            insert(MessageTable).values(
                id=message.id,
                conversation_id=message.conversation_id,
                parent_id=message.parent_id,
                author=message.author,
                text=message.text,
                reasoning=message.reasoning,
                status=message.status,
                created_at=message.created_at,
                error=message.error,
            )
        )
        self._sql.announce("message", [message.id])

    def get(self, message_id: str) -> Message | None:
        found = self._with_files(self._sql.all(_WHOLE.where(_T.id == message_id)), _SHOWN.message_id == message_id)
        return found[0] if found else None

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Message]:
        if not ids:
            return []
        rows = self._sql.all(_WHOLE.where(_CONVERSATION.user_id == user_id, _T.id.in_(ids)))
        return self._with_files(rows, _SHOWN.message_id.in_(ids))

    def of_conversation(self, conversation_id: str) -> Sequence[Message]:
        rows = self._sql.all(_WHOLE.where(_T.conversation_id == conversation_id))
        return self._with_files(rows, _FILE.conversation_id == conversation_id)

    def set_pinned(self, message_id: str, pinned: bool) -> None:
        self._sql.write(update(MessageTable).where(_T.id == message_id).values(pinned=pinned))

    def move_below(self, message_id: str, parent_id: str) -> None:
        self._sql.write(update(MessageTable).where(_T.id == message_id).values(parent_id=parent_id))

    def checkpoint(self, message_id: str, text: str, reasoning: str) -> None:
        streaming = and_(_T.id == message_id, _T.status == MessageStatus.STREAMING)
        self._sql.write(update(MessageTable).where(streaming).values(text=text, reasoning=reasoning))

    def finish(
        self,
        message_id: str,
        status: MessageStatus,
        text: str,
        reasoning: str,
        error: StoredError | None = None,
        context: AnswerContext | None = None,
    ) -> None:
        values = {"status": status, "text": text, "reasoning": reasoning, "error": error, "context": write_context(context)}
        self._sql.write(update(MessageTable).where(_T.id == message_id).values(values))
        self._sql.announce("message", [message_id])

    def _with_files(self, rows: list[AnyRow], shown: ColumnElement[bool]) -> list[Message]:
        """Add the files. shown: the condition that selects the files of these messages, and perhaps of others."""
        if not rows:
            return []
        files = files_shown(self._sql, shown)
        # If a message had two generations, the later one is its own.
        return [_message_of(row, files.get(row.id, ())) for row in {row.id: row for row in rows}.values()]
