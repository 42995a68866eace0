"""Bring every committed change to the search index, exactly as it is in the database."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, select, update

from core.errors import PortalError, Unavailable
from data.columns import UtcDateTime
from data.database import Database
from data.index.documents import SOURCES, load_documents
from data.search.port import WritableIndex
from data.tables import IndexJobTable
from data.transaction import AnyRow, Transaction

log = logging.getLogger(__name__)

BATCH = 2000
DELETE_AT_ONCE = 500
"""Job numbers in one statement."""
GATHER_S = 0.1
"""How long jobs are gathered after the first: a round costs about as much for twenty as for one."""
IDLE_S = 1.0
"""Seconds between checks for jobs of other processes. Jobs of this process wake the worker at once."""
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.5, 15.0
MAX_ATTEMPTS = 5
"""A document rejected this often stays in the queue with its error and is not retried."""

_T = IndexJobTable.__table__.c
_WAITING = _T.attempts < MAX_ATTEMPTS
_CLAIM = select(_T.number, _T.kind, _T.document_id).where(_WAITING).order_by(_T.number).limit(BATCH).with_for_update(skip_locked=True)
_DONE = delete(IndexJobTable).where(_T.number.in_(bindparam("jobs", expanding=True)))
_OLDEST = select(func.min(_T.created_at)).where(_WAITING)
_REFUSED = (
    update(IndexJobTable).where(_T.number == bindparam("job")).values(attempts=_T.attempts + 1, error=bindparam("reason"))
)  # fmt: skip


class IndexWorker:
    """Takes jobs oldest first, reads the rows as they are now, writes them to the index, and only then deletes the jobs.

    A crash between any two steps repeats work but loses none: the job's number is the document's version, and the index rejects older ones.
    On PostgreSQL several replicas may work at once (SKIP LOCKED keeps their jobs apart).
    """

    def __init__(self, database: Database, index: WritableIndex) -> None:
        self._database = database
        self._index = index
        self._working = threading.Lock()
        self._stopping = threading.Event()
        self._prepared = self._prepared_once = False
        self._thread: threading.Thread | None = None
        self.down_since: float | None = None
        """time.time() of the first failure in a row; None while the index answers."""

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="index-worker", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """End the thread; remaining jobs wait in the database for the next start."""
        self._stopping.set()
        self._database.jobs_queued.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def pending(self) -> int:
        """Count the jobs that the index has not received. Raises Unavailable."""
        with self._database.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(IndexJobTable).where(_WAITING)) or 0)

    def behind(self, now: datetime) -> float:
        """Return the age in seconds of the oldest pending change; 0 if there is none. Raises Unavailable."""
        with self._database.connect() as connection:
            oldest = connection.scalar(_OLDEST)
        return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0

    def drain(self, timeout: float) -> bool:
        """Work in this thread until no job is left, for at most `timeout` seconds. Returns whether none is left."""
        until = time.monotonic() + timeout
        while True:
            try:
                while self.step():
                    if time.monotonic() > until:
                        return False
                if self.pending() == 0 and not self._index.is_building():
                    self._index.refresh()
                    return True
            except Unavailable as error:
                log.debug("Index worker is waiting: %s", error)
            if time.monotonic() > until:
                return False
            time.sleep(0.05)

    def step(self) -> int:
        """Process one batch; return how many jobs it took. Raises Unavailable."""
        with self._working:
            try:
                if not self._prepared:
                    self._prepare()
                taken = self._work()
                if taken == 0 and self._index.is_building():
                    self._index.complete()
                    log.info("The search index is complete; searches now use it.")
                return taken
            except Exception:
                self._prepared = False
                raise

    def reindex(self) -> None:
        """Queue everything: each row in the database, and each document that only the index has."""
        with self._database.connect() as connection:
            sql = Transaction(connection)
            queue_everything(sql)
            for kind, source in SOURCES.items():
                stored = set(connection.scalars(source.ids()))
                sql.announce(kind, [each for each in self._index.ids(kind) if each not in stored])
            sql.commit()
        self._database.jobs_queued.set()

    def is_rebuilding(self) -> bool:
        return self._prepared_once and self._index.is_building()

    def rebuild(self) -> None:
        """Fill a new index beside this one; searches use the old one until it is complete. Raises Unavailable."""
        with self._working:
            self._index.prepare()
            self._index.rebuild()
            self.reindex()

    def _run(self) -> None:
        backoff = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            self._database.jobs_queued.clear()
            try:
                # A round that took fewer than it may has left none, but only one without jobs completes a new index.
                while (taken := self.step()) and (taken == BATCH or self._index.is_building()) and not self._stopping.is_set():
                    pass
            except Exception as error:
                if self.down_since is None:
                    self.down_since = time.time()
                    # An unexpected error is a bug: log its origin and keep trying.
                    log.warning("The search index is waiting: %s", error, exc_info=not isinstance(error, PortalError))
                self._stopping.wait(backoff)
                backoff = min(backoff * 2, LAST_BACKOFF_S)
                continue
            if self.down_since is not None:
                log.info("The search index is responding again.")
                self.down_since = None
            backoff = FIRST_BACKOFF_S
            if self._database.jobs_queued.wait(IDLE_S):
                self._stopping.wait(GATHER_S)

    def _prepare(self) -> None:
        self._index.prepare()
        # If a process ended while building an index, it may lack jobs: queueing a document twice costs time but does no harm.
        unsure = not self._prepared_once and self._index.is_building()
        if (unsure or self._index.is_empty()) and self._store_has_documents():
            log.info("Filling the search index from the database.")
            self.reindex()
        self._prepared = self._prepared_once = True

    def _store_has_documents(self) -> bool:
        with self._database.connect() as connection:
            return any(connection.scalar(select(exists(source.ids()))) for source in SOURCES.values())

    def _work(self) -> int:
        with self._database.connect() as connection:
            jobs = connection.execute(_CLAIM).all()
            if not jobs:
                return 0
            # Oldest first, so the last job of a document is its newest version, which replaces the earlier ones.
            versions = {(job.kind, job.document_id): job.number for job in jobs}
            documents = load_documents(connection, versions)
            # PostgreSQL keeps the jobs locked here, away from other replicas. SQLite holds no lock, so writers need not wait.
            refused = self._index.put(documents)
            self._settle(connection, list(jobs), refused)
            return len(jobs)

    @staticmethod
    def _settle(connection: Connection, jobs: list[AnyRow], refused: dict[tuple[str, str], str]) -> None:
        sql = Transaction(connection)
        done = [job.number for job in jobs if (job.kind, job.document_id) not in refused]
        failed = [{"job": job.number, "reason": refused[key]} for job in jobs if (key := (job.kind, job.document_id)) in refused]
        for start in range(0, len(done), DELETE_AT_ONCE):
            sql.write(_DONE, {"jobs": done[start : start + DELETE_AT_ONCE]})
        if failed:
            log.error("The search index rejected %d documents: %s", len(failed), failed[0]["reason"])
            sql.write(_REFUSED, failed)
        sql.commit()


def queue_everything(sql: Transaction) -> None:
    """Queue index jobs for every row, oldest first: rows and index documents are both stored in that order."""
    now = literal(datetime.now(UTC), UtcDateTime)
    for kind, source in SOURCES.items():
        everything = select(literal(kind), source.id, now).order_by(source.at)
        sql.write(insert(IndexJobTable).from_select(["kind", "document_id", "created_at"], everything))
