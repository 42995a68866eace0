"""Define the tables of notices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class NoticeTable(Table):
    """Notices. A notice is deleted with the chat or the link that it leads to."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "conversation_id"), Index(None, "share_id"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(SealedProse("notices.subject"))
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    share_id: Mapped[str | None] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"))
    job_id: Mapped[str | None] = mapped_column(String(64))
    alert_rule_id: Mapped[str | None] = mapped_column(String(64))
    task_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NoticeChoicesTable(Table):
    """People's choices of what their browsers show."""

    __tablename__ = "notice_choices"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    browser: Mapped[bool]
    titles: Mapped[bool]
