"""Define the table of votes of the Arena."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.arena.records import Choice, VoteTask
from data.tables.base import Table


class ArenaVoteTable(Table):
    """Votes on two blind answers. They hold no text."""

    __tablename__ = "arena_votes"
    __table_args__ = (Index(None, "voted_at"), Index(None, "user_id"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    left_name: Mapped[str] = mapped_column(String(300))
    left_version: Mapped[str] = mapped_column(String(300))
    right_name: Mapped[str] = mapped_column(String(300))
    right_version: Mapped[str] = mapped_column(String(300))
    choice: Mapped[Choice]
    task: Mapped[VoteTask | None]
    voted_at: Mapped[datetime]
