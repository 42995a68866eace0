"""Compare the database and the index, range by range, and queue a job for every difference.

The queue alone keeps both equal as long as each keeps its promises. The reconciler finds other differences: an index restored from an old
snapshot, documents deleted by hand, a bug in the portal itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from core.search.records import Reconciliation
from data.database import Database
from data.index.documents import SOURCES, load_documents
from data.search.port import WritableIndex
from data.tables import IndexJobTable
from data.transaction import Transaction

log = logging.getLogger(__name__)

RANGE = 1000
"""Documents compared at once."""
PAUSE_S = 0.02
"""Seconds between ranges, so that people's work goes first."""

_JOB = IndexJobTable.__table__.c


class Reconciler:
    """Compares the database and the index, and repairs what differs."""

    def __init__(self, database: Database, index: WritableIndex) -> None:
        self._database = database
        self._index = index

    def reconcile(self, report: Callable[[float], None] = lambda share: None) -> Reconciliation:
        """Compare everything now, in this thread. Raises Unavailable.

        report: receives the share that is done; an exception that it raises ends the comparison.
        """
        started = datetime.now(UTC)
        compared = missing = outdated = phantom = 0
        for number, kind in enumerate(SOURCES):
            after: str | None = ""
            while after is not None:
                report(number / len(SOURCES))
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
                time.sleep(PAUSE_S)
        last = Reconciliation(
            started_at=started, ended_at=datetime.now(UTC), compared=compared, missing=missing, outdated=outdated, phantom=phantom
        )
        level = logging.WARNING if missing or outdated or phantom else logging.INFO
        log.log(level, (
            "Compared database and index: %d documents, %d missing, %d outdated, %d phantoms"
        ), compared, missing, outdated, phantom)
        return last

    @staticmethod
    def _stored(connection: Connection, kind: str, after: str) -> tuple[Mapping[str, str], str | None]:
        """Return the fingerprints of the next range, and the id where it ends; None for the last range."""
        source = SOURCES[kind]
        statement = source.ids().order_by(source.key).limit(RANGE)
        if after:
            statement = statement.where(source.key > source.key_of(after))
        ids = list(connection.scalars(statement))
        documents = load_documents(connection, {(kind, id): 0 for id in ids})
        prints = {document.id: document.fingerprint for document in documents if document.text is not None}
        return prints, ids[-1] if len(ids) == RANGE else None

    def _repair(self, connection: Connection, kind: str, ids: Iterable[str]) -> set[str]:
        """Queue jobs; returns the ids that had none. An id with a pending job has not drifted: the worker is about to update it."""
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
