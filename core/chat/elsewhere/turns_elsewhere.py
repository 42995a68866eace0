"""Follow and stop the answers of other replicas, through what those replicas save in the database once a second."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from core.chat.elsewhere.followed_turn import FollowedTurn
from core.chat.records import MessageStatus, Turn, TurnProgress
from core.clock import Clock
from core.errors import PortalError
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

POLL_S = 0.5
"""Seconds between reads. Together with the second between two saves, text of another replica appears at most 1.5 s late."""
FORGOTTEN_S = 30.0
"""Seconds without a reader after which an answer is no longer followed."""


class TurnsElsewhere:
    """Follows answers of other replicas. Thread-safe. While there are any, one thread reads all of them in one statement."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._followed: dict[str, FollowedTurn] = {}
        self._reading = False
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def of(self, user: User) -> list[Turn]:
        """Return the person's streaming turns, including those of this process."""
        with self._unit_of_work() as work:
            return list(work.turns.streaming_of(user.id))

    def streaming(self, user: User, turn_id: str) -> Turn | None:
        """Return one of the person's own turns if it is streaming."""
        with self._unit_of_work() as work:
            found = work.turns.get(turn_id)
        return found if found and found.user_id == user.id and found.status is MessageStatus.STREAMING else None

    def follow(self, turn: Turn) -> FollowedTurn:
        """Return the followed answer of a turn; begin to follow it if needed."""
        with self._lock:
            found = self._followed.get(turn.id)
            if found is not None:
                return found
            found = self._followed[turn.id] = FollowedTurn(turn, lambda: self.stop(turn))
            if not self._reading and not self._closing.is_set():
                self._reading = True
                threading.Thread(target=self._read, name="turns-elsewhere", daemon=True).start()
        self._look([turn.id])
        return found

    def stop(self, turn: Turn) -> bool:
        """Ask the replica that runs it to stop it. Returns False if it has ended."""
        with self._unit_of_work() as work:
            asked = work.turns.request_stop(turn.id)
            work.commit()
        return asked

    def count(self) -> int:
        """Return how many answers are followed."""
        with self._lock:
            return len(self._followed)

    def close(self) -> None:
        self._closing.set()

    def _read(self) -> None:
        while not self._closing.wait(POLL_S):
            with self._lock:
                for turn_id in [each for each, followed in self._followed.items() if followed.unread_s() > FORGOTTEN_S]:
                    del self._followed[turn_id]
                ids = list(self._followed)
                if not ids:
                    self._reading = False
                    return
            try:
                self._look(ids)
            except PortalError as problem:
                log.warning("answers of other replicas cannot be read: %s", problem)
            except Exception:
                log.exception("answers of other replicas could not be read")

    def _look(self, ids: list[str]) -> None:
        with self._unit_of_work() as work:
            found = {each.turn_id: each for each in work.turns.progress(ids)}
        for turn_id in ids:
            with self._lock:
                followed = self._followed.get(turn_id)
            if followed is None:
                continue
            progress = found.get(turn_id)
            if progress is None:
                followed.lose()  # The chat was deleted.
            else:
                self._publish(followed, progress)
            if not followed.published.running:
                with self._lock:
                    self._followed.pop(turn_id, None)

    def _publish(self, followed: FollowedTurn, stored: TurnProgress) -> None:
        now = followed.published
        if (stored.status, stored.text, stored.reasoning, stored.steps) == (now.status, now.text, now.reasoning, now.steps):
            return
        elapsed = (self._clock() - followed.turn.created_at).total_seconds()
        followed.publish(
            replace(
                now, status=stored.status, text=stored.text, reasoning=stored.reasoning, error=stored.error, steps=stored.steps,
                elapsed_s=max(0.0, elapsed),
            )
        )
