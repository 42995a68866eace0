"""Tell apart characters that people write, that nobody sees, and that would mislead."""

from __future__ import annotations

import re
import unicodedata

_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters of other categories that show nothing, such as the fillers of Korean."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef]")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the order in which the rest of a line is read."""
_JOINER = re.compile(r"(?<=[^\x00-\x7f\s])[\u200c\u200d](?=[^\x00-\x7f\s])")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
"""A black flag and tags: the flags of England, Scotland and Wales."""
# Terminals: colours and cursor (CSI), titles and links (OSC), other strings, and the short sequences.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b\n]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-Z\\^-~]"
)
_SEPARATORS = {0x0B: "\n", 0x85: "\n", 0x01: " ", 0x1C: " ", 0x1D: " ", 0x1E: " ", 0x1F: " "}
"""Vertical tab and next line, and what parts fields in old formats and in FIX logs."""
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\r\t\f"}


def is_blank(text: str) -> bool:
    """Whether nobody could see anything of this text."""
    return first_seen(text) == len(text)


def first_seen(text: str) -> int:
    """The index of the first character that shows; the length if none does."""
    return next((at for at, c in enumerate(text) if _shows(c)), len(text))


def _shows(character: str) -> bool:
    if character.isspace() or character in _BLANKS or _SELECTORS.match(character):
        return False
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def may_stand_on_a_line(text: str) -> bool:
    """Whether a name or title may be sent so: no control character, line break, half of a pair, or noncharacter.

    Spaces of all kinds, joiners, marks of direction, and characters that are newer than this Python pass; `one_line` tidies them.
    """
    return not any(_BREAKS.match(c) or _is_half(c) or ord(c) & 0xFFFE == 0xFFFE for c in text)


def one_line(text: str) -> str:
    """The text on one line: spaces become plain ones, and what nobody sees or what turns the reading order goes.

    Joiners stay where they shape something: within an emoji, and between letters of scripts that use them.
    """
    joined = {at.start() for at in _JOINER.finditer(text)} | {i for at in _FLAG.finditer(text) for i in range(*at.span())}
    return " ".join("".join(_on_line(c, kept=at in joined) for at, c in enumerate(text)).split())


def _on_line(character: str, *, kept: bool) -> str:
    if kept:
        return character
    if character in _TURNING or not may_stand_on_a_line(character):
        return " "
    return "" if unicodedata.category(character) == "Cf" else character


def cut(text: str, most: int) -> str:
    """At most so many characters, without a joiner left over at the end."""
    return text if len(text) <= most else text[:most].rstrip("\u200c\u200d ")


def without_controls(text: str) -> str:
    """What a terminal would show of a log or a paste: escape sequences go, a backspace takes what stands before it.

    Line ends, tabs and form feeds stay; vertical tabs become line ends. Other control characters go.
    """
    if text.isprintable():
        return text
    text = _ESCAPE.sub("", text)
    if "\b" in text:
        text = _overstruck(text)
    return text.translate(_SEPARATORS).translate(_CONTROLS)


def _overstruck(text: str) -> str:
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def halves(text: str) -> int:
    """How many halves of surrogate pairs stand in the text."""
    return sum(map(_is_half, text))


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
