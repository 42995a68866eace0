"""Measure how long llama.cpp takes to compute rows (tokens of different slots) together, by their number. The time is not linear.
Every micro-batch reads all weights once, so that a second row is nearly free on a GPU; on a processor matrices are
multiplied in tiles of so many rows, and thirteen rows of a GLM at Q4_K_M take longer than sixteen. So a processor is measured while nobody
waits. A GPU is not measured: reading the weights is nearly all of its step, so real steps show enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from models.engine.backend import Backend

TRIES = 3
LONG_S = 0.5
"""A number of rows with this total time is not tried again."""
GPU_ROW = 0.02
"""What a row adds to a micro-batch on a GPU, as a share of it. An assumption: nobody has measured it yet; `DraftCosts` corrects it."""


class RowCosts:
    """Measures and estimates the time of rows. Only the decode thread uses it."""

    def __init__(self, most: int, *, learns_from_steps: bool = False) -> None:
        """most: rows of one micro-batch. learns_from_steps: measure nothing, as on a GPU."""
        sizes = {*range(1, 17), *range(20, 65, 4), *range(80, most, 16), most}
        self.learns_from_steps = learns_from_steps and most > 0
        self._queue = deque(sorted(rows for rows in sizes if 0 < rows <= most and not learns_from_steps))
        self._tried: dict[int, list[float]] = {}
        self._seconds: list[float] = []
        self._weights_s: float | None = None
        """On a GPU: the time to read the weights, learned from steps."""
        self._row_s = 0.0
        """Additional time of a row for attention to its conversation: conversations are short when rows are measured."""

    @classmethod
    def of_backend(cls, backend: Backend) -> RowCosts:
        """Return costs that are still unknown: a step computes a token of each slot, and draft tokens."""
        return cls(backend.slots + backend.max_draft_tokens if backend.can_cut else 0, learns_from_steps=backend.on_gpu)

    @property
    def missing(self) -> int | None:
        """Return how many rows to measure next; None once all is known."""
        return self._queue[0] if self._queue else None

    @property
    def known(self) -> bool:
        return bool(self._seconds) or self._weights_s is not None

    def measured(self, seconds: float) -> None:
        """Note the time of the `missing` rows. The shortest of a few times counts, since other work delays the others. A delay may
        last, so all other numbers are tried in between.
        """
        rows = self._queue.popleft()
        tried = self._tried.setdefault(rows, [])
        tried.append(seconds)
        if len(tried) < TRIES and sum(tried) < LONG_S:
            self._queue.append(rows)
        elif not self._queue:
            self._seconds = _between({rows: min(tried) for rows, tried in self._tried.items()})

    def give_up(self) -> None:
        """Give up: the rows cannot be measured."""
        self._queue.clear()

    def of(self, rows: int) -> float:
        """Return the seconds of so many rows. Only once `known`."""
        if self._weights_s is not None:
            return self._weights_s * (1 + GPU_ROW * rows) if rows else 0.0
        return self._seconds[rows] + self._row_s * rows

    def learn(self, groups: Sequence[int], seconds: float) -> None:
        """Learn that groups of so many rows, one after another, took `seconds`."""
        if self.learns_from_steps:
            self._learn_shape(groups, seconds)
        elif self.known:
            more = seconds - sum(self._seconds[rows] for rows in groups)
            self._row_s += 0.1 * (max(0.0, more / sum(groups)) - self._row_s)

    def _learn_shape(self, groups: Sequence[int], seconds: float) -> None:
        """Scale the assumed shape to the time of real micro-batches, on a GPU."""
        weights_s, known = seconds / sum(1 + GPU_ROW * rows for rows in groups), self._weights_s
        self._weights_s = weights_s if known is None else known + 0.1 * (min(weights_s, 2 * known) - known)


def _between(measured: dict[int, float]) -> list[float]:
    """Return the seconds from 0 rows on, in proportion between two that were measured."""
    seconds = [0.0]
    for (fewer, less), (rows, more) in pairwise([(0, 0.0), *sorted(measured.items())]):
        seconds += [less + (more - less) * step / (rows - fewer) for step in range(1, rows - fewer + 1)]
    return seconds
