"""Keep room on the disk for what has begun: before it is full, nothing new is taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from core.errors import Unavailable

ALMOST_FULL = (
    "The disk of the portal is almost full, so nothing new can be saved until an admin makes space. Everything saved so far is kept."
)
LOOK_S = 1.0
"""From one look at the disk to the next."""


class DiskSpace:
    """How much space is left under the home. Safe from any thread."""

    def __init__(self, measure: Callable[[], int | None], reserve: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """measure: free bytes, None where they cannot be told. reserve: bytes that are left to what has begun; 0: never refuse."""
        self._measure = measure
        self._reserve = reserve
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._free: int | None = None

    @property
    def free(self) -> int | None:
        """Bytes, as of the last second; None where they cannot be told."""
        with self._lock:
            now = self._monotonic()
            if now - self._looked >= LOOK_S:
                self._looked, self._free = now, self._measure()
            return self._free

    @property
    def low(self) -> bool:
        free = self.free
        return free is not None and free < self._reserve

    def check(self) -> None:
        """Raises Unavailable where nothing new may begin."""
        if self.low:
            raise Unavailable(ALMOST_FULL)


ENDLESS = DiskSpace(lambda: None, 0)
"""Where nobody watches the disk."""
