"""Declare the repository of notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.notices.records import Notice, NoticeChoices, NoticeKind


class NoticeRepository(Protocol):
    def add(self, notice: Notice) -> None: ...
    def replace_unread(self, notice: Notice) -> None:
        """Insert a notice, replacing unread ones of its kind with the same target."""
        ...

    def of_user(self, user_id: str, limit: int, before: datetime | None = None) -> Sequence[Notice]:
        """Return a person's notices, newest first. before: return only older ones."""
        ...

    def unread(self, user_id: str, limit: int, answers_before: datetime, seen: str = "") -> tuple[int, Sequence[Notice]]:
        """Count unread notices, and return the newest. Answers count only if they are older than this time.

        seen: the chat whose answer does not count.
        """
        ...

    def mark_read(self, user_id: str, at: datetime, *, notice_id: str | None = None) -> int:
        """Mark one notice or all as read; returns how many were unread."""
        ...

    def settle(self, user_id: str, kind: NoticeKind, target: str, at: datetime) -> None:
        """Mark notices as read whose target the person has just seen."""
        ...

    def remove_older(self, before: datetime) -> int:
        """Delete older notices, except those of people under a legal hold."""
        ...

    def choices(self, user_id: str) -> NoticeChoices: ...
    def put_choices(self, user_id: str, choices: NoticeChoices) -> None: ...
