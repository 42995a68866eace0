"""Let the writers of this process write to SQLite in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import Unavailable

BUSY = "The database is busy with another change. Try again in a few seconds."
MAX_WAIT_S = 30.0
_HELD = "write_turn"
_TURNS: WeakKeyDictionary[Engine, WriteTurns] = WeakKeyDictionary()


class WriteTurns:
    """One writer at a time, first come, first served. Safe from any thread.

    SQLite itself has one writer at a time, but no queue: the others ask again after growing pauses, so that under load one of them may ask
    in vain until its busy timeout, while later ones write.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def take(self, seconds: float) -> None:
        """Wait for this writer's turn. Raises Unavailable after `seconds`."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            came = mine.wait(seconds)
        except BaseException:
            self._leave(mine)
            raise
        if not came and self._withdraw(mine):
            raise Unavailable(BUSY)

    def give_back(self) -> None:
        """End a turn: the writer that has waited longest is next."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    def _withdraw(self, mine: threading.Event) -> bool:
        """Stop waiting; return False if the turn has come meanwhile."""
        with self._lock:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def _leave(self, mine: threading.Event) -> None:
        if not self._withdraw(mine):
            self.give_back()


def give_turns(*engines: Engine) -> None:
    """Make the writers of these engines take turns. A connection that returns to its pool gives its turn back, committed or not."""
    turns = WriteTurns()

    def returned(_connection: object, entry: ConnectionPoolEntry) -> None:
        if entry.record_info and entry.record_info.pop(_HELD, False):
            turns.give_back()

    for engine in engines:
        _TURNS[engine] = turns
        event.listen(engine, "checkin", returned)


def turns_of(engine: Engine) -> WriteTurns | None:
    return _TURNS.get(engine)


def begin_turn(connection: Connection) -> None:
    """Wait until this connection may write. Raises Unavailable."""
    turns, info = turns_of(connection.engine), connection.connection.record_info
    if turns is not None and info is not None and not info.get(_HELD):
        turns.take(MAX_WAIT_S)
        info[_HELD] = True


def end_turn(connection: Connection) -> None:
    """Give back the connection's turn after its commit."""
    turns, info = turns_of(connection.engine), connection.connection.record_info
    if turns is not None and info is not None and info.pop(_HELD, False):
        turns.give_back()
