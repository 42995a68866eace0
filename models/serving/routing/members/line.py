"""Queue requests for a platform: a number of requests runs at once, the next ones take turns by person, batches come last."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque


class Ticket:
    """A position in the queue. Leave it in every case."""

    def __init__(self, line: Line, user_id: str, *, batch: bool) -> None:
        self._line = line
        self.user_id = user_id
        self.batch = batch
        self.called = threading.Event()

    @property
    def position(self) -> int:
        """Return 1 for the next one; 0 if it is its turn."""
        return self._line.position(self)

    def leave(self) -> None:
        self._line.leave(self)


class Line:
    """The queue of one platform. Safe from any thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._inside: set[Ticket] = set()
        self._waiting: tuple[OrderedDict[str, deque[Ticket]], OrderedDict[str, deque[Ticket]]] = (OrderedDict(), OrderedDict())
        """Watched requests, and batches; each by person, with the person whose turn is next first."""

    def enter(self, user_id: str, *, batch: bool = False) -> Ticket:
        ticket = Ticket(self, user_id, batch=batch)
        with self._lock:
            self._waiting[batch].setdefault(user_id, deque()).append(ticket)
            self._call()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        with self._lock:
            self._inside.discard(ticket)
            queues = self._waiting[ticket.batch]
            queue = queues.get(ticket.user_id)
            if queue is not None and ticket in queue:
                queue.remove(ticket)
                if not queue:
                    del queues[ticket.user_id]
            self._call()

    @property
    def busy(self) -> int:
        with self._lock:
            return len(self._inside)

    @property
    def waiting(self) -> int:
        with self._lock:
            return sum(len(queue) for queues in self._waiting for queue in queues.values())

    def position(self, ticket: Ticket) -> int:
        with self._lock:
            if ticket in self._inside:
                return 0
            position = 1
            for batch, queues in enumerate(self._waiting):
                if bool(batch) is not ticket.batch:
                    position += sum(map(len, queues.values())) if not batch else 0
                    continue
                own = queues.get(ticket.user_id)
                if own is None or ticket not in own:
                    return 0
                ahead, before_own = own.index(ticket), True
                for user_id, queue in queues.items():
                    if user_id == ticket.user_id:
                        position, before_own = position + ahead, False
                    else:
                        position += min(len(queue), ahead + before_own)
            return position

    def _call(self) -> None:
        """Admit the next in the queue. The caller holds the lock."""
        for queues in self._waiting:
            while queues and len(self._inside) < self.most:
                user_id, queue = next(iter(queues.items()))
                ticket = queue.popleft()
                if queue:
                    queues.move_to_end(user_id)
                else:
                    del queues[user_id]
                self._inside.add(ticket)
                ticket.called.set()
