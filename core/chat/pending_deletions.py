"""Deletions that can be taken back for some seconds. Until then what is deleted is hidden; then it is gone, whoever watches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import PortalError
from core.people.records import User

log = logging.getLogger(__name__)

UNDO_S = 8.0
GRACE_S = 2.0
"""An undo is offered for UNDO_S and taken for this much longer: it travels, and its reader needs a moment."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something that is about to be deleted."""

    id: str
    user_id: str
    title: str
    timer: threading.Timer


class PendingDeletions:
    """Holds them in this process. A process that dies before the time is up has deleted nothing."""

    def __init__(self, delete: Callable[[User, str], None]) -> None:
        self._delete = delete
        self._pending: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def add(self, user: User, id: str, title: str) -> None:
        """Delete it once the time is up. Adding it again changes nothing."""
        timer = threading.Timer(UNDO_S + GRACE_S, self._run_out, (user, id))
        timer.daemon = True
        with self._lock:
            if id in self._pending:
                return
            self._pending[id] = Pending(id=id, user_id=user.id, title=title, timer=timer)
        timer.start()

    def take_back(self, user: User, id: str) -> bool:
        """Whether it was still there to be taken back."""
        with self._lock:
            found = self._pending.get(id)
            if found is None or found.user_id != user.id:
                return False
            del self._pending[id]
        found.timer.cancel()
        return True

    def of(self, user: User) -> list[Pending]:
        """Those of this person, the newest last."""
        with self._lock:
            return [each for each in self._pending.values() if each.user_id == user.id]

    def __contains__(self, id: str) -> bool:
        with self._lock:
            return id in self._pending

    def close(self, find: Callable[[str], User | None]) -> None:
        """Delete what is pending now. find: the person with an id."""
        with self._lock:
            left = list(self._pending.values())
        for each in left:
            each.timer.cancel()
            if user := find(each.user_id):
                self._run_out(user, each.id)

    def _run_out(self, user: User, id: str) -> None:
        with self._lock:
            if id not in self._pending:
                return
        try:
            self._delete(user, id)
        except PortalError as problem:
            log.warning("a deletion that could be taken back was refused in the end: %s", problem)
        finally:
            with self._lock:
                self._pending.pop(id, None)
