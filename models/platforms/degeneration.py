"""Detect an answer that repeats itself: the same tokens over and over, or a run of one symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SUSPECT_TOKENS = 48
"""A repetition this long is suspected: its text is held back until it is certain."""
BROKEN_TOKENS = 160
"""A repetition this long is certain. The rule of a table and an indentation are shorter; the lines of a refrain are further apart."""
MAX_UNIT_LENGTH = 64
"""Tokens of the longest repeated passage that is looked for."""
TIMES = 6
"""A passage must occur this often to count."""
EVERY = 16
"""New tokens between two checks."""
_WINDOW = 2 * TIMES * MAX_UNIT_LENGTH + MAX_UNIT_LENGTH


@dataclass(frozen=True, slots=True)
class Repetition:
    """start: the index of its first token. unit: tokens that repeat. broken: whether it is long enough to be certain."""

    start: int
    unit: int
    broken: bool


class SymbolRun:
    """Follow an answer's text: a run of one symbol may consist of tokens of many lengths, none of which repeats."""

    def __init__(self) -> None:
        self._symbol = ""
        self._since = self._tokens = 0

    def add(self, text: str, tokens: int) -> None:
        """Add the new text of the answer, which has `tokens` now."""
        if text != len(text) * self._symbol:
            self._symbol = text[-1]
            self._since = self._tokens if text == len(text) * self._symbol else tokens
        self._tokens = tokens

    def repetition(self, begin: int) -> Repetition | None:
        """Return the run of one symbol, if there is one. begin: the index of the answer's first token."""
        length = self._tokens - self._since
        return None if length < SUSPECT_TOKENS else Repetition(begin + self._since, 1, length >= BROKEN_TOKENS)


def repetition(tokens: Sequence[int], begin: int, end: int) -> Repetition | None:
    """Return the repetition at the end of the answer, which is `tokens` from `begin` to `end`; None if there is none."""
    if end - begin < SUSPECT_TOKENS:
        return None
    # Only as much of the end as is needed; slices compare in C.
    tail = tokens[max(begin, end - _WINDOW) : end]
    last = tail[-1]
    for unit in range(1, MAX_UNIT_LENGTH + 1):
        least = max(SUSPECT_TOKENS, TIMES * unit)
        if len(tail) < least + unit:
            break
        if tail[-1 - unit] != last or tail[-least:] != tail[-least - unit : -unit]:
            continue
        length = least
        while end - length - unit > begin and tokens[end - length - 1] == tokens[end - length - 1 - unit]:
            length += 1
        return Repetition(end - length - unit, unit, length >= max(BROKEN_TOKENS, 2 * TIMES * unit))
    return None
