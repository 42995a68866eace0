"""Define the tables of ratings, reviews and answers side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.review.records import ReviewState
from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class FeedbackTable(Table):
    """Ratings. No foreign keys to chats: a rating outlives its text."""

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


class ComparisonTable(Table):
    """Votes on answers side by side. No foreign keys to chats: a vote outlives its texts, as a rating does."""

    __tablename__ = "comparisons"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    group_name: Mapped[str] = mapped_column(String(200))
    conversation_id: Mapped[str] = mapped_column(String(64))
    question_id: Mapped[str] = mapped_column(String(64), unique=True)
    lanes: Mapped[dict[str, Any]]
    """Turn, answer and model of each, and whether their threads are separate; no text."""
    created_at: Mapped[datetime]
    vote: Mapped[str | None] = mapped_column(String(20))
    preferred_id: Mapped[str | None] = mapped_column(String(64))
    voted_at: Mapped[datetime | None]
