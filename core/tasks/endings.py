"""Store how the run of a job ended, retrying while the database is unavailable."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from core.clock import Clock
from core.errors import StoredError, Unavailable
from core.notices.giving import job_ended
from core.tasks.handlers import JobKind
from core.tasks.records import Job, JobState, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)


class JobEndings:
    """Stores the ends of runs. Thread-safe."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, stopping: threading.Event) -> None:
        """stopping: once set, writes are no longer retried."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._stopping = stopping

    def end(self, job: Job, kind: JobKind, run: str, state: JobState, result: Mapping[str, Json], error: StoredError | None) -> None:
        def write() -> None:
            with self._unit_of_work() as work:
                ended = work.jobs.end(job.id, run, state, self._clock(), result, error)
                if ended and job.owner_id is not None and kind.listed and kind.notices and state is not JobState.CANCELLED:
                    job_ended(work, self._clock(), job.owner_id, job.kind, job.id, done=state is JobState.DONE)
                if ended and kind.every is not None:
                    work.jobs.add(next_recurring(kind, self._clock, kind.every))
                if ended and not kind.listed and state is JobState.DONE:
                    work.jobs.remove(job.id)
                work.commit()

        self._keep_trying(write)

    def postpone(self, job: Job, run: str, wait: timedelta, error: StoredError | None) -> None:
        def write() -> None:
            with self._unit_of_work() as work:
                work.jobs.postpone(job.id, run, self._clock() + wait, error)
                work.commit()

        self._keep_trying(write)

    def _keep_trying(self, write: Callable[[], None]) -> None:
        """Retry a write while the database is unavailable. If it stays unavailable, the lease expires."""
        for attempt in range(10):
            try:
                write()
                return
            except Unavailable as problem:
                log.warning("the result of a job could not be saved: %s", problem)
                if self._stopping.wait(min(2.0**attempt, LEASE.total_seconds() / 3)):
                    return


def next_recurring(kind: JobKind, clock: Clock, wait: timedelta) -> Job:
    """Return the next job of a recurring kind. wait: delay until it runs."""
    now = clock()
    return Job(id=uuid4().hex, kind=kind.name, created_at=now, run_after=now + wait, key=kind.name)
