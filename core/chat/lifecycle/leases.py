"""Extend the leases of running turns, and recover turns whose process died."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from core.chat.lifecycle.running_here import RunningHere
from core.chat.records import MessageStatus
from core.clock import Clock
from core.tasks.leadership import Leadership
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
EXTEND_EVERY_S = 5.0
DISABLED_EVERY_S = 2.0
"""Seconds between checks for disabled accounts."""
STOP_EVERY_S = 0.5
"""Seconds between checks for answers that people asked to stop on another replica."""


class TurnLeases:
    """Extends leases on a thread, which also stops the turns of disabled accounts and those that another replica asks to stop."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        here: RunningHere,
        leadership: Leadership,
        closing: threading.Event,
        *,
        shared: bool,
    ) -> None:
        """closing: ends the thread. shared: whether other processes use this database."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._here = here
        self._leadership = leadership
        self._closing = closing
        self._shared = shared
        self._thread = threading.Thread(target=self._keep, name="turn-leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def recover(self, *, everything: bool) -> int:
        """Mark turns whose lease has ended as interrupted and keep their text; returns how many.

        everything: recover every streaming turn that does not run here, because no other process uses this database.
        """
        before = self._clock() + (LEASE * 100 if everything else timedelta())
        with self._unit_of_work() as work:
            left = work.turns.with_expired_lease(before)
        running = self._here.all()
        interrupted = 0
        for turn in left:
            if turn.id in running:
                continue
            with self._unit_of_work() as work:
                if not work.turns.interrupt(turn.id, before):
                    continue  # Its process has ended the turn or extended the lease in the meantime.
                message = work.messages.get(turn.answer_id)
                if message is not None and message.status is MessageStatus.STREAMING:
                    work.messages.finish(turn.answer_id, MessageStatus.INTERRUPTED, message.text, message.reasoning)
                work.commit()
                interrupted += 1
        return interrupted

    def _keep(self) -> None:
        extended = checked = time.monotonic()
        down = False
        while not self._closing.wait(STOP_EVERY_S if self._shared else DISABLED_EVERY_S):
            try:
                if self._shared:
                    self._stop_requested()
                if time.monotonic() - checked >= DISABLED_EVERY_S or not self._shared:
                    checked = time.monotonic()
                    self._stop_disabled()
                if time.monotonic() - extended >= EXTEND_EVERY_S:
                    extended = time.monotonic()
                    self._extend()
                    if self._leadership.holds():
                        self.recover(everything=False)
                down = False
            except Exception:
                # The database may be unavailable for a while. The leases are extended once it is back.
                if not down:
                    log.exception("turn leases could not be extended")
                down = True

    def _extend(self) -> None:
        running = self._here.all()
        if running:
            with self._unit_of_work() as work:
                for turn_id in running:
                    work.turns.extend_lease(turn_id, self._clock() + LEASE)
                work.commit()

    def _stop_requested(self) -> None:
        """Stop the answers that people asked to stop on another replica."""
        running = self._here.all()
        if not running:
            return
        with self._unit_of_work() as work:
            asked = work.turns.stop_requested(list(running))
        for turn_id in asked:
            running[turn_id].stop()

    def _stop_disabled(self) -> None:
        """Stop the answers of people whose accounts were disabled, here or on another server, and keep their text."""
        running = list(self._here.all().values())
        if not running:
            return
        with self._unit_of_work() as work:
            disabled = work.users.disabled({each.turn.user_id for each in running})
        for each in running:
            if each.turn.user_id in disabled:
                each.stop()
