"""Run work that unauthenticated clients can request on a few threads of its own, in turn by requester."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from core.errors import Busy

T = TypeVar("T")
_Task = tuple[Callable[[], Any], Future[Any]]
RETRY_AFTER_S = 5.0
MAX_WAIT_S = 10.0
"""Expected wait above which check_room refuses: anyone who signs in would give up before the answer came."""
ALWAYS_WAIT = 10
"""Tasks that may wait however long each takes: a directory that does not answer holds up every check."""
_NEWEST_SHARE = 0.2
"""Weight of the newest task in the average of how long tasks take."""


class FairPool:
    """Runs work in turn by requester: a hundred requests of one person delay another's by a single task. Thread-safe."""

    def __init__(self, name: str, threads: int, most_waiting: int, sentence: str, clock: Callable[[], float] = time.monotonic) -> None:
        """sentence: the error once `most_waiting` tasks are waiting."""
        self._name = name
        self._most_threads = threads
        self._most_waiting = most_waiting
        self._sentence = sentence
        self._clock = clock
        self._task_s = 0.0
        """How long a task takes, on average; the newest ones count most."""
        self._lines: tuple[OrderedDict[str, deque[_Task]], ...] = (OrderedDict(), OrderedDict())
        """Priority tasks, and the others; by requester."""
        self._waiting = 0
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._changed = threading.Condition()

    def check_room(self, who: str) -> None:
        """Raise Busy if a task would wait for more than 10 s, or if half of the room is taken by this requester alone. Cheap.

        `submit` itself refuses only once `most_waiting` tasks are waiting.
        """
        with self._changed:
            room = float(self._most_waiting)
            if self._task_s:
                room = min(room, max(ALWAYS_WAIT, MAX_WAIT_S * self._most_threads / self._task_s))
            own = len(self._lines[1].get(who, ()))
            if self._closed or self._waiting >= room or own >= room / 2:
                raise self._busy()

    def _busy(self) -> Busy:
        after = max(RETRY_AFTER_S, self._waiting * self._task_s / self._most_threads)
        return Busy(self._sentence, retry_after=after, seconds=round(after))

    def submit(self, who: str, work: Callable[[], T], *, first: bool = False) -> Future[T]:
        """Queue a task. first: run it before all other tasks. Raises Busy if too many are waiting."""
        future: Future[T] = Future()
        with self._changed:
            # Priority tasks have a quota of their own, which the others cannot fill.
            if self._closed or self._waiting >= self._most_waiting * (2 if first else 1):
                raise self._busy()
            self._lines[0 if first else 1].setdefault(who, deque()).append((work, future))
            self._waiting += 1
            if not self._idle and len(self._threads) < self._most_threads:
                thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()
        return future

    def close(self) -> None:
        """Accept no more work and cancel what is waiting."""
        with self._changed:
            self._closed = True
            for line in self._lines:
                for tasks in line.values():
                    for _, future in tasks:
                        future.cancel()
                line.clear()
            self._waiting = 0
            self._changed.notify_all()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            work, future = task
            if not future.set_running_or_notify_cancel():
                continue
            began = self._clock()
            try:
                result = work()
            except BaseException as problem:  # noqa: BLE001 - anyone who waits for the future raises it
                self._took(self._clock() - began)
                future.set_exception(problem)
            else:
                self._took(self._clock() - began)
                future.set_result(result)

    def _took(self, seconds: float) -> None:
        with self._changed:
            self._task_s = seconds if not self._task_s else self._task_s + _NEWEST_SHARE * (seconds - self._task_s)

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            if self._closed:
                return None
            line = self._lines[0] or self._lines[1]
            who, tasks = line.popitem(last=False)
            task = tasks.popleft()
            if tasks:
                line[who] = tasks  # At the end: other requesters come first.
            self._waiting -= 1
            return task
