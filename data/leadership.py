"""Hold the leadership by an advisory lock of PostgreSQL, which the server releases when the holding process is gone."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Connection, text

from core.errors import PortalError
from data.database import Database

log = logging.getLogger(__name__)

LOCK = 0x676C6D6C
POLL_S = 2.0
"""Seconds between attempts to take the lock, and between checks of a lock that is held."""
LOST_AFTER_S = 10.0
"""Seconds without a check after which the lock counts as lost. The server holds that of a vanished machine for longer, so two processes
never lead."""
_KEEPALIVES = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"


class PostgresLeadership:
    """Implements core.tasks.leadership.Leadership with its own connection and thread."""

    def __init__(self, database: Database, poll_s: float = POLL_S) -> None:
        self._database = database
        self._poll_s = poll_s
        self._seen: float | None = None
        """time.monotonic() of the last check of the lock that this process holds."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Release the lock, so that another replica takes it at once."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def holds(self) -> bool:
        seen = self._seen
        return seen is not None and time.monotonic() - seen < LOST_AFTER_S

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._database.connect() as connection:
                    connection.execution_options(isolation_level="AUTOCOMMIT")
                    connection.detach()  # Its own connection: a connection returned to the pool would keep the lock.
                    self._hold(connection)
            except PortalError as problem:
                log.warning("the database cannot say which replica does the periodic work: %s", problem)
            except Exception:
                log.exception("the leadership could not be looked at")
            finally:
                self._seen = None
            self._stopping.wait(self._poll_s)

    def _hold(self, connection: Connection) -> None:
        """Take the lock once it is free, and keep it as long as the connection lives."""
        for statement in _KEEPALIVES.split("; "):
            connection.execute(text(statement))
        while not self._stopping.is_set():
            asked = time.monotonic()
            if self._seen is not None:
                connection.execute(text("SELECT 1"))
                self._seen = asked
            elif connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
                log.info("this replica does the periodic work now")
                self._seen = asked
            self._stopping.wait(self._poll_s)
