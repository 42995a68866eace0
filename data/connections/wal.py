"""Switch a SQLite file to its write-ahead log."""

from __future__ import annotations

import sqlite3
import time

PAUSE_S = 0.01


def use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Switch to WAL mode. Raises sqlite3.OperationalError if the file is in use for longer than `seconds`.

    Two connections that switch a new file at once would each wait for the other, so SQLite refuses one of them at once, whatever its busy
    timeout (https://sqlite.org/c3ref/busy_handler.html). That one tries again here.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(PAUSE_S)
