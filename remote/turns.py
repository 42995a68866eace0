"""Follow answers of the admin server over a stream of events."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.chat.elsewhere.followed_turn import FollowedTurn
from core.chat.records import Turn
from core.chat.running_turn import Snapshot
from core.errors import NotSignedIn, PortalError, ServerUnreachable
from remote.codec import codec
from remote.connection import Connection
from remote.errors import read_error
from remote.frames import Message
from remote.identity import SessionUser

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""Longest wait for the admin server, in seconds, before the next try."""
Stop = Callable[[SessionUser, Turn], None]


def take_in(followed: FollowedTurn, event: dict[str, Any]) -> None:
    """Publish the new state from an event. Raises ValueError if it does not continue the text so far."""
    new: Snapshot = codec(Snapshot).read(event["now"], [])
    before = followed.published
    if event["text"] > len(before.text) or event["reasoning"] > len(before.reasoning):
        raise ValueError("an event is missing")
    text, reasoning = before.text[: event["text"]] + new.text, before.reasoning[: event["reasoning"]] + new.reasoning
    steps = before.steps if event.get("same_steps") else new.steps
    followed.publish(replace(new, text=text, reasoning=reasoning, steps=steps))


class RemoteTurnList:
    """The answers that pages of this user server show. Each has one stream, whatever the number of pages."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._followed: dict[tuple[str, str], FollowedTurn] = {}
        self._lock = threading.Lock()

    def count(self) -> int:
        with self._lock:
            return len(self._followed)

    def follow(self, user: SessionUser, turn: Turn, stop: Stop) -> FollowedTurn:
        """Return the followed answer of a turn; begin to follow it if needed."""
        key = (user.token, turn.id)
        with self._lock:
            found = self._followed.get(key)
            if found is None:
                found = self._followed[key] = FollowedTurn(turn, lambda: stop(user, turn))
                threading.Thread(target=self._read, args=(key, found), name=f"follow-{turn.id[:8]}", daemon=True).start()
            return found

    def _read(self, key: tuple[str, str], followed: FollowedTurn) -> None:
        """Read events until the answer has ended. The text so far stays while no server can be reached."""
        try:
            while True:
                try:
                    with self._connection.stream(f"/internal/v1/live/{followed.turn.id}", key[0], Message({})) as lines:
                        for line in lines:
                            event = json.loads(line)
                            if "error" in event:
                                raise read_error(event["error"])
                            take_in(followed, event)
                    return
                except ServerUnreachable as away:
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
