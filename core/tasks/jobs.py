"""Add, list, cancel and retry background jobs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from core.bounds import within
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require_scope
from core.people.records import Scope, User
from core.tasks.records import ACTIVE, Job, JobFilter, JobState, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_LISTED = 200
_SCOPES = (Scope.CHAT, Scope.MODELS, Scope.ADMIN)
"""Scopes of API keys that can start jobs, and so may see and control the jobs of their person."""


class Jobs:
    """Manages jobs. People see and control their own jobs; people who may manage the storage see and control all."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.woken = threading.Event()
        """Wakes the worker of this process when there may be a job to run."""

    def wake(self) -> None:
        """Make the worker look for jobs now instead of within a second. Call this after the commit."""
        self.woken.set()

    def add(
        self,
        work: UnitOfWork,
        kind: str,
        payload: Mapping[str, Json] | None = None,
        *,
        owner: User | None = None,
        key: str | None = None,
        server: str | None = None,
        after: timedelta = timedelta(0),
    ) -> Job:
        """Add a job in the transaction of the change that causes it. Raises Conflict if an active job has the same key.

        after: shortest delay before the job runs.
        """
        now = self._clock()
        job = Job(
            id=uuid4().hex,
            kind=kind,
            created_at=now,
            run_after=now + after,
            payload=payload or {},
            owner_id=owner.id if owner else None,
            key=key,
            server=server,
        )
        if not work.jobs.add(job):
            raise Conflict("This is already running or waiting. Wait until it finishes, or cancel it on the Jobs page.")
        return job

    def run_now(self, work: UnitOfWork, kind: str, *, owner: User | None = None) -> Job:
        """Make the recurring job of this kind due now; add one if none is active."""
        return work.jobs.make_due(kind, self._clock()) or self.add(work, kind, owner=owner, key=kind)

    def latest(self, filter: JobFilter) -> Job | None:
        """Return the newest job that matches the filter."""
        with self._unit_of_work() as work:
            found = work.jobs.find(filter, 1)
        return found[0] if found else None

    def list(self, user: User, filter: JobFilter | None = None, limit: int = 50, before: str | None = None) -> Sequence[Job]:
        """List jobs, newest first. before: id of the last job read. Raises InvalidInput, NotFound."""
        wanted = filter or JobFilter()
        within("limit", limit, 1, MAX_LISTED)
        require_scope(user, *_SCOPES)
        owner_id = wanted.owner_id if allows(user, Permission.RUN_STORE) else user.id
        with self._unit_of_work() as work:
            if before is not None:
                self._own(work, user, before)
            return work.jobs.find(replace(wanted, owner_id=owner_id), limit, before)

    def get(self, user: User, job_id: str) -> Job:
        """Return one job. Raises NotFound, also for a job of someone else."""
        with self._unit_of_work() as work:
            return self._own(work, user, job_id)

    def states(self) -> Mapping[JobState, int]:
        """Count all jobs by state, for metrics. Raises Unavailable."""
        with self._unit_of_work() as work:
            return work.jobs.counts()

    def cancel(self, user: User, job_id: str) -> Job:
        """Cancel a waiting job, or ask a running one to stop. Raises NotFound, and Conflict if it has ended."""
        with self._unit_of_work() as work:
            job = self._own(work, user, job_id)
            if job.state not in ACTIVE:
                raise Conflict("This job has already ended and cannot be cancelled.")
            work.jobs.request_cancel(job_id, self._clock())
            record(work, self._clock(), user.id, "job.cancel", job.kind, job=job.id)
            work.commit()
            return self._own(work, user, job_id)

    def pause(self, user: User, job_id: str) -> Job:
        """Make a job wait until it is resumed. A running job stops soon and keeps its progress. Raises NotFound, Conflict (has ended)."""
        with self._unit_of_work() as work:
            job = self._own(work, user, job_id)
            if not work.jobs.pause(job_id):
                raise Conflict("This job has already ended, or is being stopped, and cannot be paused.")
            record(work, self._clock(), user.id, "job.pause", job.kind, job=job.id)
            work.commit()
            return self._own(work, user, job_id)

    def resume(self, user: User, job_id: str) -> Job:
        """Resume a paused job. Raises NotFound, Conflict if it is not paused."""
        with self._unit_of_work() as work:
            job = self._own(work, user, job_id)
            if not work.jobs.resume(job_id, self._clock()):
                raise Conflict("This job is not paused.")
            record(work, self._clock(), user.id, "job.resume", job.kind, job=job.id)
            work.commit()
            self.wake()
            return self._own(work, user, job_id)

    def dismiss(self, user: User, job_id: str) -> None:
        """Mark a failed job as cancelled, so that it is no longer shown as a problem. Raises NotFound, Conflict."""
        with self._unit_of_work() as work:
            self._own(work, user, job_id)
            if not work.jobs.dismiss(job_id):
                raise Conflict("Only a failed job can be dismissed.")
            work.commit()

    def retry(self, user: User, job_id: str) -> Job:
        """Run a failed or cancelled job again. Raises NotFound, Conflict."""
        with self._unit_of_work() as work:
            job = self._own(work, user, job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise Conflict("Only a failed or cancelled job can be retried.")
            if not work.jobs.retry(job_id, self._clock()):
                raise Conflict("This is already running or waiting. Wait until it finishes, or cancel it on the Jobs page.")
            record(work, self._clock(), user.id, "job.retry", job.kind, job=job.id)
            work.commit()
            self.wake()
            return self._own(work, user, job_id)

    def _own(self, work: UnitOfWork, user: User, job_id: str) -> Job:
        require_scope(user, *_SCOPES)
        job = work.jobs.get(job_id)
        if job is None or not (job.owner_id == user.id or allows(user, Permission.RUN_STORE)):
            raise NotFound("This job does not exist.")
        return job
