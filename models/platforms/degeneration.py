"""Notices an answer that has gone off the rails: the same tokens over and over, a run of one symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SUSPECT_TOKENS = 48
"""A repetition this long may be one: its text waits until that is clear."""
BROKEN_TOKENS = 160
"""One this long is one. A table's rule or an indentation is shorter, a poem's refrain has more between."""
LONGEST_UNIT = 64
"""Tokens of the longest repeated passage that is looked for."""
TIMES = 6
"""A passage comes this often before it counts."""
EVERY = 16
"""How many new tokens until it is worth looking again."""
_WINDOW = 2 * TIMES * LONGEST_UNIT + LONGEST_UNIT


@dataclass(frozen=True, slots=True)
class Repetition:
    """start: the place of its first token. unit: tokens that repeat. broken: it is long enough to be sure."""

    start: int
    unit: int
    broken: bool


class SymbolRun:
    """Follows an answer's text: one symbol without end may come in tokens of many lengths, none of which repeats."""

    def __init__(self) -> None:
        self._symbol = ""
        self._since = self._tokens = 0

    def add(self, text: str, tokens: int) -> None:
        """What is new of the answer, which has `tokens` now."""
        if text != len(text) * self._symbol:
            self._symbol = text[-1]
            self._since = self._tokens if text == len(text) * self._symbol else tokens
        self._tokens = tokens

    def repetition(self, begin: int) -> Repetition | None:
        """The answer's first token is at `begin`. A repetition whose unit is the run's first token."""
        length = self._tokens - self._since
        return None if length < SUSPECT_TOKENS else Repetition(begin + self._since, 1, length >= BROKEN_TOKENS)


def repetition(tokens: Sequence[int], begin: int, end: int) -> Repetition | None:
    """What the answer, which is `tokens` from `begin` to `end`, repeats at its end, if it does."""
    if end - begin < SUSPECT_TOKENS:
        return None
    # Only so much of the end as decides; slices compare in C.
    tail = tokens[max(begin, end - _WINDOW) : end]
    last = tail[-1]
    for unit in range(1, LONGEST_UNIT + 1):
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
