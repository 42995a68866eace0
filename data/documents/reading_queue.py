"""Decide which document is read next: fairly by person; a long document pauses for others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

SLICE_S = 1.0
"""Seconds after which a document pauses if someone waits who has had less time."""
STARVED_S = 10.0
"""A document that has waited this many seconds goes first."""
OPEN_EACH = 2
"""Most documents of one person that are begun and not finished."""


@dataclass(slots=True, eq=False)
class Turn:
    """A document in the queue, between enter and leave."""

    person: str
    number: int
    waits_since: float
    begun: bool = False
    running: bool = False
    runs_since: float = 0.0
    ran_s: float = 0.0


class ReadingQueue:
    """Queues documents: some run, some are begun and paused, the others wait. Safe from any thread; the caller pauses and continues its
    process."""

    def __init__(self, at_once: int, most_open: int, *, slice_s: float = SLICE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """at_once: documents that run. most_open: those that are begun, whose processes hold memory."""
        self._at_once = at_once
        self._most_open = most_open
        self._slice_s = slice_s
        self._clock = clock
        self._changed = threading.Condition()
        self._turns: list[Turn] = []
        self._used: dict[str, float] = {}
        """Seconds that each person's documents have run, while any of them is in the queue."""
        self._number = 0

    def enter(self, person: str) -> Turn:
        with self._changed:
            self._number += 1
            turn = Turn(person=person, number=self._number, waits_since=self._clock())
            self._turns.append(turn)
            self._used.setdefault(person, 0.0)
            self._start_due()
            return turn

    def leave(self, turn: Turn) -> None:
        with self._changed:
            self._stop(turn)
            self._turns.remove(turn)
            if all(each.person != turn.person for each in self._turns):
                del self._used[turn.person]
            self._start_due()

    def wait(self, turn: Turn, seconds: float) -> bool:
        """Wait up to `seconds` for the document's turn; return whether it may run now."""
        with self._changed:
            self._start_due()  # Another document may have waited too long by now.
            return self._changed.wait_for(lambda: turn.running, seconds)

    def pause(self, turn: Turn) -> None:
        with self._changed:
            self._stop(turn)
            turn.waits_since = self._clock()
            self._start_due()

    def is_due(self, turn: Turn) -> bool:
        """Tell whether this running document must pause."""
        with self._changed:
            now = self._clock()
            if now - turn.runs_since < self._slice_s:
                return False
            mine = self._used[turn.person] + now - turn.runs_since
            return any(self._used[each.person] <= mine or self._starves(each) for each in self._eligible() if each.person != turn.person)

    def position(self, turn: Turn) -> int:
        """Return the queue position; 1 is next."""
        with self._changed:
            waiting = sorted((each for each in self._turns if not each.running), key=self._rank)
            return waiting.index(turn) + 1 if turn in waiting else 1

    def ran_s(self, turn: Turn) -> float:
        """Return how many seconds it has run in total."""
        with self._changed:
            return turn.ran_s + (self._clock() - turn.runs_since if turn.running else 0.0)

    def waited_s(self, turn: Turn) -> float:
        with self._changed:
            return self._clock() - turn.waits_since

    def _stop(self, turn: Turn) -> None:
        if turn.running:
            ran = self._clock() - turn.runs_since
            turn.running = False
            turn.ran_s += ran
            self._used[turn.person] += ran

    def _start_due(self) -> None:
        """Start documents as far as the limits allow."""
        while sum(each.running for each in self._turns) < self._at_once and (eligible := self._eligible()):
            turn = min(eligible, key=self._rank)
            turn.running = turn.begun = True
            turn.runs_since = self._clock()
            self._changed.notify_all()

    def _eligible(self) -> list[Turn]:
        """Return the waiting documents that fit into memory."""
        begun = [each.person for each in self._turns if each.begun]
        return [
            each
            for each in self._turns
            if not each.running and (each.begun or (len(begun) < self._most_open and begun.count(each.person) < OPEN_EACH))
        ]

    def _rank(self, turn: Turn) -> tuple[bool, int, float, int]:
        running = sum(each.running and each.person == turn.person for each in self._turns)
        return not self._starves(turn), running, self._used[turn.person], turn.number

    def _starves(self, turn: Turn) -> bool:
        return turn.begun and self._clock() - turn.waits_since > STARVED_S
