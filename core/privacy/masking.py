"""Mask personal data in a whole text, or in one that arrives in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.privacy.records import MASKS, Finding

FindAll = Callable[[str], Sequence[Finding]]

_JOINS = frozenset("@._%+-/=:()\"'\u2010\u2011\u2013\uff20\uff0e\uff0b\uff0d")
_KEY = "-----BEGIN "
_KEY_END = re.compile("-----END [A-Z ]{0,30}-----")
_MAX_RUN_LENGTH = 8000
"""Characters without a break that are held back; a longer run is let through in pieces."""
_MAX_KEY_LENGTH = 16_500
OWN_HOLDS = 200
"""Characters held back for own patterns, whose shape is not known: nothing longer is found across pieces."""


def masked(text: str, findings: Sequence[Finding]) -> str:
    """Return the text with a mask in place of each finding."""
    parts, at = [], 0
    for each in findings:
        parts += [text[at : each.start], MASKS[each.kind]]
        at = each.end
    return "".join(parts) + text[at:]


class StreamMask:
    """Masks a text that arrives in pieces, as if it had come whole: the end is held back while it may be the start of something."""

    def __init__(self, find: FindAll, hold: int = 0) -> None:
        """hold: hold back at least so many characters."""
        self._find = find
        self._hold = hold
        self._pending = ""
        self.findings: list[Finding] = []
        """What was masked, with positions in the pieces that were searched."""

    def feed(self, piece: str) -> str:
        """Take a piece and return the part that can be shown."""
        self._pending += piece
        cut = _break_before_end(self._pending)
        if self._hold:
            cut = min(cut, max(0, len(self._pending) - self._hold))
        found = self._find(self._pending)
        # Never cut inside something that was found: more of it may come.
        cut = next((each.start for each in found if each.start < cut < each.end), cut)
        return self._let_go(cut, found)

    def finish(self) -> str:
        """Return the part that was held back, at the end of the text."""
        return self._let_go(len(self._pending), self._find(self._pending))

    def _let_go(self, cut: int, found: Sequence[Finding]) -> str:
        complete = [each for each in found if each.end <= cut]
        shown = masked(self._pending[:cut], complete)
        self._pending = self._pending[cut:]
        self.findings += complete
        return shown


def _break_before_end(text: str) -> int:
    """Return where the last run of characters begins that may belong together with what comes next."""
    key = text.rfind(_KEY)
    if key >= 0 and _KEY_END.search(text, key) is None and len(text) - key < _MAX_KEY_LENGTH:
        return key
    at = len(text)
    while at > 0 and len(text) - at < _MAX_RUN_LENGTH:
        here = text[at - 1]
        if _belongs(here) or (here in " \u3000\xa0" and _joins(text, at - 1)):
            at -= 1
            continue
        break
    # "-----BEGIN " holds a space that joins nothing else.
    begun = text.rfind("-----", max(0, at - len(_KEY)))
    return begun if begun >= 0 and _KEY.startswith(text[begun:][: len(_KEY)]) else at


def _belongs(here: str) -> bool:
    return (here.isascii() and here.isalnum()) or here in _JOINS or "\uff10" <= here <= "\uff5a"


def _joins(text: str, space: int) -> bool:
    """Tell whether a space may stand inside a number: after a digit or capital, and before one or at the end."""
    before, after = text[space - 1 : space], text[space + 1 : space + 2]
    return _in_number(before) and (not after or _in_number(after))


def _in_number(one: str) -> bool:
    return bool(one) and (one.isdigit() or one.isupper() or one in "+()")
