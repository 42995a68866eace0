"""Read notices, mark them as read, and choose what the browser shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.bounds import within
from core.clock import Clock
from core.errors import NotFound
from core.notices.records import Notice, NoticeChoices, Unread
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

MAX_LISTED, MAX_NEWEST = 100, 5
GRACE = timedelta(seconds=5)
"""Time until an answer counts as unread. A page that shows it has marked it as read by then."""


class Notices:
    """Manages the caller's own notices. Other services add them (giving.py)."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def unread(self, user: User, seen: str = "") -> Unread:
        """Count unread notices. Pages ask this every few seconds.

        seen: the id of the chat that the page shows, whose answer needs no notice.
        """
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            count, newest = work.notices.unread(user.id, MAX_NEWEST, self._clock() - GRACE, seen)
        return Unread(count, tuple(newest))

    def list(self, user: User, limit: int = 20, before: datetime | None = None) -> Sequence[Notice]:
        """Return the caller's notices, newest first. before: return only older ones."""
        require(user, Permission.CHAT)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            return work.notices.of_user(user.id, limit, before)

    def mark_read(self, user: User, notice_id: str) -> None:
        """Mark one of the caller's notices as read. Raises NotFound."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            if not work.notices.mark_read(user.id, self._clock(), notice_id=notice_id):
                raise NotFound("This notice does not exist. It may have been removed.")
            work.commit()

    def mark_all_read(self, user: User) -> None:
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            work.notices.mark_read(user.id, self._clock())
            work.commit()

    def choices(self, user: User) -> NoticeChoices:
        """Return what the person's browsers show."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return work.notices.choices(user.id)

    def choose(self, user: User, choices: NoticeChoices) -> None:
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            work.notices.put_choices(user.id, choices)
            work.commit()
