"""Give the processor first to the threads that compute answers, and to what they start.

The engine leaves a core to the rest of the portal. Where open pages want more than that, the system has them take turns with the thread
that decodes for everybody. On Linux urgency is a thread's own, passed on to what it starts, and can only be given up: so a thread that
kept it starts those that compute.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

NICE = 5
"""Of a core that both want, a thread that gave way gets a quarter: enough for pages to be drawn also where the engine wants all cores."""

_kept: ThreadPoolExecutor | None = None


def give_way() -> None:
    """Lower the priority of this thread and of what it starts from now on, below what `urgent` starts. Call it before others start."""
    global _kept
    if _kept is not None or not sys.platform.startswith("linux"):
        return  # elsewhere it would be the whole process
    _kept = ThreadPoolExecutor(1, "urgent")
    _kept.submit(int).result()
    with contextlib.suppress(OSError):
        os.nice(NICE)


def urgent(start: Callable[[], None]) -> None:
    """Call `start`, which starts a thread, from a thread that kept its priority."""
    if _kept is None:
        start()
    else:
        _kept.submit(start).result()
