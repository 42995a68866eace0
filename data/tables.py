"""Define the tables. Ids are strings from core; integer keys are the database's own and give the order of insertion."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.chat.records import Author, MessageStatus
from core.errors import StoredError
from core.inference.records import FinishReason, Source
from core.people.records import Role, SessionKind
from core.review.records import ReviewState
from core.tasks.records import JobState
from data.columns import Choice, ErrorText, Prose, UtcDateTime
from data.encryption.sealed_text import SealedBytes, SealedProse

_STREAMING = text("status = 'streaming'")
_ACTIVE = text("state in ('waiting', 'running')")
# SQLite numbers rows automatically only in a column declared INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Role: Choice(Role),
        SessionKind: Choice(SessionKind),
        Author: Choice(Author),
        MessageStatus: Choice(MessageStatus),
        FinishReason: Choice(FinishReason),
        Source: Choice(Source),
        ReviewState: Choice(ReviewState),
        JobState: Choice(JobState),
        dict[str, Any]: JSON,
        bool: Boolean(create_constraint=False),
        float: Float(53),
    }


class UserTable(Table):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    group_name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    created_at: Mapped[datetime]
    language: Mapped[str | None] = mapped_column(String(16))
    last_seen_at: Mapped[datetime | None]
    password_hash: Mapped[str] = mapped_column(String(200))
    failures: Mapped[int] = mapped_column(server_default="0")
    """This column and the next are used by the previous release: AttemptTable counts now."""
    locked_until: Mapped[datetime | None]


class SessionTable(Table):
    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[SessionKind]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AttemptTable(Table):
    """Password attempts, by a hash of the name, address, device or person they are counted by."""

    __tablename__ = "attempts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    began_at: Mapped[datetime] = mapped_column(index=True)


class DeviceTable(Table):
    __tablename__ = "devices"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class ConversationTable(Table):
    __tablename__ = "conversations"
    __table_args__ = (Index(None, "user_id", "updated_at"), Index(None, "folder_id", "updated_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(SealedProse("conversations.title"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    head_id: Mapped[str | None] = mapped_column(String(64))
    folder_id: Mapped[str | None] = mapped_column(String(64))
    """No foreign key: SQLite cannot drop a column that has one."""


class FolderTable(Table):
    __tablename__ = "folders"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(SealedProse("folders.name"))
    created_at: Mapped[datetime]


class MessageTable(Table):
    __tablename__ = "messages"
    __table_args__ = (Index(None, "conversation_id", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(_Number, primary_key=True)
    """The order of a conversation's messages, even if two were written in the same microsecond."""
    id: Mapped[str] = mapped_column(String(64), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    parent_id: Mapped[str | None] = mapped_column(String(64))
    author: Mapped[Author]
    text: Mapped[str] = mapped_column(SealedProse("messages.text"))
    reasoning: Mapped[str] = mapped_column(SealedProse("messages.reasoning"))
    status: Mapped[MessageStatus]
    created_at: Mapped[datetime]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)


class FileTable(Table):
    """An attached file; its content is in file_parts."""

    __tablename__ = "files"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    """None until a question uses the file."""
    name: Mapped[str] = mapped_column(SealedProse("files.name"))
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    encoding: Mapped[str | None] = mapped_column(String(20))
    """Of a text file; None for documents, and for files of earlier releases."""


class FilePartTable(Table):
    """A chunk of a file's content, in the order of their numbers. It is small, so that no row is large for a backup or a key change."""

    __tablename__ = "file_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(_Number, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)
    extracted: Mapped[bool]
    """Whether this is extracted text of a document, rather than the document."""
    content: Mapped[bytes] = mapped_column(SealedBytes("file_parts.content"))


class AttachmentTable(Table):
    """Which message shows which file. place: 0 is the first."""

    __tablename__ = "attachments"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int]


class TurnTable(Table):
    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("user_id", "request_id"),
        # At most one running answer per conversation, even if two requests race.
        Index("uq_turns_streaming_conversation_id", "conversation_id", unique=True, sqlite_where=_STREAMING, postgresql_where=_STREAMING),
        Index("ix_turns_streaming_lease_until", "lease_until", sqlite_where=_STREAMING, postgresql_where=_STREAMING),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    request_id: Mapped[str] = mapped_column(String(300))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    question_id: Mapped[str] = mapped_column(String(64))
    answer_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[MessageStatus]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime]


class GenerationTable(Table):
    """Append-only. No foreign keys: a row outlives its chat."""

    __tablename__ = "generations"
    __table_args__ = (Index(None, "created_at"), Index(None, "message_id"), Index(None, "model"), Index(None, "group_name"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64))
    group_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    model: Mapped[str] = mapped_column(String(300))
    model_version: Mapped[str] = mapped_column(String(300))
    platform: Mapped[str] = mapped_column(String(300))
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    queue_s: Mapped[float]
    ttft_s: Mapped[float | None]
    duration_s: Mapped[float]
    tokens_per_second: Mapped[float | None]
    thinking_s: Mapped[float | None]
    finish_reason: Mapped[FinishReason]
    source: Mapped[Source]
    conversation_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    variant: Mapped[str | None] = mapped_column(String(300))
    cost: Mapped[float | None]
    inter_token_p50_s: Mapped[float | None]
    inter_token_p95_s: Mapped[float | None]
    steps: Mapped[int | None]
    prefill_tokens: Mapped[int | None]
    prefill_s: Mapped[float | None]
    guessed_tokens: Mapped[int | None]
    guessed_right: Mapped[int | None]
    retries: Mapped[int | None]


class FeedbackTable(Table):
    """No foreign keys to chats: a rating outlives its text."""

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("user_id", "message_id"),
        Index(None, "created_at"),
        Index(None, "state", "created_at"),
        Index(None, "message_id"),
        Index(None, "conversation_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    group_name: Mapped[str] = mapped_column(String(200))
    conversation_id: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(300))
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(SealedProse("feedback.comment"))
    state: Mapped[ReviewState]
    note: Mapped[str] = mapped_column(SealedProse("feedback.note"))
    reviewer_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AuditEventTable(Table):
    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(_Number, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Prose)
    details: Mapped[dict[str, Any]]


class DataKeyTable(Table):
    """Keys of encryption at rest, each wrapped by the master key. The newest encrypts; the others only decrypt."""

    __tablename__ = "data_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    wrapped: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class RetentionRuleTable(Table):
    __tablename__ = "retention_rules"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    days: Mapped[int]


class LegalHoldTable(Table):
    __tablename__ = "legal_holds"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime]


class IndexJobTable(Table):
    """Changes that the search index has not received. The number is the document's version there, so it must never be reused."""

    __tablename__ = "index_jobs"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(_Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    document_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often the index rejected this document; not counted while the index is down."""
    error: Mapped[str | None] = mapped_column(Prose)


class JobTable(Table):
    """Background jobs. Payload, detail, result and error are JSON objects as text, encrypted if encryption is on."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_active_key", "key", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("ix_jobs_active_run_after", "run_after", sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(None, "owner_id", "number"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(_Number, primary_key=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(64))
    state: Mapped[JobState]
    payload: Mapped[str] = mapped_column(SealedProse("jobs.payload"))
    owner_id: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(200))
    server: Mapped[str | None] = mapped_column(String(200))
    worker: Mapped[str | None] = mapped_column(String(250))
    """Who runs it now, or ran it last."""
    tries: Mapped[int]
    progress: Mapped[float]
    detail: Mapped[str] = mapped_column(SealedProse("jobs.detail"))
    result: Mapped[str] = mapped_column(SealedProse("jobs.result"))
    error: Mapped[str | None] = mapped_column(SealedProse("jobs.error"))
    cancel_requested: Mapped[bool]
    created_at: Mapped[datetime]
    run_after: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
