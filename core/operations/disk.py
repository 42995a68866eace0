"""Watch the free space of the disk and refuse new work before it is full."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from core.errors import Unavailable

ALMOST_FULL = (
    "The portal's disk is almost full. Nothing new can be saved until an admin frees space; everything saved so far is kept."
)
POLL_S = 1.0
"""Seconds between measurements of the free space."""


class DiskSpace:
    """Measures the free space of the portal's home. Thread-safe."""

    def __init__(self, measure: Callable[[], int | None], reserve: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """measure: returns the free bytes, None if unknown. reserve: bytes kept free for running work; 0 never refuses."""
        self._measure = measure
        self._reserve = reserve
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._free: int | None = None

    @property
    def free(self) -> int | None:
        """Return the free bytes, at most a second old; None if unknown."""
        with self._lock:
            now = self._monotonic()
            if now - self._looked >= POLL_S:
                self._looked, self._free = now, self._measure()
            return self._free

    @property
    def low(self) -> bool:
        free = self.free
        return free is not None and free < self._reserve

    def check(self) -> None:
        """Raise Unavailable if there is too little space for new work."""
        if self.low:
            raise Unavailable(ALMOST_FULL)


ENDLESS = DiskSpace(lambda: None, 0)
"""A DiskSpace that never refuses work."""
