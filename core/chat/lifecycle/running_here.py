"""Keep track of the turns that this process runs, each on its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context

from core.chat.records import MessageStatus
from core.chat.running_turn import RunningTurn
from core.people.records import User


class RunningHere:
    """The turns that this process runs. Thread-safe."""

    def __init__(self) -> None:
        self._running: dict[str, RunningTurn] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def start(self, running: RunningTurn, run: Callable[[], None], ended: Callable[[], None]) -> None:
        """Run a turn on its own thread. ended: called on that thread once the turn no longer runs."""
        turn_id = running.turn.id

        def work() -> None:
            try:
                run()
            finally:
                with self._lock:
                    self._running.pop(turn_id, None)
                    self._threads.pop(turn_id, None)
            ended()

        thread = threading.Thread(target=copy_context().run, args=(work,), name=f"turn-{turn_id[:8]}", daemon=True)
        with self._lock:
            self._running[turn_id] = running
            self._threads[turn_id] = thread
            thread.start()  # Under the lock: interrupt() joins every thread that it finds.

    def all(self) -> dict[str, RunningTurn]:
        """Return the running turns by id."""
        with self._lock:
            return dict(self._running)

    def of(self, user: User) -> list[RunningTurn]:
        return [each for each in self.all().values() if each.turn.user_id == user.id]

    def in_conversation(self, user: User, conversation_id: str) -> list[RunningTurn]:
        return [each for each in self.of(user) if each.turn.conversation_id == conversation_id]

    def find(self, user: User, turn_id: str) -> RunningTurn | None:
        """Return one of the person's own turns if it runs here."""
        with self._lock:
            found = self._running.get(turn_id)
        return found if found and found.turn.user_id == user.id else None

    def count(self) -> int:
        with self._lock:
            return len(self._running)

    def interrupt(self, until: float) -> None:
        """Interrupt every turn, and wait until each is written. until: deadline of the wait, on the monotonic clock."""
        with self._lock:
            running, threads = list(self._running.values()), list(self._threads.values())
        for each in running:
            each.stop(MessageStatus.INTERRUPTED)
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
