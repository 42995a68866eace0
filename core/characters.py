"""Recognize visible, invisible and misleading characters."""

from __future__ import annotations

import re
import unicodedata

_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible characters in categories of visible ones, such as the Korean fillers."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef]")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the reading order of the rest of a line."""
_JOINER = re.compile(r"(?<=[^\x00-\x7f\s])[\u200c\u200d](?=[^\x00-\x7f\s])")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
"""A black flag with tags, which forms the flags of England, Scotland and Wales."""
# Terminal escape sequences: colours and cursor (CSI), titles and links (OSC), other strings, and short sequences.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b\n]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-Z\\^-~]"
)
_SEPARATORS = {0x0B: "\n", 0x85: "\n", 0x01: " ", 0x1C: " ", 0x1D: " ", 0x1E: " ", 0x1F: " "}
"""Replacements of vertical tab, next line, and the separators of fields in old formats and in FIX logs."""
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\r\t\f"}


def is_blank(text: str) -> bool:
    """Tell whether a text has no visible character."""
    return first_seen(text) == len(text)


def first_seen(text: str) -> int:
    """Return the index of the first visible character; the length if there is none."""
    return next((at for at, c in enumerate(text) if _shows(c)), len(text))


def _shows(character: str) -> bool:
    if character.isspace() or character in _BLANKS or _SELECTORS.match(character):
        return False
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def may_stand_on_a_line(text: str) -> bool:
    """Tell whether a name or title has no control characters, line breaks, unpaired surrogates or noncharacters.

    All kinds of spaces, joiners, direction marks, and characters newer than this Python pass. `one_line` cleans them up.
    """
    return not any(_BREAKS.match(c) or _is_half(c) or ord(c) & 0xFFFE == 0xFFFE for c in text)


def one_line(text: str) -> str:
    """Return the text on one line, with plain spaces and without invisible characters or changes of the reading order.

    Joiners stay where they have an effect: within an emoji, and between letters of scripts that use them.
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
    """Return at most `most` characters, without a joiner at the end."""
    return text if len(text) <= most else text[:most].rstrip("\u200c\u200d ")


def without_controls(text: str) -> str:
    """Return a log or pasted text as a terminal would show it: without escape sequences, and with backspaces applied.

    Line ends, tabs and form feeds stay; vertical tabs become line ends. Other control characters are removed.
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
    """Count the surrogate code points in a text."""
    return sum(map(_is_half, text))


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
