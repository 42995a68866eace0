"""What llama.cpp takes to compute some rows (tokens of different slots) together, by how many they are.

It is no straight line. Every micro-batch reads all weights once, so that a second row is nearly free on a GPU; on a processor matrices are
multiplied in tiles of so many rows, and thirteen rows of a GLM at Q4_K_M take longer than sixteen. So it is measured while nobody waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

TRIES = 3
LONG_S = 0.5
"""A number of rows that took so long altogether is not tried again."""


class RowCosts:
    """Used by the decode thread only."""

    def __init__(self, most: int) -> None:
        """most: rows of one micro-batch."""
        sizes = {*range(1, 17), *range(20, 65, 4), *range(80, most, 16), most}
        self._queue = deque(sorted(rows for rows in sizes if 0 < rows <= most))
        self._tried: dict[int, list[float]] = {}
        self._seconds: list[float] = []
        self._row_s = 0.0
        """What a row takes besides, for the conversation that it looks at: when measured, nobody had said much."""

    @property
    def missing(self) -> int | None:
        """How many rows to measure next; None once all is known."""
        return self._queue[0] if self._queue else None

    @property
    def known(self) -> bool:
        return bool(self._seconds)

    def measured(self, seconds: float) -> None:
        """What the `missing` rows took.

        The shortest of a few times counts: the others were kept waiting by something else. That may last, so all other numbers are tried
        between.
        """
        rows = self._queue.popleft()
        tried = self._tried.setdefault(rows, [])
        tried.append(seconds)
        if len(tried) < TRIES and sum(tried) < LONG_S:
            self._queue.append(rows)
        elif not self._queue:
            self._seconds = _between({rows: min(tried) for rows, tried in self._tried.items()})

    def give_up(self) -> None:
        """They cannot be measured."""
        self._queue.clear()

    def of(self, rows: int) -> float:
        """Seconds. Only once `known`."""
        return self._seconds[rows] + self._row_s * rows

    def learn(self, groups: Sequence[int], seconds: float) -> None:
        """Groups of so many rows, one after another, took `seconds`."""
        if self.known:
            more = seconds - sum(self._seconds[rows] for rows in groups)
            self._row_s += 0.1 * (max(0.0, more / sum(groups)) - self._row_s)


def _between(measured: dict[int, float]) -> list[float]:
    """From 0 rows on, in proportion between two that were measured."""
    seconds = [0.0]
    for (fewer, less), (rows, more) in pairwise([(0, 0.0), *sorted(measured.items())]):
        seconds += [less + (more - less) * step / (rows - fewer) for step in range(1, rows - fewer + 1)]
    return seconds
