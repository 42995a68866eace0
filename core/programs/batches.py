"""Create, list and cancel batches: files of requests that a job answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import uuid4

from core.bounds import within
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.programs.files import ProgramFiles
from core.programs.on_behalf import noted_requester
from core.programs.records import BATCH_ENDED, Batch, BatchStatus, FilePurpose
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

RUN = "batch.run"
EXPIRE = "batch.expire"
ROUTES = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses")
"""The routes that lines of a batch may use."""
WINDOW = timedelta(hours=24)
"""Time after which unanswered lines expire."""
MAX_METADATA = 16_384
MAX_LISTED = 100
AT_ONCE = 10
"""Files deleted in one transaction."""


class Batches:
    """Manages batches. People see and cancel only their own."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, files: ProgramFiles, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._files = files
        self._clock = clock

    def create(self, user: User, input_file_id: str, route: str, metadata: Mapping[str, Json]) -> Batch:
        """Start to answer a file of requests. Raises NotFound (for the file), InvalidInput."""
        require(user, Permission.CHAT)
        if route not in ROUTES:
            raise InvalidInput("{field} must be one of {choices}.", field="endpoint", choices=", ".join(ROUTES))
        noted = json.dumps(metadata)
        if len(noted) > MAX_METADATA:
            raise InvalidInput("{field} is too long: at most {limit} characters fit.", field="metadata", limit=MAX_METADATA)
        now = self._clock()
        with self._unit_of_work() as work:
            file = self._files.own(work, user, input_file_id, "input_file_id")
            if file.purpose is not FilePurpose.BATCH:
                raise InvalidInput("{field} must name a file with the purpose batch.", field="input_file_id")
            batch_id = f"batch_{uuid4().hex}"
            output, errors = (self._files.new(user, f"{batch_id}_{kind}.jsonl", FilePurpose.BATCH_OUTPUT) for kind in ("output", "error"))
            work.program_files.add(output)
            work.program_files.add(errors)
            job = self._jobs.add(work, RUN, {"batch_id": batch_id, "name": file.name, **noted_requester(work, user)}, owner=user)
            batch = Batch(
                id=batch_id,
                user_id=user.id,
                created_at=now,
                expires_at=now + WINDOW,
                route=route,
                input_file_id=file.id,
                output_file_id=output.id,
                error_file_id=errors.id,
                job_id=job.id,
                metadata=noted,
            )
            work.batches.add(batch)
            work.commit()
        self._jobs.wake()
        return batch

    def get(self, user: User, batch_id: str) -> tuple[Batch, Job | None]:
        """Return one of the person's batches, and its job while jobs are kept. Raises NotFound."""
        with self._unit_of_work() as work:
            return self._settled(work, self._own(work, user, batch_id))

    def list(self, user: User, limit: int = 20, after: str | None = None) -> Sequence[tuple[Batch, Job | None]]:
        """List the person's batches, newest first. after: id of the last batch read. Raises NotFound, InvalidInput."""
        require(user, Permission.CHAT)
        within("limit", limit, 1, MAX_LISTED + 1)
        with self._unit_of_work() as work:
            last = self._own(work, user, after) if after is not None else None
            return [self._settled(work, batch) for batch in work.batches.of_user(user.id, limit, last)]

    def cancel(self, user: User, batch_id: str) -> tuple[Batch, Job | None]:
        """Stop a batch and keep its results so far. Raises NotFound, and Conflict if it has ended."""
        with self._unit_of_work() as work:
            batch, _ = self._settled(work, self._own(work, user, batch_id))
            if batch.status in BATCH_ENDED:
                raise Conflict("This batch has already ended and cannot be cancelled.")
            work.jobs.request_cancel(batch.job_id, self._clock())
            work.commit()
            return self._settled(work, batch)

    def expire(self, check: Callable[[], None] = lambda: None) -> int:
        """Delete expired files, and batches older than files are kept; returns the number of files."""
        with self._unit_of_work() as work:
            for batch in work.batches.running():
                self._settled(work, batch)
        removed = 0
        while True:
            check()
            with self._unit_of_work() as work:
                work.retention.keep_holds()
                ids = work.program_files.expired(self._clock(), AT_ONCE)
                for each in ids:
                    work.program_files.remove(each)
                if len(ids) < AT_ONCE:
                    work.batches.remove_before(self._clock() - timedelta(days=self._files.days))
                work.commit()
            removed += len(ids)
            if len(ids) < AT_ONCE:
                return removed

    def job_kinds(self) -> Sequence[JobKind]:
        """Return the job kind that deletes expired files. core/programs/batch_run.py has the other one."""
        return [JobKind(EXPIRE, self._expire, every=timedelta(days=1), most_tries=3, resumable=True)]

    def _expire(self, job: Job, report: Report) -> Mapping[str, Json]:
        removed = self.expire(report.check)
        if removed:
            log.info("Removed %d files of programs that had expired.", removed)
        return {"removed": removed}

    def _settled(self, work: UnitOfWork, batch: Batch) -> tuple[Batch, Job | None]:
        """Return the batch with its job. End the batch if its job ended without the handler."""
        job = work.jobs.get(batch.job_id)
        if batch.status in BATCH_ENDED or (job is not None and not job.ended):
            return batch, job
        status = BatchStatus.CANCELLED if job is not None and job.state is JobState.CANCELLED else BatchStatus.FAILED
        if work.batches.end(batch.id, status, self._clock(), job.error if job is not None else None):
            work.program_files.make_ready(batch.output_file_id)
            work.program_files.make_ready(batch.error_file_id)
        work.commit()
        return work.batches.get(batch.id) or batch, job

    @staticmethod
    def _own(work: UnitOfWork, user: User, batch_id: str) -> Batch:
        require(user, Permission.CHAT)
        found = work.batches.get(batch_id)
        if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
            raise NotFound("This batch does not exist. It may have expired.", id=batch_id[:100])
        return found
