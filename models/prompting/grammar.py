"""GBNF that strangers send, checked before llama.cpp sees it.

llama.cpp tells what is wrong only on the console, and lets counted repetitions grow without much of a limit.
"""

from __future__ import annotations

import re

from core.errors import InvalidInput

MOST_CHARACTERS = 65_536
MOST_NESTING = 40
MOST_REPEATS = 2_000
"""Of one item, counting the repetitions around it."""
_NAME = re.compile(r"[A-Za-z0-9-]+")
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\(?:["\\\[\]nrt]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}))*"')
_CLASS = re.compile(r"\[\^?(?:[^\]\\\n]|\\(?:[\"\\\[\]nrt-]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}))*\]")
_COUNT = re.compile(r"\{(\d{1,6})(?:,(\d{1,6})?)?\}")
_BLANK = re.compile(r"(?:[ \t]|#[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def check_grammar(text: str) -> str:
    """The text, if it is GBNF with a rule `root` and within bounds. Raises InvalidInput that names the place."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput("The grammar has more than {limit} characters. Shorten it.", limit=MOST_CHARACTERS)
    if "\0" in text or text.encode("utf-8", "replace").decode() != text:
        raise InvalidInput("The grammar holds characters that are no text.")
    _Reader(text).read()
    return text


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._defined: set[str] = set()
        self._used: dict[str, int] = {}

    def read(self) -> None:
        self._skip(lines=True)
        while self._at < len(self._text):
            self._rule()
            self._skip(lines=True)
        if "root" not in self._defined:
            raise InvalidInput("The grammar has no rule named root, where every answer begins.")
        for name, at in self._used.items():
            if name not in self._defined:
                self._at = at
                raise self._wrong(f"the rule {name} is not defined")

    def _rule(self) -> None:
        self._defined.add(self._take(_NAME, "the name of a rule"))
        self._skip()
        if not self._text.startswith("::=", self._at):
            raise self._wrong("::= is missing")
        self._at += 3
        self._skip(lines=True)
        self._alternatives(0, 1)
        if self._at < len(self._text) and self._text[self._at] not in "\r\n":
            raise self._wrong("this is out of place")

    def _alternatives(self, depth: int, repeats: int) -> None:
        if depth > MOST_NESTING:
            raise self._wrong(f"brackets are nested more than {MOST_NESTING} deep")
        self._sequence(depth, repeats)
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(lines=True)
            self._sequence(depth, repeats)

    def _sequence(self, depth: int, repeats: int) -> None:
        while self._at < len(self._text) and self._text[self._at] not in "|)\r\n":
            begin = self._at
            self._item(depth, repeats)
            self._repetition(begin, repeats)
            self._skip(lines=depth > 0)

    def _item(self, depth: int, repeats: int) -> None:
        match self._text[self._at]:
            case '"':
                self._take(_LITERAL, "a text in quotes that ends and has only known escapes")
            case "[":
                self._take(_CLASS, "a set of characters that ends and has only known escapes")
            case ".":
                self._at += 1
            case "(":
                begin = self._at
                self._at += 1
                self._skip(lines=True)
                self._alternatives(depth + 1, repeats * self._count_after(begin))
                if not self._text.startswith(")", self._at):
                    raise self._wrong("a closing bracket is missing")
                self._at += 1
            case _:
                at = self._at
                self._used.setdefault(self._take(_NAME, "a rule, a text, a set or a bracket"), at)

    def _count_after(self, begin: int) -> int:
        """How often the bracket that opens at `begin` is repeated: looked up ahead, since what is inside multiplies."""
        depth, at = 0, begin
        while at < len(self._text):
            skipped = (_LITERAL if self._text[at] == '"' else _CLASS if self._text[at] == "[" else _BLANK).match(self._text, at)
            if skipped and skipped.end() > at:
                at = skipped.end()
                continue
            depth += {"(": 1, ")": -1}.get(self._text[at], 0)
            at += 1
            if depth == 0:
                counted = _COUNT.match(self._text, at)
                return max(1, int(counted[2] or counted[1])) if counted else 1
        return 1

    def _repetition(self, begin: int, repeats: int) -> None:
        if self._at < len(self._text) and self._text[self._at] in "*+?":
            self._at += 1
        elif self._text.startswith("{", self._at):
            counted = _COUNT.match(self._text, self._at)
            if counted is None:
                raise self._wrong("a repetition looks like {2}, {2,} or {2,5}")
            low, high = int(counted[1]), int(counted[2] or counted[1])
            if high < low or repeats * max(low, high) > MOST_REPEATS:
                self._at = begin
                raise self._wrong(f"an item is repeated more than {MOST_REPEATS} times, or fewer times than its least")
            self._at = counted.end()

    def _skip(self, *, lines: bool = False) -> None:
        found = (_BLANK_LINES if lines else _BLANK).match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._wrong(f"expected {what}")
        self._at = found.end()
        return found[0]

    def _wrong(self, reason: str) -> InvalidInput:
        line = self._text.count("\n", 0, self._at) + 1
        near = self._text[self._at : self._at + 20].split("\n")[0]
        return InvalidInput("The grammar cannot be used: {reason}, in line {line} at {near}.", reason=reason, line=line, near=repr(near))
