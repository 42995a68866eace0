"""Define the tables of conversations, folders, messages, turns, links, queued questions, instructions, summaries, memories
and prompts.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from core.chat.records import Author, MessageStatus
from core.errors import StoredError
from data.columns import ErrorText
from data.encryption.sealed_text import SealedProse
from data.tables.base import NUMBER, Table

_STREAMING = text("status = 'streaming'")


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
    pinned_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    unread: Mapped[bool] = mapped_column(server_default=false())
    uses_instructions: Mapped[bool] = mapped_column(server_default=true())
    uses_memory: Mapped[bool] = mapped_column(server_default=true())
    tools_off: Mapped[str | None] = mapped_column(Text)
    """Names of tools, with spaces between them."""
    tools_allowed: Mapped[str | None] = mapped_column(Text)
    """Names of tools that need not ask, with spaces between them."""


class FolderTable(Table):
    __tablename__ = "folders"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(SealedProse("folders.name"))
    created_at: Mapped[datetime]


class MessageTable(Table):
    __tablename__ = "messages"
    __table_args__ = (Index(None, "conversation_id", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
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
    pinned: Mapped[bool] = mapped_column(server_default=false())
    context: Mapped[str | None] = mapped_column(SealedProse("messages.context"))
    """The context that the model read for an answer, as JSON (data/repositories/chat/answer_contexts.py)."""
    steps: Mapped[str | None] = mapped_column(SealedProse("messages.steps"))
    """The calls of tools in an answer, as JSON (data/repositories/chat/tool_steps.py)."""


class TurnTable(Table):
    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("user_id", "request_id"),
        # At most one running answer per conversation and lane, even if two requests race.
        Index("uq_turns_streaming_lane", "conversation_id", "lane", unique=True, sqlite_where=_STREAMING, postgresql_where=_STREAMING),
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
    lane: Mapped[int] = mapped_column(server_default=text("0"))
    stop_requested: Mapped[bool] = mapped_column(server_default=false())
    """Whether somebody asked on another replica to stop it."""
    decided_step: Mapped[str | None] = mapped_column(Text)
    """The step that the person decided about last."""
    decision: Mapped[str | None] = mapped_column(String(20))


class ShareTable(Table):
    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    group_id: Mapped[str | None] = mapped_column(String(64))
    """No foreign key: a link for a deleted group must not become one for everybody."""
    title: Mapped[str] = mapped_column(SealedProse("shares.title"))
    snapshot: Mapped[str] = mapped_column(SealedProse("shares.snapshot"))
    masked: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class FollowUpTable(Table):
    __tablename__ = "follow_ups"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(SealedProse("follow_ups.text"))
    options: Mapped[str] = mapped_column(SealedProse("follow_ups.options"))
    files: Mapped[str] = mapped_column(Text)
    """File ids, as JSON."""
    created_at: Mapped[datetime]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)


class InstructionsTable(Table):
    __tablename__ = "instructions"

    id: Mapped[str] = mapped_column(String(300), primary_key=True)
    """Holder and subject: encrypted texts need a key of one column."""
    holder: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(SealedProse("instructions.text"))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str | None] = mapped_column(String(64))


class PromptTable(Table):
    __tablename__ = "prompts"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(SealedProse("prompts.title"))
    text: Mapped[str] = mapped_column(SealedProse("prompts.text"))
    share: Mapped[str] = mapped_column(String(16), index=True)
    group_name: Mapped[str] = mapped_column(String(200))
    starter: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PromptVersionTable(Table):
    __tablename__ = "prompt_versions"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    """The prompt and the number: encrypted texts need a key of one column."""
    prompt_id: Mapped[str] = mapped_column(ForeignKey("prompts.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    title: Mapped[str] = mapped_column(SealedProse("prompt_versions.title"))
    text: Mapped[str] = mapped_column(SealedProse("prompt_versions.text"))
    saved_at: Mapped[datetime]


class SummaryTable(Table):
    """Summaries that models read in place of the first turns of conversations."""

    __tablename__ = "summaries"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    until_id: Mapped[str] = mapped_column(String(64))
    turns: Mapped[int]
    text: Mapped[str] = mapped_column(SealedProse("summaries.text"))
    model: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]


class MemoryTable(Table):
    """What models remember about people, and what they propose to remember."""

    __tablename__ = "memories"
    __table_args__ = (Index(None, "user_id", "state"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    """Set for proposals only: they are deleted with their chat."""
    state: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(SealedProse("memories.text"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class MemorySwitchTable(Table):
    """Who turned memory on or off."""

    __tablename__ = "memory_switches"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    is_on: Mapped[bool]
    updated_at: Mapped[datetime]
