"""Find the likeliest tokens of many rows of logits with few passes, on several cores.

Each numpy call on a large array gives the interpreter's lock away and has to get it back. A row at a time, a step of 64 answers waited for
it 200 times; here a dozen rows share a call.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

ROWS = 16
"""Tokens of one pass: more would no longer fit the processor's cache."""
MAX_THREADS = 4
"""Reading is bounded by the memory; more threads gain little."""
_BLOCK = 1024
_WORD = 8
_SPARE = 64
"""A bound that this many times too many logits exceed is no longer of use."""


class TopTokens:
    """The decode thread of one model uses it, and has helper threads read other rows at the same time: the logits of 64 rows are 39 MB."""

    def __init__(self, vocabulary: int, threads: int | None = None) -> None:
        """threads: how many read at once, the caller's among them; None: as many as the machine has cores, four at most."""
        self._vocabulary = vocabulary
        self._threads = threads or min(MAX_THREADS, len(os.sched_getaffinity(0)))
        self._pool: ThreadPoolExecutor | None = None
        self._local = threading.local()

    def find(self, logits: NDArray[np.float32], tops: Sequence[int], bounds: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        """Return the ids of the `tops[row]` highest logits of each row, highest first.

        logits: shape (rows, vocabulary). bounds: for each row a value that few more than `tops[row]` of its logits exceeded before, or
        infinity; set to one for the next call.
        """
        words = self._words_above(logits, bounds)
        few = [row for row, found in enumerate(words) if len(found) <= _SPARE * tops[row]] if self._vocabulary % _WORD == 0 else []
        chosen = self._in_words(logits, tops, bounds, few, [words[row] for row in few]) if few else {}
        return [chosen[row] if row in chosen else _in_row(logits[row], tops[row], bounds, row) for row in range(len(logits))]

    def close(self) -> None:
        """End the helper threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _words_above(self, logits: NDArray[np.float32], bounds: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        """Return for each row which words of eight tokens hold one above the row's bound."""
        passes = -(-len(logits) // ROWS)
        shares = min(self._threads, passes)
        size = ROWS * -(-passes // shares)
        slices = [slice(begin, begin + size) for begin in range(0, len(logits), size)]
        if len(slices) > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, "sampling")
        others = [self._pool.submit(self._share, logits[some], bounds[some]) for some in slices[1:]] if self._pool else []
        words = self._share(logits[slices[0]], bounds[slices[0]])
        for other in others:
            words += other.result()
        return words

    def _share(self, logits: NDArray[np.float32], bounds: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        above, words = self._buffers()
        width = words.shape[1]
        found: list[NDArray[np.intp]] = []
        for begin in range(0, len(logits), ROWS):
            some = logits[begin : begin + ROWS]
            count = len(some)
            np.greater(some, bounds[begin : begin + ROWS, None], out=above[:count, : self._vocabulary])
            # One row after the other: numpy finds what is not zero far sooner in a flat array.
            positions = np.flatnonzero(words[:count].reshape(-1) != 0)
            ends = np.searchsorted(positions, np.arange(count + 1) * width)
            found += [positions[ends[row] : ends[row + 1]] - row * width for row in range(count)]
        return found

    def _buffers(self) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """Return this thread's buffer that marks the tokens above the bound, and the same as words, of which few hold any."""
        if not hasattr(self._local, "above"):
            self._local.above = np.zeros((ROWS, -(-self._vocabulary // _WORD) * _WORD), np.bool_)
        above: NDArray[np.bool_] = self._local.above
        return above, above.view(np.uint64)

    def _in_words(
        self, logits: NDArray[np.float32], tops: Sequence[int], bounds: NDArray[np.float32], rows: list[int], words: list[NDArray[np.intp]]
    ) -> dict[int, NDArray[np.intp]]:
        """Return the highest tokens of those rows whose words hold enough of them, and set their bounds; all rows in the same few calls."""
        row_of = np.repeat(rows, [len(own) for own in words])
        word = np.concatenate(words)
        values = logits.reshape(-1, _WORD)[word + row_of * (self._vocabulary // _WORD)]
        word_index, bit = np.nonzero(values > bounds[row_of, None])
        row_of, token, value = row_of[word_index], word[word_index] * _WORD + bit, values[word_index, bit]
        counts = np.bincount(row_of, minlength=len(logits))
        column = np.arange(len(row_of)) - (np.cumsum(counts) - counts)[row_of]
        lowered = np.full((len(logits), counts.max()), np.inf, np.float32)
        lowered[row_of, column] = -value
        tokens = np.zeros(lowered.shape, np.intp)
        tokens[row_of, column] = token
        order = np.argsort(lowered, axis=1, kind="stable")
        tokens = np.take_along_axis(tokens, order, axis=1)
        chosen = {row: tokens[row, : tops[row]] for row in rows if tops[row] <= counts[row] <= _SPARE * tops[row]}
        for row in chosen:
            bounds[row] = -lowered[row, order[row, min(counts[row], 4 * tops[row]) - 1]]
        return chosen


def _in_row(logits: NDArray[np.float32], top: int, bounds: NDArray[np.float32], row: int) -> NDArray[np.intp]:
    """Return the highest tokens of one row of which nothing is known, and set its bound."""
    likely = np.flatnonzero(logits >= _lower_bound(logits, top))
    if len(likely) < top:  # A row of damaged weights has no numbers to compare.
        likely = np.argpartition(logits, -top)[-top:]
    values = logits[likely]
    order = np.argsort(-values, kind="stable")
    bounds[row] = values[order[min(len(order), 4 * top) - 1]]
    chosen: NDArray[np.intp] = likely[order[:top]]
    return chosen


def _lower_bound(logits: NDArray[np.float32], top: int) -> float:
    """Return a value that about four times `top` of the logits reach, and never fewer than `top`."""
    wanted = min(4 * top, len(logits))
    blocks = len(logits) // _BLOCK
    if blocks < wanted:
        return float(np.partition(logits, -wanted)[-wanted])
    # As many blocks have a maximum of at least this.
    highest = logits[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
    return float(np.partition(highest, -wanted)[-wanted])
