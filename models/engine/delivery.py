"""Hand events to readers while the decode thread computes.

Every reader that wakes wants the interpreter's lock. Woken while tokens are sampled, one after another would take it from the decode
thread; woken as llama.cpp begins to compute, which needs no lock, they are done when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from core.inference.requests import Delta
from models.engine.sequence import Event, Sequence

GATHER_S = 0.015
"""Text that follows within this time is handed over together: waking a reader costs more than its reading."""


class Outbox:
    """Holds events until a good moment. Belongs to the decode thread."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._pending: list[tuple[Sequence, Event]] = []
        self._urgent = False
        self._flushed_at = 0.0

    def put(self, sequence: Sequence, event: Event) -> None:
        """Hold an event; the first text of an answer and its end make it urgent."""
        self._pending.append((sequence, event))
        if not sequence.text_sent or not isinstance(event, Delta):
            sequence.text_sent = self._urgent = True

    def flush(self) -> None:
        """Hand over all events."""
        for sequence, event in self._pending:
            sequence.events.put(event)
        self._pending.clear()
        self._urgent = False
        self._flushed_at = self._clock()

    def before_decode(self, *, long: bool) -> None:
        """Flush if it is time: the interpreter's lock is about to be released. long: for longer than a token takes."""
        if self._pending and (long or self._urgent or self._clock() - self._flushed_at >= GATHER_S):
            self.flush()
