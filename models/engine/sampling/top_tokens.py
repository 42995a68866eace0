"""Find the likeliest tokens of many rows of logits with few passes.

Each numpy call on a large array gives the interpreter's lock away and has to get it back. A row at a time, a step of 64 answers waited for
it 200 times; here a dozen rows share a call.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROWS = 16
"""In one pass: more would no longer fit the processor's cache."""
_BLOCK = 1024
_WORD = 8
_BITS = np.arange(_WORD)
_SPARE = 64
"""A bound that this many times too many logits exceed is no longer of use."""


class TopTokens:
    """The decode thread of one model uses it."""

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        width = -(-vocabulary // _WORD) * _WORD
        self._above = np.zeros((ROWS, width), np.bool_)
        # Eight tokens in one word: few words hold any that is above the bound, and only these are looked into.
        self._words = self._above.view(np.uint64)

    def find(self, logits: NDArray[np.float32], tops: Sequence[int], bounds: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        """Return the ids of the `tops[row]` highest logits of each row, highest first.

        logits: shape (rows, vocabulary). bounds: for each row a value that few more than `tops[row]` of its logits exceeded before, or
        infinity; set to one for the next call.
        """
        found: list[NDArray[np.intp]] = []
        for begin in range(0, len(logits), ROWS):
            some = slice(begin, begin + ROWS)
            found += self._pass(logits[some], tops[some], bounds[some])
        return found

    def _pass(self, logits: NDArray[np.float32], tops: Sequence[int], bounds: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        count = len(logits)
        np.greater(logits, bounds[:, None], out=self._above[:count, : self._vocabulary])
        # One row after the other: numpy finds what is not zero far sooner in a flat array.
        width = self._words.shape[1]
        words = np.flatnonzero(self._words[:count].reshape(-1) != 0)
        ends = np.searchsorted(words, np.arange(count + 1) * width)
        return [self._row(logits, tops, bounds, row, words[ends[row] : ends[row + 1]] - row * width) for row in range(count)]

    def _row(
        self, logits: NDArray[np.float32], tops: Sequence[int], bounds: NDArray[np.float32], row: int, words: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        own, top = logits[row], tops[row]
        likely = self._in_words(row, words) if len(words) <= _SPARE * top else words[:0]
        if not top <= len(likely) <= _SPARE * top:
            likely = np.flatnonzero(own >= _lower_bound(own, top))
        if len(likely) < top:  # A row of damaged weights has no numbers to compare.
            likely = np.argpartition(own, -top)[-top:]
        values = own[likely]
        order = np.argsort(-values, kind="stable")
        bounds[row] = values[order[min(len(order), 4 * top) - 1]]
        chosen: NDArray[np.intp] = likely[order[:top]]
        return chosen

    def _in_words(self, row: int, words: NDArray[np.intp]) -> NDArray[np.intp]:
        near = (words[:, None] * _WORD + _BITS).reshape(-1)
        tokens: NDArray[np.intp] = near[self._above[row][near]]
        return tokens


def _lower_bound(logits: NDArray[np.float32], top: int) -> float:
    """Return a value that about four times `top` of the logits reach, and never fewer than `top`."""
    wanted = min(4 * top, len(logits))
    blocks = len(logits) // _BLOCK
    if blocks < wanted:
        return float(np.partition(logits, -wanted)[-wanted])
    # As many blocks have a maximum of at least this.
    highest = logits[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
    return float(np.partition(highest, -wanted)[-wanted])
