"""Show admins what the database holds, and let them create and verify backups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, StoredError
from core.operations.disk import ENDLESS, DiskSpace
from core.operations.ports import BackupFolder, StoreInspector
from core.operations.records import BackupAction, BackupContents, BackupFile, BackupTask, StoreFacts
from core.people.audit_events import record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobFilter, JobState, Json
from core.unit_of_work import UnitOfWorkFactory

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.backup")
SHORTEST_PASSPHRASE = 8
_MAKE, _CHECK = "backup.make", "backup.check"


class Backups:
    """Creates or verifies one backup at a time on this server, as a job; `task` shows its progress.

    Restoring is a command: it needs an empty database that no portal uses.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        jobs: Jobs,
        inspector: StoreInspector,
        folder: BackupFolder,
        clock: Clock,
        server: str,
        passphrase: str | None = None,
        disk: DiskSpace = ENDLESS,
    ) -> None:
        """server: the server whose folder holds the backups. passphrase: encrypts backups, unless a person gives another one.

        disk: cancels a backup that would leave too little space.
        """
        self._disk = disk
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._inspector = inspector
        self._folder = folder
        self._clock = clock
        self._server = server
        self._passphrase = passphrase
        self._given: dict[str, str] = {}
        """Passphrases given by people, by job. They are held only in memory."""

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(_MAKE, self._make), JobKind(_CHECK, self._check)]

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def has_passphrase(self) -> bool:
        """Tell whether backups are encrypted even if no person gives a passphrase."""
        return self._passphrase is not None

    def facts(self, user: User) -> StoreFacts:
        """Count every row. This is slow: call it when a page opens, not when it polls. Raises Unavailable."""
        require(user, Permission.RUN_STORE)
        return self._inspector.facts()

    def backups(self, user: User) -> Sequence[BackupFile]:
        """List the backups, newest first."""
        require(user, Permission.RUN_STORE)
        return self._folder.all()

    def task(self, user: User) -> BackupTask | None:
        """Return the current or last creation or verification of a backup on this server."""
        require(user, Permission.RUN_STORE)
        job = self._latest()
        return None if job is None else _task(job)

    def make(self, user: User, passphrase: str | None = None) -> BackupTask:
        """Start a backup of the current state. The backup is listed once it has been read back and found intact.

        Raises InvalidInput for a passphrase that is too short, Conflict while another runs, Unavailable if the disk is almost full.
        """
        require(user, Permission.RUN_STORE)
        if passphrase and len(passphrase) < SHORTEST_PASSPHRASE:
            raise InvalidInput("A passphrase needs at least {n} characters.", n=SHORTEST_PASSPHRASE)
        self._disk.check()
        return self._begin(user, _MAKE, f"portal-{self._clock():%Y%m%d-%H%M%S}.backup", passphrase)

    def check(self, user: User, name: str, passphrase: str | None = None) -> BackupTask:
        """Start verifying a backup. `task().contents` then shows what a restore would contain.

        Raises NotFound, and Conflict while another runs.
        """
        require(user, Permission.RUN_STORE)
        self._find(name)
        return self._begin(user, _CHECK, name, passphrase)

    def download(self, user: User, name: str) -> Path:
        """Return the file to send to this admin, and record the download. Raises NotFound."""
        require(user, Permission.RUN_STORE)
        found = self._find(name)
        details = {"size_bytes": str(found.size_bytes), "encrypted": str(found.sealed).lower()}
        record_alone(self._unit_of_work, self._clock(), user.id, "backup.download", name, **details)
        return self._folder.path / name

    def remove(self, user: User, name: str) -> None:
        """Delete a backup. Raises NotFound, and Conflict while it is being verified."""
        require(user, Permission.RUN_STORE)
        self._find(name)
        job = self._latest()
        if job is not None and not job.ended and job.payload["name"] == name:
            raise Conflict("{name} is being verified. Wait until it finishes.", name=name)
        self._folder.remove(name)
        record_alone(self._unit_of_work, self._clock(), user.id, "backup.remove", name)

    def _find(self, name: str) -> BackupFile:
        """Return a backup by name. Raises NotFound, also for anything but the plain name of a backup in the folder."""
        if _NAME.fullmatch(name):
            for each in self._folder.all():
                if each.name == name:
                    return each
        raise NotFound("This backup does not exist.")

    def _latest(self) -> Job | None:
        return self._jobs.latest(JobFilter(kinds=(_MAKE, _CHECK), server=self._server))

    def _begin(self, user: User, kind: str, name: str, passphrase: str | None) -> BackupTask:
        payload: dict[str, Json] = {"name": name, "passphrase_given": bool(passphrase)}
        with self._unit_of_work() as work:
            try:
                job = self._jobs.add(work, kind, payload, owner=user, key=f"backup@{self._server}", server=self._server)
            except Conflict as problem:
                raise Conflict("Another backup is being created or verified. Wait until it finishes.") from problem
            if passphrase:
                self._given[job.id] = passphrase
            work.commit()
        self._jobs.wake()
        return _task(job)

    def _make(self, job: Job, report: Report) -> Mapping[str, Json]:
        name = str(job.payload["name"])

        def copied(share: float) -> None:
            self._disk.check()
            report(share)

        written = self._folder.write(name, self._key(job), copied)
        details = {"size_bytes": str(written.size_bytes), "encrypted": str(written.sealed).lower()}
        record_alone(self._unit_of_work, self._clock(), job.owner_id, "backup.make", name, **details)
        return {"size_bytes": written.size_bytes}

    def _check(self, job: Job, report: Report) -> Mapping[str, Json]:
        name = str(job.payload["name"])
        try:
            contents = self._folder.check(name, self._key(job), report)
        except InvalidInput as problem:
            record_alone(self._unit_of_work, self._clock(), job.owner_id, "backup.check", name, found=str(problem))
            raise
        record_alone(self._unit_of_work, self._clock(), job.owner_id, "backup.check", name, found="whole")
        return {"made_at": contents.made_at.isoformat(), "revision": contents.revision, "rows": dict(contents.rows)}

    def _key(self, job: Job) -> str | None:
        """Return the passphrase of a job. Raises InvalidInput if the given one is lost."""
        given = self._given.pop(job.id, None)
        if given is None and job.payload["passphrase_given"]:
            raise InvalidInput("The passphrase is lost when the portal stops. Start this again and enter it.")
        return given or self._passphrase


def _task(job: Job) -> BackupTask:
    found = job.result if job.kind == _CHECK and job.state is JobState.DONE else None
    return BackupTask(
        action=BackupAction(job.kind.partition(".")[2]),
        name=str(job.payload["name"]),
        progress=job.progress,
        ended=job.ended,
        error=job.error if job.state is not JobState.CANCELLED else StoredError("It was cancelled. Nothing was changed."),
        contents=_contents(found) if found else None,
    )


def _contents(result: Mapping[str, Any]) -> BackupContents:
    return BackupContents(datetime.fromisoformat(result["made_at"]), result["revision"], result["rows"])


def change_of(contents: BackupContents, facts: StoreFacts) -> Mapping[str, tuple[int, int]]:
    """Return the row counts of each table, in the backup and in the database, to show what a restore would change."""
    return {name: (contents.rows.get(name, 0), facts.rows.get(name, 0)) for name in {**facts.rows, **contents.rows}}
