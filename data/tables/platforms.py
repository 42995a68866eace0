"""Define the tables of the platforms' configuration and of the vectors that models computed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.platforms.records import EditedBy
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class PlatformsVersionTable(Table):
    """Versions of the configuration. Numbers are never reused, also after old versions were removed."""

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
