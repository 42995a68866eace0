"""Open the database: SQLite in WAL mode, or PostgreSQL through a pool."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import StartFailed, Unavailable
from core.operations.file_limit import at_file_limit
from data.connections.queue import ConnectionPool
from data.connections.wal import use_wal
from data.connections.write_turns import BUSY, give_turns
from data.limits.limit_counters import LimitCounters
from data.repositories.usage.usage_days import UsageDays

CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10
BUSY_TIMEOUT_S = 10
"""Seconds that a writer waits for another writer: SQLite's busy timeout, PostgreSQL's lock timeout."""
STATEMENT_TIMEOUT_S = 30
IDLE_IN_TRANSACTION_TIMEOUT_S = 120


class Database:
    """Holds the connections to one database. `jobs_queued` is set whenever this process commits index jobs. `usage_days` caches usage.

    `limit_counters`: where limits are counted instead of in the database.
    """

    def __init__(self, url: URL, engine: Engine, inner_engine: Engine) -> None:
        """inner_engine: connections for threads that hold one of `engine` already."""
        self.url = url
        self.engine = engine
        self.inner_engine = inner_engine
        self._open = _OpenUnits()
        self.jobs_queued = threading.Event()
        self.usage_days = UsageDays()
        self.limit_counters: LimitCounters | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """Return the name shown to people: the file, or the server's address without its password."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    def connect(self) -> Connection:
        """Return a connection from the pool. Raises Unavailable.

        Inside a unit of work it comes from a pool of its own. Otherwise a thread could wait for a connection while all of them are held by
        threads that wait for what this one has locked.
        """
        engine = self.inner_engine if self._open.number else self.engine
        try:
            return engine.connect()
        except PoolTimeout as error:
            raise Unavailable("The database is overloaded. Try again in a few seconds.") from error

    def begin_unit(self) -> Connection:
        """Return a connection for a unit of work of this thread. Raises Unavailable."""
        connection = self.connect()
        self._open.number += 1
        return connection

    def end_unit(self, connection: Connection) -> None:
        """Give back the connection of a unit of work, on the thread that began it."""
        self._open.number -= 1
        connection.close()

    @contextmanager
    def start_errors(self) -> Iterator[None]:
        """Turn database errors at startup into the sentence that stops the start."""
        try:
            yield
        except Unavailable as error:
            cause = error.__cause__
            reason = str(getattr(cause, "orig", None) or cause).strip().splitlines()[0]
            if self._at_file_limit():
                large = "The database {name} has reached this server's limit for the size of a file. Raise the limit (ulimit -f)."
                raise StartFailed(large, name=self.name) from error
            if _is_full(reason):
                full = "The disk of the database {name} is full. Free some space, or set PORTAL_HOME to a folder on another disk."
                raise StartFailed(full, name=self.name) from error
            raise StartFailed(
                "The database {name} cannot be used ({reason}). Check that it is running, that its address is correct, and that its "
                "disk has space.",
                name=self.name,
                reason=reason,
            ) from error
        except DBAPIError as error:
            raise StartFailed("The database {name} cannot be used: {reason}.", name=self.name, reason=str(error.orig)) from error

    def _at_file_limit(self) -> bool:
        return self.is_sqlite and _at_file_limit(self.url)

    def close(self) -> None:
        if self.limit_counters is not None:
            self.limit_counters.close()
        self.engine.dispose()
        self.inner_engine.dispose()


class _OpenUnits(threading.local):
    """The number of units of work that the current thread has open."""

    number = 0


def open_database(url: str, *, pool_size: int = 10, max_overflow: int | None = None) -> Database:
    """Connect to `sqlite:///file` or `postgresql://...`; creates the file and its folder. Raises StartFailed.

    data.migrate creates the tables. max_overflow: connections above `pool_size`; None: 110 to SQLite, where each is three open files and
    threads that wait for one slow each other down, and 30 to PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StartFailed("PORTAL_DATABASE_URL is not a database address. Use sqlite:///file or postgresql://user@host/name.") from error
    backend = parsed.get_backend_name()
    if max_overflow is None:
        max_overflow = 110 if backend == "sqlite" else 30
    most = pool_size + max_overflow
    shared: dict[str, Any] = {"poolclass": ConnectionPool, "pool_timeout": POOL_TIMEOUT_S, "pool_use_lifo": True, "hide_parameters": True}
    pools = ({"pool_size": pool_size, "max_overflow": max_overflow}, {"pool_size": min(2, most), "max_overflow": most - min(2, most)})
    if backend == "sqlite":
        _make_file(parsed)
        shared["connect_args"] = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
    elif backend in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
        settings = {
            "timezone": "UTC",
            "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
            "lock_timeout": f"{BUSY_TIMEOUT_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_S}s",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "options": options, "application_name": "glm-portal"}
        shared |= {"connect_args": arguments, "pool_pre_ping": True, "pool_recycle": 1800}
    else:
        raise StartFailed("PORTAL_DATABASE_URL names {backend}; the portal supports SQLite and PostgreSQL.", backend=backend)
    engine, inner = (create_engine(parsed, **shared, **pool) for pool in pools)
    if backend == "sqlite":
        give_turns(engine, inner)
    for each in (engine, inner):
        event.listen(each, "handle_error", _translate)
        if backend == "sqlite":
            event.listen(each, "connect", _set_up_sqlite)
    return Database(parsed, engine, inner)


def _make_file(url: URL) -> None:
    """Create an empty file that only this user can read: SQLite gives its other files the same permissions."""
    if not url.database or url.database == ":memory:":
        raise StartFailed("PORTAL_DATABASE_URL does not name a SQLite file. Use sqlite:///file.")
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        writable = os.access(file.parent, os.W_OK | os.X_OK)
    except OSError as error:
        raise StartFailed(
            "The database {name} cannot be created or written ({reason}). Change the permissions of its folder, or choose another "
            "PORTAL_HOME.",
            name=file,
            reason=error.strerror,
        ) from error
    if not writable:
        raise StartFailed(
            ("The folder {folder} cannot be written. Change its permissions, or choose another PORTAL_HOME."), folder=file.parent
        )


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not BEGIN by itself: reads run outside transactions, and data.transaction begins IMMEDIATE before the first write.
    connection.isolation_level = None
    use_wal(connection, BUSY_TIMEOUT_S)
    # In WAL mode, NORMAL keeps every commit through a crash of the process; only a power cut can undo the last ones.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Deleted content is overwritten, as in most builds of SQLite: no free page contains a deleted chat.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -8000")


def _at_file_limit(url: URL) -> bool:
    return at_file_limit(Path(f"{url.database}"), Path(f"{url.database}-wal"))


def _is_full(reason: str) -> bool:
    return "disk is full" in reason.lower() or "no space left" in reason.lower()


def _translate(context: ExceptionContext) -> None:
    """Turn an unavailable database into a one-sentence error. Integrity errors and wrong SQL pass unchanged."""
    if not (isinstance(context.sqlalchemy_exception, OperationalError) or context.is_disconnect):
        return
    if getattr(context.original_exception, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:  # Wrong SQL.
        return
    reason = str(context.original_exception).lower()
    full = _is_full(reason) or "disk i/o error" in reason
    if full and context.engine is not None and context.dialect.name == "sqlite" and _at_file_limit(context.engine.url):
        sentence = "The database has reached the limit for the size of a file. Nothing was saved; ask an admin to raise it (ulimit -f)."
    elif full:
        sentence = "The database's disk is full or failing. Nothing was saved; ask an admin to free space."
    elif "locked" in reason or "lock timeout" in reason or "deadlock" in reason:
        sentence = BUSY
    elif "timeout" in reason or "timed out" in reason:
        sentence = "The database took too long to answer. Try again, or request less at once."
    elif "readonly" in reason or "read-only" in reason:
        sentence = "The database is read-only at the moment. Nothing was saved; ask an admin."
    else:
        sentence = "The database cannot be reached. Try again in a few seconds, or ask an admin."
    raise Unavailable(sentence) from context.original_exception
