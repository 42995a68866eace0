"""Combine the reads that a page is expected to make in one call.

A page that is drawn again makes nearly the same reads as the last time. The reads after a change are sent in the call that makes the
change. Reads are remembered as patterns, in which marks stand for the open conversation and the session, so that a pattern also fits
other conversations. Patterns without personal data are shared by all tabs of this server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

CONVERSATION, SESSION = "$conversation", "$session"
"""Marks for the conversation that is open or was just opened by a change, and for the session token."""
FRESH_S = 1.0
"""Seconds that an early result stays valid. It serves only one read, with no change of data in between."""
MAX_READS = 40
"""Most reads in one call."""
MAX_PATTERNS = 500

Answer = dict[str, Any]
"""{"value": ...} or {"error": ...}; {"again": ...} for a read that has to be sent alone."""
Ask = Callable[[Sequence["Read"]], Sequence[Answer] | None]
"""Sends several reads in one call; returns None if that is impossible."""


@dataclass(frozen=True, slots=True)
class Read:
    """One call that changes nothing. data: its arguments as JSON, with marks in a pattern."""

    service: str
    name: str
    token: str | None
    """The session token, or the mark in a pattern. None for a method that needs no session."""
    data: str

    @classmethod
    def of(cls, service: str, name: str, token: str | None, data: dict[str, Any]) -> Read:
        return cls(service, name, token, json.dumps(data, sort_keys=True))

    @property
    def sent(self) -> list[Any]:
        return [self.service, self.name, json.loads(self.data)]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One run of a page."""

    page: str = ""
    actions: str = ""
    """The kinds of actions by the person, which the run carries out first."""
    token: str | None = None
    conversation: str | None = None

    def pattern(self, read: Read) -> Read:
        data = json.loads(read.data)
        if self.conversation is not None and data.get("conversation_id") == self.conversation:
            data["conversation_id"] = CONVERSATION
        if self.token is not None and data.get("token") == self.token:
            data["token"] = SESSION
        return Read.of(read.service, read.name, None if read.token is None else SESSION, data)

    def filled(self, pattern: Read) -> Read:
        """Return the read that a pattern stands for. Without an open conversation, its mark stays."""
        data = json.loads(pattern.data)
        if self.conversation is not None and data.get("conversation_id") == CONVERSATION:
            data["conversation_id"] = self.conversation
        if data.get("token") == SESSION:
            data["token"] = self.token
        return Read.of(pattern.service, pattern.name, None if pattern.token is None else self.token, data)


class Patterns:
    """Patterns of reads, by the page and by the preceding event: the last change, or the start of the run. Thread-safe."""

    def __init__(self) -> None:
        self._reads: dict[tuple[str, str], tuple[Read, ...]] = {}
        self._lock = threading.Lock()

    def get(self, page: str, after: str) -> Sequence[Read]:
        with self._lock:
            return self._reads.get((page, after), ())

    def remember(self, page: str, after: str, reads: Sequence[Read]) -> None:
        """Store the reads, unless they are only the beginning of the known ones because the page stopped earlier."""
        with self._lock:
            before = self._reads.get((page, after), ())
            if before[: len(reads)] == tuple(reads):
                return
            if len(self._reads) >= MAX_PATTERNS:
                self._reads.clear()
            self._reads[page, after] = tuple(reads)


class ReadPrefetch:
    """The reads of one tab. `begin` starts a run, whose expected reads are sent together with its first one."""

    def __init__(self, everybody: Patterns | None = None) -> None:
        """everybody: patterns shared with other tabs."""
        self._of_everyone = everybody or Patterns()
        self._own = Patterns()
        self._drawing: Drawing | None = None
        self._after = ""
        self._seen: list[Read] = []
        self._answers: dict[Read, list[Answer]] = {}
        self._asked = False
        self._at = 0.0
        self._lock = threading.RLock()

    def begin(self, drawing: Drawing) -> None:
        with self._lock:
            self._drawing = drawing
            self._next("a chat" if drawing.conversation else "", drawing.actions)

    def end(self) -> None:
        """End the run. Fragments that run later send each of their reads alone."""
        with self._lock:
            self._remember()
            self._drawing = None
            self.forget()

    def forget(self) -> None:
        """Drop early results, because data is about to change."""
        with self._lock:
            self._answers, self._asked = {}, False

    def before_change(self, change: str, token: str | None) -> Sequence[Read]:
        """Drop early results; return the reads that the page will make after the change, to send them with it.

        token: session token of the person who makes the change. The mark of the conversation stays if the change itself opens one.
        """
        with self._lock:
            self.forget()
            if self._drawing is None:
                return ()
            self._remember()
            self._next(change)
            return [self._drawing.filled(each) for each in self._expected()] if token and token == self._drawing.token else ()

    def after_change(self, sent: Sequence[Read], answers: Sequence[Answer], conversation: str | None) -> None:
        """Store the answers to the reads that were sent with a change. conversation: the one that the change opened, or None."""
        with self._lock:
            if self._drawing is None:
                return
            if conversation is not None:
                self._drawing = replace(self._drawing, conversation=conversation)
            self._take([self._drawing.filled(each) for each in sent], answers)

    def answer(self, read: Read, ask: Ask) -> Answer | None:
        """Return the early answer to a read; None if the read has to be sent alone."""
        with self._lock:
            drawing = self._drawing
            if drawing is None or read.token not in (drawing.token, None):
                return None
            pattern = drawing.pattern(read)
            if len(self._seen) < MAX_READS:
                self._seen.append(pattern)
            if self._asked and time.monotonic() - self._at > FRESH_S:
                self._answers = {}
            expected = self._expected()
            if not self._asked and pattern in expected:
                following = [drawing.filled(each) for each in expected[expected.index(pattern) :]]
                known = [each for each in following if f'"{CONVERSATION}"' not in each.data]
                self._take(known, ask(known) or ())
            found = self._answers.get(read)
            return found.pop(0) if found else None

    def _take(self, reads: Sequence[Read], answers: Sequence[Answer]) -> None:
        for read, answer in zip(reads, answers, strict=False):
            if "again" not in answer:
                self._answers.setdefault(read, []).append(answer)
        self._asked, self._at = bool(reads), time.monotonic()

    def _next(self, *after: str) -> None:
        self._after, self._seen = " ".join(after), []
        self.forget()

    def _expected(self) -> Sequence[Read]:
        assert self._drawing is not None, "called within a run"
        return self._own.get(self._drawing.page, self._after) or self._of_everyone.get(self._drawing.page, self._after)

    def _remember(self) -> None:
        if self._drawing is None:
            return
        self._own.remember(self._drawing.page, self._after, self._seen)
        self._of_everyone.remember(self._drawing.page, self._after, [each for each in self._seen if _is_impersonal(each)])


def _is_impersonal(pattern: Read) -> bool:
    """Tell whether a pattern contains no personal data: no typed text and no id."""
    values = json.loads(pattern.data).values()
    return all(value in (CONVERSATION, SESSION, "") or not isinstance(value, str | list | dict) for value in values)
