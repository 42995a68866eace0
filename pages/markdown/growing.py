"""Convert a text that is still being written: finished blocks are not parsed again, and open marks are drawn as if closed."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field

from pages.markdown import blocks
from pages.markdown.inline import Context
from pages.markdown.reading import read
from pages.markdown.text import literal

CARET = "▍"
FAILURES = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Errors that the parser may raise on a text, which is then shown as plain text."""

_log = logging.getLogger(__name__)
_LINE_END = re.compile(r"\r\n?")
_CONTROL = {0: "\ufffd"} | dict.fromkeys([*range(1, 9), 11, *range(14, 32), 127])
_UNUSUAL = re.compile(r"[\x00-\x08\x0b\r\x0e-\x1f\x7f]")
_MARK_WITHOUT_TEXT = re.compile(r"(?:^|\n)[ \t>]*(?:[-=*+_#>|`~:]{1,3}|\d{1,9}[.)]?)[ \t]*$")
_TABLE_HEAD = re.compile(r"(?:^|\n\n)[ \t]*\|[^\n]*\n$")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})(?:\]\([^()\s]*)?$")


def whole(text: str, leaving: str = "", sources: int | None = None) -> str:
    """Return the Markdown of a finished text. sources: how many sources it may cite; None if it cites none."""
    try:
        source = _lines(text)
        return blocks.write(list(blocks.top_level(read("\n".join(source)))), source, Context(leaving, sources=sources))[0]
    except FAILURES:
        _log.warning("A text is shown as it is, since the parser failed on it.", exc_info=True)
        return literal(text)


def _lines(text: str) -> list[str]:
    return _LINE_END.sub("\n", text).translate(_CONTROL).split("\n")


@dataclass(slots=True)
class Growing:
    """A growing text. Each block except the last is converted only once."""

    leaving: str = ""
    _read: str = ""
    """The part of the text whose blocks are finished."""
    _written: str = ""
    _marker: str = ""
    _references: dict[str, object] = field(default_factory=dict)

    def markdown(self, text: str, *, caret: bool = True) -> str:
        """Return the Markdown of the text so far."""
        try:
            written = self._so_far(text)
        except FAILURES:  # whole() logs it when the text is finished
            written = literal(text)
        return self._with_caret(written) if caret else written

    def _so_far(self, text: str) -> str:
        if not text.startswith(self._read):
            self._read = self._written = self._marker = ""
            self._references = {}
        tail = text[len(self._read) :]
        if _UNUSUAL.search(tail):
            return whole(text, self.leaving)
        lines = tail.split("\n")
        found = list(blocks.top_level(read(tail, self._references)))
        if len(found) > 1 and (begin := (found[-1][0].map or [0])[0]):
            done, self._marker = blocks.write(found[:-1], lines, Context(self.leaving), self._marker)
            self._written = "\n\n".join(filter(None, (self._written, done)))
            self._read += "\n".join(lines[:begin]) + "\n"
            tail = "\n".join(lines[begin:])
            found = found[-1:]
        closed = completed(tail)
        if closed != tail:
            lines, found = closed.split("\n"), list(blocks.top_level(read(closed, dict(self._references))))
        written, _ = blocks.write(found, lines, Context(self.leaving), self._marker)
        return "\n\n".join(filter(None, (self._written, written)))

    @staticmethod
    def _with_caret(written: str) -> str:
        last = written.rsplit("\n", 1)[-1].strip(" >")
        # A caret cannot stand in a table, in code or in a formula. Below them it would move down with every line, and behind bold words
        # or inline code it would be a text of its own that moves as they grow.
        apart = not last or last.startswith("|") or last.endswith(("`", "$$", "**", "~~")) or last == "___"
        return (written if written else CARET) if apart else f"{written} {CARET}"


def completed(tail: str) -> str:
    """Return the last block with the open marks of its last line closed, so that its look stays the same when the closing mark arrives.

    Only the look depends on this: the result is parsed and written like any other text.
    """
    tail = _MARK_WITHOUT_TEXT.sub("", tail)
    before, line = tail[: tail.rfind("\n") + 1], tail[tail.rfind("\n") + 1 :]
    if line.lstrip().startswith("|") or (not line and _TABLE_HEAD.search(before)):
        return _completed_table(before, line)
    if "```" in tail or "~~~" in tail or "    " in line[:4]:
        return tail
    if line.count("`") % 2:
        return f"{tail.rstrip('`')}`" if not line.endswith("`") else tail.rstrip("`")
    tail = before + _OPEN_LINK.sub(r"\1", line)
    for mark in ("**", "~~"):
        if line.count(mark) % 2:
            tail = tail.rstrip()
            tail = tail.removesuffix(mark) if tail.endswith(mark) else tail.removesuffix(mark[0]) + mark
    return tail


def _completed_table(before: str, line: str) -> str:
    """Add the rule below the head of a table, so that the head is drawn as a table before its rule arrives."""
    paragraph = before.rsplit("\n\n", 1)[-1].strip("\n").split("\n")
    head = paragraph[0] or line
    columns = head.strip().strip("|").count("|") + 1
    rule = "|" + "---|" * columns
    if not paragraph[0]:
        closed = line if line.rstrip().endswith("|") else f"{line}|"
        return f"{before}{closed}\n{rule}"
    if len(paragraph) == 1 and head.lstrip().startswith("|") and not re.sub(r"[|:\s-]", "", line):
        return f"{before}{rule}"
    return before + line
