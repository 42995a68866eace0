"""Send log lines to Elasticsearch from a bounded queue on a separate thread, so that logging never waits for a server."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

from core.errors import PortalError
from core.operations.log_lines import Masking, entry
from data.search.elasticsearch.logs import ElasticsearchLogs

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""Lines that may wait; further ones are dropped and counted. The log file has them."""
BATCH = 500
EVERY_S = 1.0
LAST_BACKOFF_S = 60.0
MAINTAIN_EVERY_S = 600.0


class LogShipper(logging.Handler):
    """A handler for the root logger. It ignores what its own thread logs, or every failure would cause the next one."""

    def __init__(self, index: ElasticsearchLogs, *, capacity: int = CAPACITY) -> None:
        super().__init__(logging.INFO)
        self.addFilter(Masking())
        self._index = index
        self._capacity = capacity
        self._waiting: deque[tuple[str, dict[str, str]]] = deque()
        self._host = socket.gethostname()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)
        self._prepared = self._down = False
        self._maintained_at = float("-inf")
        self._unreported = 0
        self.dropped = 0
        """Lines that were not sent, since the start."""

    def start(self) -> None:
        logging.getLogger().addHandler(self)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record. The handler's lock is held, but only as long as it takes to move a line."""
        if threading.get_ident() == self._thread.ident:
            return
        if len(self._waiting) >= self._capacity:
            self._drop(1)
            return
        self._waiting.append((uuid4().hex, entry(record) | {"host": self._host}))

    def finish(self, timeout: float = 3.0) -> None:
        """Stop listening, try once more to send what is waiting, and end the thread."""
        logging.getLogger().removeHandler(self)
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._index.close()
        self.close()

    def _run(self) -> None:
        pause = EVERY_S
        while True:
            stopping = self._stopping.wait(pause)
            try:
                self._step()
                if self._down:
                    log.info("Log lines reach Elasticsearch again.")
                self._down, pause = False, EVERY_S
            except Exception as problem:
                self._prepared = False
                if not self._down:
                    # An unexpected error is a bug: log its origin and keep trying.
                    log.warning("Log lines are waiting to be sent: %s", problem, exc_info=not isinstance(problem, PortalError))
                self._down, pause = True, min(pause * 2, LAST_BACKOFF_S)
            if stopping:
                return

    def _step(self) -> None:
        if not self._prepared:
            self._index.prepare()
            self._prepared = True
        while batch := self._first():
            refused = self._index.write(batch)
            self._take(len(batch))
            self._drop(refused)
            if self._unreported:
                self._report_lost()
        if time.monotonic() - self._maintained_at > MAINTAIN_EVERY_S:
            self._index.maintain(datetime.now(UTC))
            self._maintained_at = time.monotonic()

    def _first(self) -> list[tuple[str, dict[str, str]]]:
        with self._guard():
            return list(islice(self._waiting, BATCH))

    def _take(self, count: int) -> None:
        with self._guard():
            for _ in range(count):
                self._waiting.popleft()

    def _drop(self, count: int) -> None:
        with self._guard():
            self.dropped += count
            self._unreported += count

    def _report_lost(self) -> None:
        """Report lost lines in both logs, ahead of the waiting lines. If the report itself is lost, the next one includes its count."""
        with self._guard():
            count, self._unreported = self._unreported, 0
        log.warning("%d log lines were not sent to Elasticsearch: the queue was full, or it rejected them. The log file has them.", count)
        report = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": "WARNING",
            "logger": __name__,
            "message": f"{count} log lines of this portal are missing here. Its log file has them.",
            "host": self._host,
        }
        self._index.write([(uuid4().hex, report)])

    def _guard(self) -> AbstractContextManager[object]:
        assert self.lock is not None
        return self.lock
