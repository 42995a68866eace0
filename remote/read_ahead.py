"""Read in one call what a page is going to read.

A page that is drawn again reads nearly the same as the last time. What follows a change is read in the call that makes the change. What
pages read is remembered as patterns, in which marks stand for the open conversation and the session, so that a pattern serves other
conversations too. Patterns without anything of one person serve every tab of this server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

CONVERSATION, SESSION = "$conversation", "$session"
"""Marks: the conversation that is open, or that a change has just opened; the token of the session."""
FRESH_S = 1.0
"""A result that was read early serves one read, and only for so long. Nothing that changes data may lie in between."""
MOST = 40
"""Reads in one call."""
MOST_PATTERNS = 500

Answer = dict[str, Any]
"""{"value": ...} or {"error": ...}; {"again": ...} for a read that has to be sent alone."""
Ask = Callable[[Sequence["Read"]], Sequence[Answer] | None]
"""Sends several reads in one call; returns None if that is impossible."""


@dataclass(frozen=True, slots=True)
class Read:
    """One call that changes nothing. data: its arguments as JSON; in a pattern they hold marks."""

    service: str
    name: str
    token: str | None
    """Of the person's session; in a pattern the mark. None for a method that needs nobody."""
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
    wishes: str = ""
    """The kinds of what the person did, which the run carries out first."""
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
        """Return the read that a pattern stands for. Without a conversation its mark stays."""
        data = json.loads(pattern.data)
        if self.conversation is not None and data.get("conversation_id") == CONVERSATION:
            data["conversation_id"] = self.conversation
        if data.get("token") == SESSION:
            data["token"] = self.token
        return Read.of(pattern.service, pattern.name, None if pattern.token is None else self.token, data)


class Patterns:
    """Thread-safe. What pages read, by the page and what happened before: the last change, or the beginning of the run."""

    def __init__(self) -> None:
        self._reads: dict[tuple[str, str], tuple[Read, ...]] = {}
        self._lock = threading.Lock()

    def get(self, page: str, after: str) -> Sequence[Read]:
        with self._lock:
            return self._reads.get((page, after), ())

    def note(self, page: str, after: str, reads: Sequence[Read]) -> None:
        """Remember them, unless the page only broke off earlier than the last time."""
        with self._lock:
            before = self._reads.get((page, after), ())
            if before[: len(reads)] == tuple(reads):
                return
            if len(self._reads) >= MOST_PATTERNS:
                self._reads.clear()
            self._reads[page, after] = tuple(reads)


class ReadAhead:
    """What one tab reads. `begin` starts a run; the reads of such a run are then sent together, at the first of them."""

    def __init__(self, everybody: Patterns | None = None) -> None:
        """everybody: patterns that other tabs use as well."""
        self._everybody = everybody or Patterns()
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
            self._next("a chat" if drawing.conversation else "", drawing.wishes)

    def end(self) -> None:
        """End the run. Fragments that run later read what they need, each by itself."""
        with self._lock:
            self._note()
            self._drawing = None
            self.forget()

    def forget(self) -> None:
        """Drop what was read early: something changes."""
        with self._lock:
            self._answers, self._asked = {}, False

    def before_change(self, change: str, token: str | None) -> Sequence[Read]:
        """Forget what was read early; return what the page will read after the change, to be sent with it.

        token: of the change's person. The mark of the conversation is left where the change itself opens one.
        """
        with self._lock:
            self.forget()
            if self._drawing is None:
                return ()
            self._note()
            self._next(change)
            return [self._drawing.filled(each) for each in self._expected()] if token and token == self._drawing.token else ()

    def after_change(self, sent: Sequence[Read], answers: Sequence[Answer], conversation: str | None) -> None:
        """Take in the answers to what was sent with a change. conversation: the one that it opened, if it did."""
        with self._lock:
            if self._drawing is None:
                return
            if conversation is not None:
                self._drawing = replace(self._drawing, conversation=conversation)
            self._take([self._drawing.filled(each) for each in sent], answers)

    def answer(self, read: Read, ask: Ask) -> Answer | None:
        """Return the answer to a read that was sent early; None if this one has to be sent alone."""
        with self._lock:
            drawing = self._drawing
            if drawing is None or read.token not in (drawing.token, None):
                return None
            pattern = drawing.pattern(read)
            if len(self._seen) < MOST:
                self._seen.append(pattern)
            if self._asked and time.monotonic() - self._at > FRESH_S:
                self._answers = {}
            expected = self._expected()
            if not self._asked and pattern in expected:
                rest = [drawing.filled(each) for each in expected[expected.index(pattern) :]]
                known = [each for each in rest if f'"{CONVERSATION}"' not in each.data]
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
        return self._own.get(self._drawing.page, self._after) or self._everybody.get(self._drawing.page, self._after)

    def _note(self) -> None:
        if self._drawing is None:
            return
        self._own.note(self._drawing.page, self._after, self._seen)
        self._everybody.note(self._drawing.page, self._after, [each for each in self._seen if _of_nobody(each)])


def _of_nobody(pattern: Read) -> bool:
    """Tell whether a pattern holds nothing of one person: no text that was typed, and no id."""
    values = json.loads(pattern.data).values()
    return all(value in (CONVERSATION, SESSION, "") or not isinstance(value, str | list | dict) for value in values)
