"""Split an answer into reasoning and text while it streams."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


class ReasoningParser:
    """Feed text in any pieces. A tag cut between two pieces is held back until it is whole.

    inside: the prompt itself ended in `<think>`, so the answer begins with thoughts and has no opening tag. Otherwise
    an opening tag counts only where the answer begins: later it is a quotation. verbatim: the answer continues in the middle of a
    text, so that everything is text.
    """

    def __init__(self, *, inside: bool, verbatim: bool = False) -> None:
        self._state = "text" if verbatim else "thinking" if inside else "start"
        self._held = ""
        self._trim = not verbatim
        """Blank lines at the start of thoughts and text belong to the tags."""

    @property
    def thinking(self) -> bool:
        return self._state == "thinking"

    @property
    def answering(self) -> bool:
        """Tell whether the reasoning, if any, is over."""
        return self._state == "text"

    def feed(self, piece: str) -> tuple[str, str]:
        """Return (new reasoning, new text)."""
        self._held += piece
        if self._state == "start" and not self._begin():
            return "", ""
        if self._state == "thinking":
            return self._think()
        return "", self._take(len(self._held))

    def finish(self) -> tuple[str, str]:
        """Return (rest of the reasoning, rest of the text)."""
        rest, self._held = self._held, ""
        return (rest, "") if self._state == "thinking" else ("", rest)

    def _begin(self) -> bool:
        """Find out whether the answer opens with the tag; False while that is open."""
        text = self._held.lstrip()
        if text.startswith(OPEN):
            self._state, self._held = "thinking", text[len(OPEN) :]
        elif OPEN.startswith(text):
            return False
        else:
            self._state, self._trim = "text", False
        return True

    def _think(self) -> tuple[str, str]:
        end = self._held.find(CLOSE)
        if end < 0:
            # Blank lines at the end may belong to the closing tag, too.
            certain = self._held[: len(self._held) - _overlap(self._held, CLOSE)].rstrip("\n")
            return self._take(len(certain)), ""
        reasoning = self._take(end).rstrip("\n")
        self._state, self._held, self._trim = "text", self._held[len(CLOSE) :], True
        return reasoning, self._take(len(self._held))

    def _take(self, count: int) -> str:
        """Return the first `count` held characters, without the blank lines that belong to a tag."""
        taken, self._held = self._held[:count], self._held[count:]
        if self._trim:
            taken = taken.lstrip("\n")
            self._trim = not taken
        return taken


def _overlap(text: str, tag: str) -> int:
    """Return the length of the longest end of `text` that begins `tag`."""
    return next((length for length in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:length])), 0)
