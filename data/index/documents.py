"""Build the index documents of each kind from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, String, and_, bindparam, cast, exists, false, func, literal, null, select
from sqlalchemy.orm import aliased

from data.search.port import Document
from data.search.words import FILE_NAMES
from data.tables import (
    AttachmentTable,
    AuditEventTable,
    ConversationTable,
    FeedbackTable,
    FileTable,
    GenerationTable,
    GroundRunTable,
    MessageTable,
    UserTable,
)
from data.transaction import AnySelect

_CONVERSATION = ConversationTable.__table__.c
_MESSAGE = MessageTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_RUN = GroundRunTable.__table__.c
_AUDIT = AuditEventTable.__table__.c
_FILE = FileTable.__table__.c
_ATTACHMENT = AttachmentTable.__table__.c
_ANSWER, _QUESTION = aliased(MessageTable), aliased(MessageTable)

AUDIT_DIGITS = 16
_DIGITS = cast(_AUDIT.number, String)
AUDIT_ID = func.substr(literal("0" * AUDIT_DIGITS).concat(_DIGITS), func.length(_DIGITS) + 1)
"""The number of an audit event as an id: zero-padded, so that ids compare as numbers do."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of the documents of a kind. key: the indexed column that orders rows as their ids are ordered. at: the time column."""

    id: ColumnElement[Any]
    key: ColumnElement[Any]
    key_of: Callable[[str], object]
    at: ColumnElement[Any]

    def ids(self) -> AnySelect:
        return select(self.id.label("id"))


SOURCES: Mapping[str, Source] = {
    "conversation": Source(id=_CONVERSATION.id, key=_CONVERSATION.id, key_of=str, at=_CONVERSATION.updated_at),
    "message": Source(id=_MESSAGE.id, key=_MESSAGE.id, key_of=str, at=_MESSAGE.created_at),
    "feedback": Source(id=_FEEDBACK.id, key=_FEEDBACK.id, key_of=str, at=_FEEDBACK.created_at),
    "audit": Source(id=AUDIT_ID, key=_AUDIT.number, key_of=int, at=_AUDIT.at),
}

_NO_FOLDER, _NO_FILE = null().label("folder_id"), false().label("has_file")

# Every select returns: id, owner, conversation, at, model, rating, folder, whether it has files, and one or more texts.
_SELECTS: Mapping[str, AnySelect] = {
    "conversation": select(
        _CONVERSATION.id, _CONVERSATION.user_id, _CONVERSATION.id.label("conversation_id"), _CONVERSATION.updated_at,
        literal("").label("model"), null().label("rating"), _CONVERSATION.folder_id,
        exists().where(_FILE.conversation_id == _CONVERSATION.id).label("has_file"), _CONVERSATION.title,
    ),
    "message": select(
        _MESSAGE.id, _CONVERSATION.user_id, _MESSAGE.conversation_id, _MESSAGE.created_at,
        _GENERATION.model, _FEEDBACK.rating, _CONVERSATION.folder_id,
        exists().where(_ATTACHMENT.message_id == _MESSAGE.id).label("has_file"), _MESSAGE.text,
    )
    .join(ConversationTable, _CONVERSATION.id == _MESSAGE.conversation_id)
    .outerjoin(GenerationTable, _GENERATION.message_id == _MESSAGE.id)
    .outerjoin(FeedbackTable, and_(_FEEDBACK.message_id == _MESSAGE.id, _FEEDBACK.user_id == _CONVERSATION.user_id)),
    "feedback": select(
        _FEEDBACK.id, _FEEDBACK.user_id, _FEEDBACK.conversation_id, _FEEDBACK.created_at, _FEEDBACK.model, _FEEDBACK.rating,
        _NO_FOLDER, _NO_FILE,
        _FEEDBACK.comment, _FEEDBACK.note, _FEEDBACK.reasons, _FEEDBACK.better_answer,
        _QUESTION.text.label("question"), _ANSWER.text.label("answer"), _RUN.phrases,
    )
    .outerjoin(_ANSWER, _ANSWER.id == _FEEDBACK.message_id)
    .outerjoin(_QUESTION, _QUESTION.id == _ANSWER.parent_id)
    .outerjoin(GroundRunTable, _RUN.id == _FEEDBACK.message_id),
    "audit": select(
        AUDIT_ID.label("id"), literal("").label("user_id"), literal("").label("conversation_id"), _AUDIT.at,
        literal("").label("model"), null().label("rating"), _NO_FOLDER, _NO_FILE,
        _AUDIT.action, _AUDIT.subject, UserTable.name, _AUDIT.details,
    )
    .outerjoin(UserTable, UserTable.id == _AUDIT.actor_id),
}  # fmt: skip
_KEYS: BindParameter[object] = bindparam("keys", expanding=True)
_CHANGED = {kind: statement.where(SOURCES[kind].key.in_(_KEYS)) for kind, statement in _SELECTS.items()}
_NAMES = (
    select(_ATTACHMENT.message_id, _FILE.name)
    .join(FileTable, _FILE.id == _ATTACHMENT.file_id)
    .where(_ATTACHMENT.message_id.in_(_KEYS))
    .order_by(_ATTACHMENT.place)
)


def load_documents(connection: Connection, versions: Mapping[tuple[str, str], int]) -> list[Document]:
    """Load the current state of each (kind, id), at the given version; a tombstone if the row is gone."""
    found: dict[tuple[str, str], Document] = {}
    for kind, statement in _CHANGED.items():
        source = SOURCES[kind]
        keys = [source.key_of(document_id) for each, document_id in versions if each == kind]
        if keys:
            rows = connection.execute(statement, {"keys": keys}).all()
            names = _file_names(connection, [row.id for row in rows if row.has_file]) if kind == "message" else {}
            for row in rows:
                found[kind, row[0]] = _document(kind, versions[kind, row[0]], *row, names.get(row[0]))
    return [found.get(key) or Document(kind=key[0], id=key[1], version=version) for key, version in versions.items()]


def _file_names(connection: Connection, message_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the file names of each message. They may be encrypted, so they are read as rows, only for the few messages that have files."""
    names: dict[str, str] = {}
    if message_ids:
        for message_id, name in connection.execute(_NAMES, {"keys": message_ids}):
            names[message_id] = f"{names[message_id]}\n{name}" if message_id in names else FILE_NAMES + name
    return names


def _document(
    kind: str,
    version: int,
    id: str,
    owner_id: str,
    conversation_id: str,
    at: datetime,
    model: str | None,
    rating: int | None,
    folder_id: str | None,
    has_file: bool,
    *texts: str | Mapping[str, object] | None,
) -> Document:
    return Document(
        kind=kind,
        id=id,
        version=version,
        text=_join(texts),
        owner_id=owner_id,
        conversation_id=conversation_id,
        at=at,
        model=model or "",
        rating=rating,
        folder_id=folder_id or "",
        has_file=has_file,
    )


def _join(texts: Iterable[str | Mapping[str, object] | None]) -> str:
    plain = (" ".join(f"{name} {value}" for name, value in text.items()) if isinstance(text, Mapping) else text for text in texts)
    return "\n".join(text for text in plain if text)
