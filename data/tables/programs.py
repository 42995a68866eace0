"""Define the tables of what programs store."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class ResponseTable(Table):
    """Stored responses. Input and body are JSON as text, encrypted if encryption is on."""

    __tablename__ = "responses"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    input: Mapped[str] = mapped_column(SealedProse("responses.input"))
    body: Mapped[str] = mapped_column(SealedProse("responses.body"))
    previous_id: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(64))
