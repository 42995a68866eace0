"""Cache the days that usage reports have read, so that the next report reads only rows added since."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date

from data.repositories.usage.usage import Cell, read_cells, read_rows_per_day
from data.transaction import Transaction

MAX_ROWS = 1_000_000
"""Total rows of the cached days, at about 60 bytes of memory each."""


class UsageDays:
    """Caches the cells of one database. Any number of threads may read at the same time."""

    def __init__(self, most_rows: int = MAX_ROWS) -> None:
        self._most_rows = most_rows
        self._cached: dict[date, tuple[Cell, ...]] = {}
        self._lock = threading.Lock()

    @property
    def cached_days(self) -> Mapping[date, int]:
        """Return the number of rows of each cached day."""
        return {day: _rows(cells) for day, cells in self._cached.copy().items()}

    def read(self, sql: Transaction, first: date, last: date) -> list[Cell]:
        """Return the cells of these days, both inclusive.

        A day with as many rows as when it was read has the same rows: they are never changed or deleted.
        """
        cells: list[Cell] = []
        for day, rows in read_rows_per_day(sql, first, last).items():
            known = self._cached.get(day, ())
            if _rows(known) != rows:
                known = read_cells(sql, day)
                self._keep(day, known)
            cells += known
        return cells

    def _keep(self, day: date, cells: tuple[Cell, ...]) -> None:
        """Cache the newest days, which are requested most: a range too long for the cache does not evict them."""
        with self._lock:
            self._cached[day] = cells
            excess = sum(self.cached_days.values()) - self._most_rows
            while excess > 0:
                excess -= _rows(self._cached.pop(min(self._cached)))


def _rows(cells: Sequence[Cell]) -> int:
    return sum(cell.rows for cell in cells)
