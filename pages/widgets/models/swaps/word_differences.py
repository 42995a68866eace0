"""Mark the differences of two texts, word by word, or character by character in Chinese."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from html import escape

MAX_WORDS = 2_000
"""Maximum number of words in each text; comparing longer texts would take seconds."""
MIN_ALIKE = 0.3
"""Minimum share of common words; with less in common, nearly everything would be marked."""
_WORD = re.compile(r"[\u3400-\u9fff]|\w+|\s+|.", re.DOTALL)


def marked(old: str, new: str) -> tuple[str, str]:
    """Return both texts as HTML, with `<mark>` around parts that only one of them has; without marks if they have little in common."""
    left, right = _words(old), _words(new)
    if len(left) > MAX_WORDS or len(right) > MAX_WORDS:
        return escape(old), escape(new)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < MIN_ALIKE:
        return escape(old), escape(new)
    shown: tuple[list[str], list[str]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        for side, words in ((shown[0], left[a:b]), (shown[1], right[c:d])):
            text = escape("".join(words))
            side.append(text if kind == "equal" or not text.strip() else f"<mark>{text}</mark>")
    return "".join(shown[0]), "".join(shown[1])


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
