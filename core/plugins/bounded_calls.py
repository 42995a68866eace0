"""Call a plugin's function with a time limit."""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")
MOST_STUCK = 3
"""A plugin with so many calls that have not returned is not called until one does."""


class TookTooLong(Exception):
    """A call did not return in time."""


class BoundedCalls:
    """Calls functions on threads of their own. Thread-safe.

    Python cannot end a thread: a call that does not return is left behind, and goes on until it ends by itself. How many may be left behind
    is bounded for each plugin.
    """

    def __init__(self) -> None:
        self._stuck: Counter[str] = Counter()
        self._lock = threading.Lock()

    def call(self, plugin: str, limit_s: float, function: Callable[[], R]) -> R:
        """Return what the function returns. Raises TookTooLong, and what the function raises."""
        with self._lock:
            if self._stuck[plugin] >= MOST_STUCK:
                raise TookTooLong(f"{MOST_STUCK} earlier calls have not returned")
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
        if not ended.wait(limit_s):
            with self._lock:
                if not ended.is_set():
                    left = True
                    self._stuck[plugin] += 1
                    raise TookTooLong(f"it took more than {limit_s:g} s")
        if problems:
            raise problems[0]
        return result[0]  # type: ignore[no-any-return]
