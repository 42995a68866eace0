"""Call a plugin's function with a time limit."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")
MAX_STUCK = 3
"""A plugin with this many unreturned calls is not called again until one returns."""


POLL_S = 0.05
"""How soon a call notices that its result is no longer needed."""


class TookTooLong(Exception):
    """Raised when a call does not return in time."""


class NotWanted(Exception):
    """The result of a call is no longer needed."""


def never() -> bool:
    return False


class BoundedCalls:
    """Calls functions on threads of their own. Thread-safe.

    Python cannot end a thread: a call that does not return is abandoned, and continues until it ends by itself. How many may be left behind
    is bounded for each plugin.
    """

    def __init__(self) -> None:
        self._stuck: Counter[str] = Counter()
        self._lock = threading.Lock()

    def call(self, plugin: str, limit_s: float, function: Callable[[], R], stopped: Callable[[], bool] = never) -> R:
        """Return what the function returns. stopped: ends the wait early. Raises TookTooLong, NotWanted, and what the function raises."""
        with self._lock:
            if self._stuck[plugin] >= MAX_STUCK:
                raise TookTooLong(f"{MAX_STUCK} earlier calls have not returned")
        ended = threading.Event()
        result: list[Any] = []
        problems: list[Exception] = []
        left = False

        def run() -> None:
            try:
                result.append(function())
            except BaseException as problem:  # noqa: BLE001 - whatever a plugin raises belongs to its caller
                problems.append(problem if isinstance(problem, Exception) else RuntimeError(repr(problem)))
            finally:
                with self._lock:
                    ended.set()
                    if left:
                        self._stuck[plugin] -= 1

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), name=f"plugin-{plugin}", daemon=True).start()
        if not _wait(ended, limit_s, stopped):
            with self._lock:
                if not ended.is_set():
                    left = True
                    self._stuck[plugin] += 1
                    raise NotWanted if stopped() else TookTooLong(f"it took more than {limit_s:g} s")
        if problems:
            raise problems[0]
        return result[0]  # type: ignore[no-any-return]


def _wait(ended: threading.Event, limit_s: float, stopped: Callable[[], bool]) -> bool:
    """Wait until a call has ended; False if it took too long or is no longer needed."""
    if stopped is never:
        return ended.wait(limit_s)
    until = time.monotonic() + limit_s
    while not ended.wait(min(POLL_S, max(0.0, until - time.monotonic()))):
        if stopped() or time.monotonic() >= until:
            return False
    return True
