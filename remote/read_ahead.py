"""Ask for what a page will read in one call: a page that is drawn again reads nearly the same as the last time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

FRESH_S = 1.0
"""A result that was asked for ahead serves one read, and only for so long. Nothing that changes data may lie in between."""
MOST = 40
"""Reads that are asked for together."""

Answer = dict[str, Any]
"""{"value": ...} or {"error": ...}."""


@dataclass(frozen=True, slots=True)
class Read:
    """One call that changes nothing, as it is sent."""

    service: str
    name: str
    token: str | None
    data: str
    """The arguments as JSON."""

    @classmethod
    def of(cls, service: str, name: str, token: str | None, data: dict[str, Any]) -> Read:
        return cls(service, name, token, json.dumps(data, sort_keys=True))


@dataclass(slots=True)
class ReadAhead:
    """What one tab reads. `begin` starts a run; the reads of the run before are then asked for together, at the first of them."""

    _last: list[Read] = field(default_factory=list)
    _now: list[Read] = field(default_factory=list)
    _answers: dict[Read, list[Answer]] = field(default_factory=dict)
    _asked: bool = False
    _at: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def begin(self) -> None:
        with self._lock:
            self._last, self._now = self._now or self._last, []
            self.forget()

    def forget(self) -> None:
        """Drop what has been asked for: something is about to change."""
        with self._lock:
            self._answers, self._asked = {}, False

    def answer(self, read: Read, ask: Callable[[Sequence[Read]], Sequence[Answer] | None]) -> Answer | None:
        """Return the answer to a read that was asked for ahead; None if this one has to be asked alone.

        ask: asks for several in one call; returns None if that is impossible.
        """
        with self._lock:
            if len(self._now) < MOST:
                self._now.append(read)
            if self._asked and time.monotonic() - self._at > FRESH_S:
                self._answers = {}
            if not self._asked and read in self._last:
                self._asked = True
                self._ask(_of_one_person(self._last[self._last.index(read) :]), ask)
            found = self._answers.get(read)
            return found.pop(0) if found else None

    def _ask(self, reads: Sequence[Read], ask: Callable[[Sequence[Read]], Sequence[Answer] | None]) -> None:
        for read, answer in zip(reads, ask(reads) or (), strict=False):
            if "again" not in answer:
                self._answers.setdefault(read, []).append(answer)
        self._at = time.monotonic()


def _of_one_person(reads: Sequence[Read]) -> Sequence[Read]:
    """Leave out the reads of another session: one call is made for one person."""
    token = next((each.token for each in reads if each.token is not None), None)
    return [each for each in reads if each.token in (token, None)]
