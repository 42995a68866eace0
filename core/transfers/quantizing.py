"""Quantize a model file of this server, as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from core.clock import Clock
from core.errors import Conflict
from core.models.ports import Quantizer
from core.models.quantization import Precision, about_bytes, quantized_name
from core.people.audit_events import record, record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobFilter, JobState, Json
from core.transfers.downloads import QUANTIZE, staging_name, transfer_key
from core.transfers.model_folder import ModelFolder, digest, taken
from core.unit_of_work import UnitOfWorkFactory

_WRITTEN = 0.9
"""Share of the progress for writing the result; the rest is for its SHA-256."""
MAX_KNOWN = 100
RECENT = timedelta(minutes=15)
"""How long the list of transfers shows finished quantizations."""


class Quantizing:
    """Quantizes files. The result goes into the models folder, next to its source if that is there too."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: ModelFolder, quantizer: Quantizer, clock: Clock, server: str
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._folder = folder
        self._quantizer = quantizer
        self._clock = clock
        self._server = server

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(QUANTIZE, self._run, resumable=True, at_once=1)]

    def start(self, user: User, path: Path, precision: Precision) -> Job:
        """Start quantizing a file. Raises InvalidInput (unusable, already quantized), Conflict (name taken, running, disk full)."""
        require(user, Permission.RUN_MODELS)
        return self.order(user, path, precision)

    def order(self, owner: User | None, path: Path, precision: Precision) -> Job:
        """Do the same as start(), without checking rights. owner: None for the command line."""
        file = self._quantizer.check(path)
        target = self._target(path, precision)
        if target.exists():
            raise taken(target.name)
        about = about_bytes(file.parameters, precision)
        self._folder.check_space(about)
        payload: dict[str, Json] = {"name": target.name, "path": str(path.absolute()), "precision": precision.value, "size_bytes": about}
        with self._unit_of_work() as work:
            try:
                key = transfer_key(self._server, "quantize", str(target))
                job = self._jobs.add(work, QUANTIZE, payload, owner=owner, key=key, server=self._server)
            except Conflict as problem:
                raise Conflict("{name} is being made already.", name=target.name) from problem
            record(work, self._clock(), owner.id if owner else None, "model.quantize", target.name, source=path.name)
            work.commit()
        self._jobs.wake()
        return job

    def made(self, user: User, path: Path) -> Job | None:
        """Return the job that made this file; None once the job is deleted."""
        require(user, Permission.RUN_MODELS)
        return next((job for job in self._done() if job.result.get("path") == str(path)), None)

    def recent(self, user: User) -> Sequence[Job]:
        """List the jobs that finished within RECENT, newest first."""
        require(user, Permission.RUN_MODELS)
        since = self._clock() - RECENT
        return [job for job in self._done() if job.ended_at is not None and job.ended_at > since]

    def _done(self) -> Sequence[Job]:
        with self._unit_of_work() as work:
            return work.jobs.find(JobFilter(kinds=(QUANTIZE,), states=(JobState.DONE,), server=self._server), MAX_KNOWN)

    def _target(self, path: Path, precision: Precision) -> Path:
        beside = path.absolute().parent
        group = beside.name if beside.parent == self._folder.path.absolute() else ""
        return self._folder.target(group, quantized_name(path.name, precision))

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        path, precision = Path(str(job.payload["path"])), Precision(str(job.payload["precision"]))
        self._quantizer.check(path)
        target, staging = self._target(path, precision), staging_name(job)
        if target.exists():
            raise taken(target.name)
        self._folder.discard(staging)
        with self._folder.hold(staging, report.check):
            size = self._quantizer.size(path, precision, report.check)
            self._folder.check_space(size)
            unfinished = self._folder.staging(staging) / target.name
            try:
                self._quantizer.quantize(path, unfinished, precision, lambda done: _report(report, "quantize", target.name, done, size))
                size = unfinished.stat().st_size
                sha256 = digest(unfinished, lambda done: _report(report, "verify", target.name, done / max(1, size), size))
                self._folder.install(unfinished, target)
            finally:
                self._folder.discard(staging)
        record_alone(self._unit_of_work, self._clock(), job.owner_id, "model.quantized", target.name, source=path.name, sha256=sha256)
        return {"path": str(target), "size_bytes": size, "sha256": {target.name: sha256}, "source": str(path)}


def _report(report: Report, step: str, file: str, done: float, size: int) -> None:
    progress = _WRITTEN * done if step == "quantize" else _WRITTEN + (1 - _WRITTEN) * done
    report(progress, step=step, file=file, done_bytes=round(progress * size), total_bytes=size, bytes_per_second=0)
