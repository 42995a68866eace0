"""A text that is still being written: what stands is not read again, and what is open is drawn as what it will be."""

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
"""What a parser that fails on a text may raise. Then all of it is text."""

_log = logging.getLogger(__name__)
_LINE_END = re.compile(r"\r\n?")
_CONTROL = {0: "\ufffd"} | dict.fromkeys([*range(1, 9), 11, *range(14, 32), 127])
_UNUSUAL = re.compile(r"[\x00-\x08\x0b\r\x0e-\x1f\x7f]")
_MARK_WITHOUT_TEXT = re.compile(r"(?:^|\n)[ \t>]*(?:[-=*+_#>|`~:]{1,3}|\d{1,9}[.)]?)[ \t]*$")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})(?:\]\([^()\s]*)?$")


def whole(text: str, leaving: str = "") -> str:
    """The Markdown of a finished text."""
    try:
        source = _lines(text)
        return blocks.write(list(blocks.top_level(read("\n".join(source)))), source, Context(leaving))[0]
    except FAILURES:
        _log.warning("A text is shown as it is, since the parser failed on it.", exc_info=True)
        return literal(text)


def _lines(text: str) -> list[str]:
    return _LINE_END.sub("\n", text).translate(_CONTROL).split("\n")


@dataclass(slots=True)
class Growing:
    """One text as it grows. Blocks before the last are written once."""

    leaving: str = ""
    _read: str = ""
    """What was read for good."""
    _written: str = ""
    _marker: str = ""
    _references: dict[str, object] = field(default_factory=dict)

    def markdown(self, text: str, *, caret: bool = True) -> str:
        """The Markdown of the text so far."""
        try:
            written = self._so_far(text)
        except FAILURES:  # logged when it is finished
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
        alone = not last or last.startswith("|") or last.endswith(("```", "$$")) or last == "___"
        return f"{written}\n\n{CARET}" if alone else f"{written} {CARET}"


def completed(tail: str) -> str:
    """The last block with what is open in its last line closed, so that it does not change its look when the closing sign comes.

    Nothing rests on it but the look: the result is read and written like every text.
    """
    tail = _MARK_WITHOUT_TEXT.sub("", tail)
    before, line = tail[: tail.rfind("\n") + 1], tail[tail.rfind("\n") + 1 :]
    if line.lstrip().startswith("|"):
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
    """The head of a table is drawn as one before its rule has come."""
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
