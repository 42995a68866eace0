"""Follow an answer that an admin server writes: the same to read as core.chat.running_turn.RunningTurn."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import Listener, Snapshot
from core.errors import Away, NotSignedIn, PortalError
from remote.codec import codec
from remote.connection import Connection
from remote.errors import read_error
from remote.identity import SessionUser

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""How long to wait for the admin server at a time before trying again."""
Stop = Callable[[SessionUser, Turn], None]


class RemoteTurn:
    """Thread-safe. A thread of its own reads the events; readers take snapshots, wait, or listen."""

    def __init__(self, turn: Turn, user: SessionUser, stop: Stop) -> None:
        self.turn = turn
        self._user = user
        self._stop = stop
        self._now = Snapshot(turn_id=turn.id, question_id=turn.question_id, answer_id=turn.answer_id)
        self._heard = time.monotonic()
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []

    def snapshot(self) -> Snapshot:
        with self._changed:
            if not self._now.running:
                return self._now
            passed = time.monotonic() - self._heard
            wait_s = self._now.wait_s
            left = None if wait_s is None or wait_s <= passed else wait_s - passed
            return replace(self._now, elapsed_s=self._now.elapsed_s + passed, wait_s=left)

    def wait(self, after_version: int, timeout: float) -> Snapshot:
        """Block until there is something newer than `after_version`, or `timeout` seconds have passed."""
        return self._wait(lambda: self._now.version > after_version, timeout)

    def wait_begun(self, timeout: float) -> None:
        """Block until there is something to show, or `timeout` seconds have passed."""
        self._wait(lambda: bool(self._now.tokens or self._now.position or not self._now.running), timeout)

    def wait_finished(self, timeout: float | None = None) -> Snapshot:
        return self._wait(lambda: not self._now.running, timeout)

    def _wait(self, until: Callable[[], bool], timeout: float | None) -> Snapshot:
        with self._changed:
            self._changed.wait_for(until, timeout)
            return self._now

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the current snapshot and each new one. Returns a function that stops it."""
        with self._changed:
            self._listeners.append(listener)
            listener(self._now)

        def end() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def stop(self) -> None:
        """Ask the admin server to stop the answer; its text is kept."""
        self._stop(self._user, self.turn)

    def change(self, event: dict[str, Any]) -> None:
        """Take in one event. Raises ValueError if it does not continue what is here."""
        new: Snapshot = codec(Snapshot).read(event["now"], [])
        with self._changed:
            if event["text"] > len(self._now.text) or event["reasoning"] > len(self._now.reasoning):
                raise ValueError("an event is missing")
            text = self._now.text[: event["text"]] + new.text
            reasoning = self._now.reasoning[: event["reasoning"]] + new.reasoning
            self._publish(replace(new, text=text, reasoning=reasoning))

    def lose(self) -> None:
        """End it: it no longer runs where it ran. The page then reads what is stored."""
        with self._changed:
            if self._now.running:
                self._publish(replace(self._now, status=MessageStatus.INTERRUPTED, version=self._now.version + 1))

    def _publish(self, snapshot: Snapshot) -> None:
        self._now = snapshot
        self._heard = time.monotonic()
        for listener in self._listeners:
            listener(snapshot)
        self._changed.notify_all()


class RemoteTurnList:
    """The answers that somebody on this user server follows. Each has one stream, however many pages show it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._followed: dict[tuple[str, str], RemoteTurn] = {}
        self._lock = threading.Lock()

    def count(self) -> int:
        with self._lock:
            return len(self._followed)

    def follow(self, user: SessionUser, turn: Turn, stop: Stop) -> RemoteTurn:
        """Return the answer as it is followed here; begin to follow it if it is not."""
        key = (user.token, turn.id)
        with self._lock:
            found = self._followed.get(key)
            if found is None:
                found = self._followed[key] = RemoteTurn(turn, user, stop)
                threading.Thread(target=self._read, args=(key, found), name=f"follow-{turn.id[:8]}", daemon=True).start()
            return found

    def _read(self, key: tuple[str, str], followed: RemoteTurn) -> None:
        """Read events until the answer has ended. While no server can be reached, what is there stays, and it goes on afterwards."""
        try:
            while True:
                try:
                    with self._connection.stream(f"/internal/v1/live/{followed.turn.id}", key[0], ({}, [])) as lines:
                        for line in lines:
                            event = json.loads(line)
                            if "error" in event:
                                raise read_error(event["error"])
                            followed.change(event)
                    return
                except Away as away:
                    away.wait(WAIT_S)
        except NotSignedIn:
            log.info("the session of an answer that was followed has ended")
        except PortalError as problem:
            log.info("an answer is no longer followed: %s", problem)
        except Exception:
            log.exception("an answer could not be followed")
        finally:
            with self._lock:
                self._followed.pop(key, None)
            followed.lose()
