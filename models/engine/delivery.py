"""What the decode thread has to tell, handed over while it computes.

Every reader that wakes wants the interpreter's lock. Woken while tokens are sampled, one after another would take it from the decode
thread; woken as llama.cpp begins to compute, which needs no lock, they are done when it ends.
"""

from __future__ import annotations

import time

from core.inference.requests import Delta
from models.engine.sequence import Event, Sequence

GATHER_S = 0.015
"""Text closer together than this is handed over at once: readers that wake cost the machine more than what they read."""


class Outbox:
    """Used by the decode thread only."""

    def __init__(self) -> None:
        self._told: list[tuple[Sequence, Event]] = []
        self._urgent = False
        self._handed_over = 0.0

    def tell(self, sequence: Sequence, event: Event) -> None:
        """The first text of an answer and its end do not wait for more."""
        self._told.append((sequence, event))
        if not sequence.heard or not isinstance(event, Delta):
            sequence.heard = self._urgent = True

    def hand_over(self) -> None:
        for sequence, event in self._told:
            sequence.events.put(event)
        self._told.clear()
        self._urgent = False
        self._handed_over = time.perf_counter()

    def before_decode(self, *, long: bool) -> None:
        """The lock is about to be let go of. long: for longer than for a token."""
        if self._told and (long or self._urgent or time.perf_counter() - self._handed_over >= GATHER_S):
            self.hand_over()
