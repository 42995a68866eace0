"""Define the tables of the platforms' configuration, and of the vectors and answers that models computed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.platforms.records import EditedBy
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class PlatformsVersionTable(Table):
    """Versions of the configuration. Numbers are never reused, not even after old versions were removed."""

    __tablename__ = "platforms_versions"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    created_at: Mapped[datetime]
    author_id: Mapped[str | None] = mapped_column(String(64))
    """No foreign key: a version outlives its author. NULL: the file on disk was edited."""
    edited_by: Mapped[EditedBy]
    restored: Mapped[int | None]
    text: Mapped[str] = mapped_column(SealedProse("platforms_versions.text"))


class EmbeddingTable(Table):
    """Vectors by a hash of model and text. They can be computed again, so backups leave them out."""

    __tablename__ = "embeddings"
    __table_args__ = (Index(None, "used_at"), Index(None, "created_at"))

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(SealedBytes("embeddings.vector"))
    """Little-endian float32."""
    tokens: Mapped[int]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class ResultTable(Table):
    """Answers to deterministic requests, by a hash of the request. The model can give them again, so backups leave them out."""

    __tablename__ = "results"
    __table_args__ = (
        Index(None, "user_id"),
        Index(None, "group_name"),
        Index(None, "conversation_id"),
        Index(None, "created_at"),
        Index(None, "used_at"),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    group_name: Mapped[str] = mapped_column(String(200))
    """The group that shares the answer; empty if only its person may reuse it."""
    conversation_id: Mapped[str] = mapped_column(String(64))
    """The chat or stored response that it is deleted with (the `remove` of their repositories). No foreign key: some have neither."""
    model: Mapped[str] = mapped_column(String(300))
    model_version: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(SealedProse("results.body"))
    """The answer as JSON (data/repositories/inference/results.py)."""
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
