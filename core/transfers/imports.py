"""Copy GGUF files from a folder of the server into the models folder, as jobs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError
from core.file_sizes import size_of
from core.models.catalogue import Listing, RemoteFile, RemoteModel
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.transfers.downloads import IMPORT, staging_name, transfer_key
from core.transfers.model_folder import ModelFolder, taken
from core.transfers.remote_models import check_name, models_of
from core.transfers.transfer_progress import TransferProgress
from core.unit_of_work import UnitOfWorkFactory

MAX_FILES = 500
_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A model in a folder of the server. error: why it cannot be imported, else None."""

    model: RemoteModel
    error: StoredError | None = None


class Imports:
    """Copies models from folders of the server."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: ModelFolder, clock: Clock, server: str) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._folder = folder
        self._clock = clock
        self._server = server

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(IMPORT, self._run, resumable=True, at_once=1)]

    def models(self, user: User, folder: Path) -> Sequence[Found]:
        """List the models in a folder of the server, or the model at a file path. Raises NotFound, InvalidInput."""
        require(user, Permission.RUN_MODELS)
        if not folder.is_absolute():
            raise InvalidInput("Enter a path that begins with a slash, for example /data/models.")
        if folder.is_file():
            wanted = folder.name
            return [each for each in self._listed(folder.parent) if any(wanted == file.name for file in each.model.files)]
        return self._listed(folder)

    def start(self, user: User, folder: Path, name: str) -> Job:
        """Start copying a model that models() lists. Raises NotFound, InvalidInput, Conflict (already being copied)."""
        found = next((each for each in self.models(user, folder) if each.model.name == name), None)
        if found is None:
            raise NotFound("{folder} has no model {name}.", folder=folder, name=name)
        if found.error is not None:
            raise InvalidInput(found.error.template, **found.error.params)
        source = folder if folder.is_dir() else folder.parent
        payload: dict[str, Json] = {"name": name, "folder": str(source), "size_bytes": found.model.size_bytes}
        with self._unit_of_work() as work:
            try:
                key = transfer_key(self._server, str(source), name)
                job = self._jobs.add(work, IMPORT, payload, owner=user, key=key, server=self._server)
            except Conflict as problem:
                raise Conflict("{name} is being imported already.", name=name) from problem
            record(work, self._clock(), user.id, "model.import", name, folder=str(source))
            work.commit()
        self._jobs.wake()
        return job

    def _listed(self, folder: Path) -> list[Found]:
        try:
            entries = sorted(path for path in folder.iterdir() if path.name.lower().endswith(".gguf"))[:MAX_FILES]
        except FileNotFoundError as problem:
            raise NotFound("There is no folder {folder} on the server.", folder=folder) from problem
        except OSError as problem:
            raise InvalidInput("{folder} cannot be read: {reason}.", folder=folder, reason=problem.strerror or problem) from problem
        sizes = tuple(RemoteFile(path.name, size_of(path), None) for path in entries)
        return [Found(model, self._complaint(folder, model)) for model in models_of(Listing("", sizes))]

    def _complaint(self, folder: Path, model: RemoteModel) -> StoredError | None:
        try:
            for file in model.files:
                path = folder / file.name
                check_name(file.name)
                if not path.resolve().is_relative_to(folder.resolve()):
                    raise InvalidInput("{file} is a link that leads out of its folder. Import the file that it leads to.", file=file.name)
                if not path.is_file():
                    raise InvalidInput("{file} is a broken link, or not a file.", file=file.name)
                if path.resolve().is_relative_to(self._folder.path.resolve()):
                    raise InvalidInput("{file} is in the models folder already.", file=file.name)
        except PortalError as problem:
            return StoredError.of(problem)
        return None

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        folder, name = Path(str(job.payload["folder"])), str(job.payload["name"])
        found = next((each for each in self._listed(folder) if each.model.name == name), None)
        if found is None or found.error is not None:
            raise InvalidInput("{name} is no longer in {folder}, or cannot be read. Check the folder.", name=name, folder=folder)
        staging = staging_name(job)
        self._folder.discard(staging)
        for file in found.model.files:
            if self._folder.target("", file.name).exists():
                raise taken(file.name)
        self._folder.check_space(found.model.size_bytes)
        tracker = TransferProgress(report, found.model.size_bytes)
        hashes: dict[str, Json] = {}
        try:
            for file in found.model.files:
                copy = self._folder.staging(staging) / file.name
                hashes[file.name] = _copy(folder / file.name, copy, tracker.step("copy", file.name))
                self._folder.install(copy, self._folder.target("", file.name))
                tracker.before += file.size_bytes
        finally:
            self._folder.discard(staging)
        first = self._folder.target("", found.model.files[0].name)
        return {"path": str(first), "size_bytes": found.model.size_bytes, "sha256": hashes}


def _copy(source: Path, target: Path, progress: Callable[[int], None]) -> str:
    """Copy a file and return its SHA-256. Raises Conflict if the file changes during the copy or the disk becomes full."""
    known = hashlib.sha256()
    copied = 0
    before = source.stat()
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            while block := reading.read(_BLOCK):
                writing.write(block)
                known.update(block)
                copied += len(block)
                progress(copied)
    except OSError as problem:
        raise Conflict("{file} could not be copied: {reason}.", file=source.name, reason=problem.strerror or str(problem)) from problem
    after = source.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or copied != after.st_size:
        raise Conflict("{file} changed while it was copied. Wait until it is complete, then import it again.", file=source.name)
    return known.hexdigest()
