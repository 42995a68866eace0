"""The reconciler: compares store and index, range by range, and queues a job for whatever differs.

The queue alone keeps both equal as long as each does what it promised. This finds what no promise covers: an index brought back
from an old snapshot, documents deleted by hand, a fault in the portal itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from core.errors import PortalError
from core.search.records import Reconciliation
from data.database import Database
from data.index.documents import SOURCES, load_documents
from data.search.port import WritableIndex
from data.tables import IndexJobTable
from data.transaction import Transaction

log = logging.getLogger(__name__)

RANGE = 1000
"""Documents compared at once."""
EVERY_S = 24 * 3600.0
PAUSE_S = 0.02
"""Between ranges, so that people's work goes first."""

_JOB = IndexJobTable.__table__.c


class Reconciler:
    """Works on a thread of its own once a day and whenever asked. `last` is what it found the last time."""

    def __init__(self, database: Database, index: WritableIndex) -> None:
        self._database = database
        self._index = index
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.running = False
        self.last: Reconciliation | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Compare soon; returns at once."""
        self._asked.set()

    def close(self, timeout: float = 5.0) -> None:
        self._stopping.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def reconcile(self) -> Reconciliation:
        """Compare everything now, in this thread. Raises Unavailable."""
        started = datetime.now(UTC)
        compared = missing = outdated = phantom = 0
        for kind in SOURCES:
            after: str | None = ""
            while after is not None and not self._stopping.is_set():
                with self._database.connect() as connection:
                    stored, upto = self._stored(connection, kind, after)
                    indexed = self._index.fingerprints(kind, after, upto)
                    differing = {id for id in stored.keys() | indexed.keys() if stored.get(id) != indexed.get(id)}
                    drifted = self._repair(connection, kind, differing)
                compared += len(stored)
                missing += len([id for id in drifted if id not in indexed])
                phantom += len([id for id in drifted if id not in stored])
                outdated += len([id for id in drifted if id in stored and id in indexed])
                after = upto
                self._stopping.wait(PAUSE_S)
        self.last = Reconciliation(started, datetime.now(UTC), compared, missing, outdated, phantom)
        level = logging.WARNING if missing or outdated or phantom else logging.INFO
        log.log(level, "Store and index compared: %d documents, %d missing, %d outdated, %d phantoms", compared, missing, outdated, phantom)
        return self.last

    @staticmethod
    def _stored(connection: Connection, kind: str, after: str) -> tuple[Mapping[str, str], str | None]:
        """The fingerprints of the next range, and the id where it ends; None: it is the last."""
        source = SOURCES[kind]
        statement = source.ids().order_by(source.key).limit(RANGE)
        if after:
            statement = statement.where(source.key > source.key_of(after))
        ids = list(connection.scalars(statement))
        documents = load_documents(connection, {(kind, id): 0 for id in ids})
        prints = {document.id: document.fingerprint for document in documents if document.text is not None}
        return prints, ids[-1] if len(ids) == RANGE else None

    def _repair(self, connection: Connection, kind: str, ids: Iterable[str]) -> set[str]:
        """Queue jobs; returns the ids that had none. Where a job waits already, nothing has drifted: the worker is on its way."""
        differing = set(ids)
        if not differing:
            return differing
        waiting = set(connection.scalars(select(_JOB.document_id).where(_JOB.kind == kind, _JOB.document_id.in_(differing))))
        drifted = differing - waiting
        sql = Transaction(connection)
        sql.announce(kind, sorted(drifted))
        sql.commit()
        if drifted:
            self._database.jobs_queued.set()
        return drifted

    def _run(self) -> None:
        while True:
            self._asked.wait(EVERY_S)
            self._asked.clear()
            if self._stopping.is_set():
                return
            self.running = True
            try:
                self.reconcile()
            except Exception as error:
                # An error that is not ours is a bug: log where it came from; the next round tries again.
                log.warning("Store and index could not be compared: %s", error, exc_info=not isinstance(error, PortalError))
            finally:
                self.running = False
