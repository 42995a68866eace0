"""Declare the repository of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.tasks.records import Job, JobFilter, JobState, Json


class JobRepository(Protocol):
    """Stores background jobs."""

    def add(self, job: Job) -> bool:
        """Insert a waiting job. Returns False if an active job has the same key."""
        ...

    def get(self, job_id: str) -> Job | None: ...
    def find(self, filter: JobFilter, limit: int, before: str | None = None) -> Sequence[Job]:
        """List jobs, newest first. before: id of the last job read."""
        ...

    def counts(self) -> Mapping[JobState, int]: ...
    def claim(self, worker: str, server: str, kinds: Sequence[str], now: datetime, lease_until: datetime) -> Job | None:
        """Claim the job that has been due longest and count the try. Returns None if no job is due.

        A job is due if it waits and its time has come, or if it runs and its lease has expired. On PostgreSQL several workers may claim at
        once (SKIP LOCKED).
        """
        ...

    def renew(self, job_id: str, worker: str, lease_until: datetime, progress: float, detail: Mapping[str, Json]) -> bool:
        """Write a running job's progress. Returns False if the job is no longer this worker's or was cancelled."""
        ...

    def end(
        self, job_id: str, worker: str, state: JobState, at: datetime, result: Mapping[str, Json], error: StoredError | None
    ) -> bool:
        """Store how a running job ended. Returns False if it is no longer this worker's."""
        ...

    def postpone(self, job_id: str, worker: str, run_after: datetime, error: StoredError | None) -> bool:
        """Make a running job wait again. Returns False if it is no longer this worker's. Without an error the try does not count."""
        ...

    def make_due(self, key: str, now: datetime) -> Job | None:
        """Make a waiting job with this key due now. Returns the active job with the key, if any."""
        ...

    def request_cancel(self, job_id: str, now: datetime) -> None:
        """Cancel a waiting job, or ask a running one to stop. A job that has ended does not change."""
        ...

    def pause(self, job_id: str) -> bool:
        """Make a waiting or running job wait until resume(). Returns False in other states, or if it was asked to stop."""
        ...

    def resume(self, job_id: str, now: datetime) -> bool:
        """Make a paused job due now, with its full number of tries. Returns False if it is not paused."""
        ...

    def dismiss(self, job_id: str) -> bool:
        """Mark a failed job as cancelled and keep its error. Returns False in other states."""
        ...

    def retry(self, job_id: str, now: datetime) -> bool:
        """Make a failed or cancelled job wait again, with all its tries. Returns False in other states or if its key is taken."""
        ...

    def release(self, server: str, now: datetime) -> None:
        """Expire the leases of this server's running jobs, because the process that held them is gone."""
        ...

    def remove(self, job_id: str) -> None:
        """Delete an ended job."""
        ...

    def remove_ended(self, before: datetime) -> int:
        """Delete the jobs that ended before this time; returns how many."""
        ...
