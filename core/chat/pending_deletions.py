"""Delete items after a delay in which the deletion can be undone. They are hidden in the meantime."""

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
"""Seconds beyond UNDO_S in which an undo is still accepted, since requests take time to arrive."""
CLOSE_S = 10.0
"""Seconds that a stop waits for a deletion that has begun."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An item that is about to be deleted."""

    id: str
    user_id: str
    title: str
    group: str = ""
    """Deletions of the same group are undone together. "" means that this one stands alone."""


class PendingDeletions:
    """Holds pending deletions in memory. If the process dies before the time is up, nothing is deleted."""

    def __init__(self, delete: Callable[[User, str], None]) -> None:
        self._delete = delete
        self._pending: dict[str, Pending] = {}
        self._timers: dict[str, threading.Timer] = {}
        """The timer of each pending deletion, by the same id."""
        self._ending: set[str] = set()
        """Those whose deletion has begun: it is too late to take them back."""
        self._lock = threading.Lock()

    def add(self, user: User, id: str, title: str, group: str = "") -> None:
        """Delete an item once the time is up. Adding it again changes nothing."""
        timer = threading.Timer(UNDO_S + GRACE_S, self._run_out, (user, id))
        timer.daemon = True
        with self._lock:
            if id in self._pending:
                return
            self._pending[id] = Pending(id=id, user_id=user.id, title=title, group=group)
            self._timers[id] = timer
        timer.start()

    def take_back(self, user: User, id: str) -> bool:
        """Cancel a pending deletion, and those of its group. Returns False if it was no longer pending."""
        with self._lock:
            found = self._pending.get(id)
            if found is None or found.user_id != user.id or id in self._ending:
                return False
            group = [each for each in self._pending.values() if each is found or (found.group and each.group == found.group)]
            group = [each for each in group if each.id not in self._ending]
            for each in group:
                del self._pending[each.id]
            timers = [self._timers.pop(each.id) for each in group]
        for timer in timers:
            timer.cancel()
        return True

    def of(self, user: User) -> list[Pending]:
        """Return this person's pending deletions, newest last."""
        with self._lock:
            return [each for each in self._pending.values() if each.user_id == user.id]

    def __contains__(self, id: str) -> bool:
        with self._lock:
            return id in self._pending

    def close(self, find: Callable[[str], User | None]) -> None:
        """Carry out all pending deletions now. find: returns the person with a given id."""
        with self._lock:
            left, timers = list(self._pending.values()), list(self._timers.values())
        for timer in timers:
            timer.cancel()
        for each in left:
            if user := find(each.user_id):
                self._run_out(user, each.id)
        for timer in timers:
            if timer.is_alive():
                timer.join(CLOSE_S)

    def _run_out(self, user: User, id: str) -> None:
        with self._lock:
            if id not in self._pending or id in self._ending:
                return
            self._ending.add(id)
        try:
            self._delete(user, id)
        except PortalError as problem:
            log.warning("a pending deletion failed: %s", problem)
        finally:
            with self._lock:
                self._pending.pop(id, None)
                self._timers.pop(id, None)
                self._ending.discard(id)
