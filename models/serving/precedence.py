"""Give priority on the processor to the threads that compute answers, and to those that they start.

The engine leaves one core to the rest of the portal. If open pages want more, the system schedules them alternately with the decode thread
that serves everybody. On Linux, each thread has its own priority, passes it on to the threads that it starts, and can only lower it: so a
thread that kept its priority starts those that compute.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

NICE = 5
"""A thread with this nice value gets a quarter of a contested core: enough to draw pages even if the engine wants all cores."""

_executor: ThreadPoolExecutor | None = None


def lower_priority() -> None:
    """Lower the priority of this thread and of what it starts from now on, below what `urgent` starts. Call it before others start."""
    global _executor
    if _executor is not None or not sys.platform.startswith("linux"):
        return  # on other systems it would apply to the whole process
    _executor = ThreadPoolExecutor(1, "urgent")
    _executor.submit(int).result()
    with contextlib.suppress(OSError):
        os.nice(NICE)


def urgent(start: Callable[[], None]) -> None:
    """Call `start`, which starts a thread, from a thread that kept its priority."""
    if _executor is None:
        start()
    else:
        _executor.submit(start).result()
