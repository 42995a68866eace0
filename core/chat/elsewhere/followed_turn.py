"""Share the state of an answer that another process writes. It is read like a RunningTurn; a follower publishes each new state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import Listener, Snapshot


class FollowedTurn:
    """The state of an answer that another process writes. Thread-safe."""

    def __init__(self, turn: Turn, stop: Callable[[], object]) -> None:
        """stop: asks the process that writes the answer to stop."""
        self.turn = turn
        self._stop = stop
        self._now = Snapshot(turn_id=turn.id, question_id=turn.question_id, answer_id=turn.answer_id)
        self._published = self._read = time.monotonic()
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []

    def snapshot(self) -> Snapshot:
        with self._changed:
            self._read = time.monotonic()
            if not self._now.running:
                return self._now
            passed = self._read - self._published
            wait_s = self._now.wait_s
            left = None if wait_s is None or wait_s <= passed else wait_s - passed
            return replace(self._now, elapsed_s=self._now.elapsed_s + passed, wait_s=left)

    def wait(self, after_version: int, timeout: float) -> Snapshot:
        """Block until there is something newer than `after_version`, or `timeout` seconds have passed."""
        return self._wait(lambda: self._now.version > after_version, timeout)

    def wait_begun(self, timeout: float) -> None:
        """Block until there is something to show, or `timeout` seconds have passed."""
        self._wait(lambda: bool(self._now.tokens or self._now.text or self._now.position or not self._now.running), timeout)

    def wait_finished(self, timeout: float | None = None) -> Snapshot:
        return self._wait(lambda: not self._now.running, timeout)

    def _wait(self, until: Callable[[], bool], timeout: float | None) -> Snapshot:
        with self._changed:
            self._read = time.monotonic()
            self._changed.wait_for(until, timeout)
            self._read = time.monotonic()
            return self._now

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the current snapshot and each new one. Returns a function that stops it."""
        with self._changed:
            self._listeners.append(listener)
            listener(self._now)

        def end() -> None:
            with self._changed:
                self._read = time.monotonic()
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def stop(self) -> None:
        self._stop()

    def unread_s(self) -> float:
        """Return the seconds since the last read; 0 while there is a listener."""
        with self._changed:
            return 0.0 if self._listeners else time.monotonic() - self._read

    # For the follower

    @property
    def published(self) -> Snapshot:
        """Return the newest state without counting as a read."""
        with self._changed:
            return self._now

    def publish(self, snapshot: Snapshot) -> None:
        """Publish a new state. While the answer runs, keep the longer text if the new state only has the beginning of it.

        This happens when the new state comes from a replica that knows only the saved text, after one that knew every token.
        """
        with self._changed:
            before = self._now
            if snapshot.running and before.text.startswith(snapshot.text) and before.reasoning.startswith(snapshot.reasoning):
                snapshot = replace(snapshot, text=before.text, reasoning=before.reasoning)
            if snapshot.running and len(snapshot.steps) < len(before.steps):
                snapshot = replace(snapshot, steps=before.steps)
            self._now = replace(snapshot, version=before.version + 1)
            self._published = time.monotonic()
            for listener in self._listeners:
                listener(self._now)
            self._changed.notify_all()

    def lose(self) -> None:
        """End the answer because it no longer runs where it ran. Pages then read what is stored."""
        now = self.published
        if now.running:
            self.publish(replace(now, status=MessageStatus.INTERRUPTED))
