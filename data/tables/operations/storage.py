"""Define the tables of keys, retention, index jobs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.columns import Prose
from data.tables.base import NUMBER, Table


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

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    document_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often the index rejected this document; not counted while the index is down."""
    error: Mapped[str | None] = mapped_column(Prose)
