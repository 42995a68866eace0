"""What the search index holds of each kind of thing, read from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, FromClause, literal, select
from sqlalchemy.orm import aliased

from data.search.port import Document
from data.tables import ConversationTable, FeedbackTable, GenerationTable, MessageTable
from data.transaction import AnySelect

_CONVERSATION = ConversationTable.__table__.c
_MESSAGE = MessageTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_ANSWER, _QUESTION = aliased(MessageTable), aliased(MessageTable)

SOURCES: Mapping[str, FromClause] = {
    "conversation": ConversationTable.__table__,
    "message": MessageTable.__table__,
    "feedback": FeedbackTable.__table__,
}
"""The table whose rows are the documents of each kind."""

# Every select gives: id, owner, conversation, at, model, and one or more texts.
_SELECTS: Mapping[str, AnySelect] = {
    "conversation": select(
        _CONVERSATION.id, _CONVERSATION.user_id, _CONVERSATION.id.label("conversation_id"), _CONVERSATION.updated_at,
        literal("").label("model"), _CONVERSATION.title,
    ),
    "message": select(_MESSAGE.id, _CONVERSATION.user_id, _MESSAGE.conversation_id, _MESSAGE.created_at, _GENERATION.model, _MESSAGE.text)
    .join(ConversationTable, _CONVERSATION.id == _MESSAGE.conversation_id)
    .outerjoin(GenerationTable, _GENERATION.message_id == _MESSAGE.id),
    "feedback": select(
        _FEEDBACK.id, _FEEDBACK.user_id, _FEEDBACK.conversation_id, _FEEDBACK.updated_at, _FEEDBACK.model,
        _FEEDBACK.comment, _FEEDBACK.note, _QUESTION.text.label("question"), _ANSWER.text.label("answer"),
    )
    .outerjoin(_ANSWER, _ANSWER.id == _FEEDBACK.message_id)
    .outerjoin(_QUESTION, _QUESTION.id == _ANSWER.parent_id),
}  # fmt: skip


def load_documents(connection: Connection, versions: Mapping[tuple[str, str], int]) -> list[Document]:
    """The present state of each (kind, id), at the version given; a tombstone where the row is gone."""
    found: dict[tuple[str, str], Document] = {}
    for kind, statement in _SELECTS.items():
        ids = [document_id for each, document_id in versions if each == kind]
        if ids:
            for row in connection.execute(statement.where(SOURCES[kind].c.id.in_(ids))):
                found[kind, row[0]] = _document(kind, versions[kind, row[0]], *row)
    return [found.get(key) or Document(key[0], key[1], version) for key, version in versions.items()]


def _document(
    kind: str, version: int, id: str, owner_id: str, conversation_id: str, at: datetime, model: str | None, *texts: str | None
) -> Document:
    return Document(kind, id, version, _join(texts), owner_id, conversation_id, at, model or "")


def _join(texts: Iterable[str | None]) -> str:
    return "\n".join(text for text in texts if text)
