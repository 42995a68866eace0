"""Read one call between `<tool_call>` and `</tool_call>` while it streams. A value ends where its closing tag is followed by another
key or by the end of the call, so that it may contain such tags.
"""

from __future__ import annotations

import re

from models.prompting.tool_arguments import read_json

OPEN, CLOSE = "<tool_call>", "</tool_call>"
KEY, KEY_END, VALUE, VALUE_END = "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"
_AFTER_NAME = re.compile(f"{KEY}|{CLOSE}")
_AFTER_KEY = re.compile(f"{KEY_END}|{VALUE}|{CLOSE}")
_AFTER_BARE = re.compile(f"{VALUE_END}|{KEY}|{CLOSE}")
_BLANK = re.compile(r"\s*")
_MAX_LENGTH = len(CLOSE)


class TaggedCall:
    """Takes the text from the opening tag on; holds the name and the arguments so far."""

    def __init__(self) -> None:
        self.text = ""
        """All text that was read, with the tags."""
        self.name = ""
        self.named = False
        """Whether the name is complete."""
        self.arguments: list[tuple[str, str]] = []
        self.json: str | None = None
        """The text between the tags, where that was a JSON object."""
        self.closed = False
        self.whole = False
        """Tell whether nothing is missing, except perhaps the closing tag."""
        self._at = len(OPEN)
        self._searched = 0
        self._state = "name"
        self._key = ""

    def feed(self, piece: str) -> str:
        """Read more; return the text after the closing tag, once that came."""
        self.text += piece
        while not self.closed and self._step():
            pass
        if not self.closed:
            return ""
        rest, self.text = self.text[self._at :], self.text[: self._at]
        return rest

    @property
    def open_value(self) -> tuple[str, str] | None:
        """Return the key and the beginning of a value that has not ended."""
        return (self._key, self.text[self._at :]) if self._state in ("value", "bare") else None

    def end(self, *, cut: bool) -> None:
        """End the call: a closing tag, the call's or the last value's, may be missing. cut: whether more would have followed."""
        match self._state:
            case "name" if cut:
                self.name = self.text[self._at :].strip()
            case "value" if cut:
                value, found, rest = self.text[self._at :].rpartition(VALUE_END)
                if found and (KEY.startswith(rest.strip()) or CLOSE.startswith(rest.strip())):
                    self.arguments.append((self._key, value))
                    self._state, self.whole = "next", CLOSE.startswith(rest.strip()) and rest.strip() not in ("", "<")
            case "name":
                self.name = self.text[self._at :].strip()
                self.whole = True
            case "value":
                value, found, _ = self.text[self._at :].rpartition(VALUE_END)
                if not found:
                    value, found, _ = self.text[self._at :].rpartition(CLOSE)
                if found:
                    self.arguments.append((self._key, value))
                    self.whole = True
            case "next":
                rest = self.text[self._at :].strip()
                self.whole = CLOSE.startswith(rest) and bool(rest or not cut)

    def _step(self) -> bool:
        """Read one part; returns False if it is not complete yet."""
        match self._state:
            case "name":
                return self._read_name()
            case "json":
                return self._read_json()
            case "key":
                return self._read_key()
            case "between":
                return self._read_between()
            case "value":
                return self._read_value()
            case "bare":
                return self._read_bare()
        return self._read_next()

    def _search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Find the first of the tags from here on; text is not searched twice."""
        found = pattern.search(self.text, max(self._at, self._searched))
        if found is None:
            self._searched = max(self._at, len(self.text) - _MAX_LENGTH)
        return found

    def _read_name(self) -> bool:
        if self.text[self._at :].lstrip().startswith("{"):
            self._state, self._searched = "json", 0
            return True
        found = self._search(_AFTER_NAME)
        if found is None:
            return False
        self.name, self.named = self.text[self._at : found.start()].strip(), True
        self._go_on(found[0], found.end())
        return True

    def _read_json(self) -> bool:
        """Find the end of an object: the first closing tag before which it is complete."""
        end = self.text.find(CLOSE, max(self._at, self._searched))
        if end < 0:
            self._searched = max(self._at, len(self.text) - _MAX_LENGTH)
            return False
        self._searched = end + len(CLOSE)
        between = self.text[self._at : end]
        if isinstance(read_json(between), dict):
            self.json, self.closed, self._at = between, True, end + len(CLOSE)
        return True

    def _read_key(self) -> bool:
        found = self._search(_AFTER_KEY)
        if found is None:
            return False
        self._key = self.text[self._at : found.start()].strip()
        if found[0] == CLOSE:
            self._go_on(CLOSE, found.end())
        else:
            self._state, self._at = ("between", found.end()) if found[0] == KEY_END else ("value", found.end())
        return True

    def _read_between(self) -> bool:
        """Read what follows a key: its value, with its tag or without, or something else."""
        begin = self._past_blanks(self._at)
        rest = self.text[begin:]
        for tag in (VALUE, KEY, CLOSE):
            if rest.startswith(tag):
                self._go_on(tag, begin + len(tag))
                return True
        if any(tag.startswith(rest) for tag in (VALUE, KEY, CLOSE)):
            return False
        self._state, self._at = "bare", begin
        return True

    def _read_value(self) -> bool:
        end = self.text.find(VALUE_END, max(self._at, self._searched))
        if end < 0:
            self._searched = max(self._at, len(self.text) - _MAX_LENGTH)
            return False
        after = self._past_blanks(end + len(VALUE_END))
        rest = self.text[after : after + _MAX_LENGTH]
        if rest.startswith((KEY, CLOSE)):
            self.arguments.append((self._key, self.text[self._at : end]))
            self._state, self._at = "next", after
            return True
        if KEY.startswith(rest) or CLOSE.startswith(rest):
            self._searched = end
            return False
        self._searched = end + len(VALUE_END)
        return True

    def _read_bare(self) -> bool:
        found = self._search(_AFTER_BARE)
        if found is None:
            return False
        self.arguments.append((self._key, self.text[self._at : found.start()].strip()))
        self._state, self._at = "next", found.end() if found[0] == VALUE_END else found.start()
        return True

    def _read_next(self) -> bool:
        begin = self._past_blanks(self._at)
        for tag in (KEY, CLOSE):
            if self.text.startswith(tag, begin):
                self._go_on(tag, begin + len(tag))
                return True
        rest = self.text[begin:]
        if KEY.startswith(rest) or CLOSE.startswith(rest):
            return False
        found = self._search(_AFTER_NAME)  # unexpected text is skipped
        if found is None:
            return False
        self._at = found.start()
        return True

    def _go_on(self, tag: str, at: int) -> None:
        self._at = at
        if tag == CLOSE:
            self.closed = self.whole = True
        else:
            self._state = "key" if tag == KEY else "value"

    def _past_blanks(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        assert found is not None
        return found.end()
