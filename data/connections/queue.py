"""Keep the idle connections of a pool where no thread can hold up the others.

SQLAlchemy's own queue is Python code under a lock. A thread that loses the interpreter while it holds that lock stops every other thread
that takes or returns a connection, until its turn for the interpreter comes again: with 60 threads, pages stood still for seconds.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from sqlalchemy import QueuePool
from sqlalchemy.util.queue import Empty, Full, QueueCommon

T = TypeVar("T")


class _Waiter(Generic[T]):
    """A thread that waits for a connection. `came` is released once `item` is set."""

    def __init__(self) -> None:
        self.came = threading.Lock()
        self.came.acquire()
        self.item: T | None = None


class ConnectionQueue(QueueCommon[T]):
    """The connection used last is given first, to the thread that has waited longest.

    So a quiet portal works with few connections, and their page caches are warm; those of the others take no memory. There is no lock:
    each step on the two deques is atomic. Safe from any thread, and reentrant.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = True) -> None:
        """maxsize: most connections that are kept; 0: any number. use_lifo: must be True."""
        assert use_lifo
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._idle: deque[T] = deque()
        self._waiting: deque[_Waiter[T]] = deque()

    @property
    def waiting(self) -> int:
        """Return the number of threads that wait for a connection."""
        return len(self._waiting)

    def empty(self) -> bool:
        return not self._idle

    def full(self) -> bool:
        return 0 < self.maxsize <= len(self._idle)

    def qsize(self) -> int:
        return len(self._idle)

    def put_nowait(self, item: T) -> None:
        self.put(item, block=False)

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Give a connection to the thread that has waited longest, or keep it. Raises Full instead of waiting: the pool then closes it."""
        if not self._waiting and self.full():
            raise Full
        self._keep(item)

    def get_nowait(self) -> T:
        return self.get(block=False)

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take a connection, waiting `timeout` seconds for one. Raises Empty."""
        if (item := self._take()) is not None:
            return item
        if not block:
            raise Empty
        waiter = _Waiter[T]()
        self._waiting.append(waiter)
        if (item := self._take()) is not None:  # It was returned before this thread was seen waiting.
            self._keep(item)
        if not waiter.came.acquire(timeout=-1 if timeout is None else timeout):
            try:
                self._waiting.remove(waiter)
            except ValueError:  # A connection is being given to it at this moment.
                waiter.came.acquire()
            else:
                raise Empty
        assert waiter.item is not None
        return waiter.item

    def _keep(self, item: T) -> None:
        try:
            waiter = self._waiting.popleft()
        except IndexError:
            self._idle.append(item)
            if self._waiting and (mine := self._take()) is not None:  # A thread began to wait at this moment.
                self._keep(mine)
        else:
            waiter.item = item
            waiter.came.release()

    def _take(self) -> T | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None


class ConnectionPool(QueuePool):
    """SQLAlchemy's pool with a queue that needs no lock."""

    _queue_class = ConnectionQueue  # type: ignore[assignment]
