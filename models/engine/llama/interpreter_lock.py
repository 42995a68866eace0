"""Set how soon the interpreter's lock changes hands, which is the price of sharing a process with the pages. A waiting thread asks for
the lock every switch interval, 5 ms by default: longer than a step of a small model, so that one busy thread would cost the engine four
fifths of its speed. But all threads share the interval. If it is always short, the engine is interrupted again and again while it
samples, queues behind every page each time, and all waiting threads wake up 20,000 times a second to ask. So it is short only while the
engine works without the lock and needs it back soon.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

USUAL_S = 5e-3
SHORTEST_S, LONGEST_S = 5e-5, 1e-3
SHARE = 0.01
"""How long the engine may wait for the lock behind one thread, as a share of its time without the lock."""


class LockReleased:
    """`with lent:` around a native call that releases the lock and takes about as long as the one before it. Used by one thread only."""

    def __init__(self) -> None:
        self._released_s = 0.0
        self._released_at = 0.0

    def __enter__(self) -> None:
        sys.setswitchinterval(min(max(SHARE * self._released_s, SHORTEST_S), LONGEST_S))
        self._released_at = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sys.setswitchinterval(USUAL_S)
        self._released_s = time.perf_counter() - self._released_at
