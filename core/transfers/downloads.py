"""Download models from hubs: list the models of a repository, and download them in jobs that survive a restart."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from core.clock import Clock
from core.errors import Conflict, InvalidInput, Unavailable
from core.models.catalogue import CatalogueEntry, Hub, Quantization, RemoteFile, RemoteModel, Repository
from core.models.memory_records import MemoryPlan
from core.models.ports import KnownModels, ModelHub
from core.models.records import ModelKind
from core.people.audit_events import record, record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import ACTIVE, Job, JobFilter, JobState, Json
from core.transfers.model_folder import ModelFolder, verify
from core.transfers.remote_models import choose, models_of
from core.transfers.transfer_progress import TransferProgress
from core.unit_of_work import UnitOfWorkFactory

DOWNLOAD, IMPORT, QUANTIZE = "model.download", "model.import", "model.quantize"
KINDS = (DOWNLOAD, IMPORT, QUANTIZE)
OFFLINE = "The portal works offline (PORTAL_OFFLINE), so nothing can be downloaded. Import a file from the server, or upload one."
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_TRIES = 6
"""Tries of a download whose connection fails, with growing waits in between. Each try also resumes after interruptions."""
MAX_LISTED = 100
QUICK_PARAMETERS = 10_000_000_000
"""Active parameters above which a model is slow without a GPU."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A quantization from the catalogue, and its memory plan for this machine."""

    quantization: Quantization
    plan: MemoryPlan


class Downloads:
    """Manages downloads to this server's models folder. All people who may run models see and control all of them."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        jobs: Jobs,
        known: KnownModels,
        hub: ModelHub,
        folder: ModelFolder,
        clock: Clock,
        server: str,
        *,
        offline: bool = False,
    ) -> None:
        """offline: never contact a hub."""
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self.hub_catalogue = known
        self._hub = hub
        self._folder = folder
        self._clock = clock
        self.server = server
        self.offline = offline

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(DOWNLOAD, self._run, most_tries=_TRIES, resumable=True, at_once=2)]

    def catalogue(self, user: User) -> Sequence[CatalogueEntry]:
        require(user, Permission.RUN_MODELS)
        return self.known()

    def known(self) -> Sequence[CatalogueEntry]:
        """Return the catalogue without checking rights."""
        return self.hub_catalogue.entries()

    def offers(self, user: User, entry: CatalogueEntry) -> Sequence[Offer]:
        """Return each quantization with its memory plan for this machine, smallest first."""
        require(user, Permission.RUN_MODELS)
        return self.plans(entry)

    def plans(self, entry: CatalogueEntry) -> Sequence[Offer]:
        """Return the same as offers(), without checking rights."""
        sizes = sorted(entry.quantizations, key=lambda each: each.size_bytes)
        return [Offer(each, self.hub_catalogue.plan(entry, each)) for each in sizes]

    def models(self, user: User, repository: Repository) -> Sequence[RemoteModel]:
        """List the models of a repository. Raises as ModelHub.files does, and Unavailable if the portal works offline."""
        require(user, Permission.RUN_MODELS)
        return models_of(self._hub.files(self._checked(repository), lambda: None))

    def get(self, user: User, name: str, quantization: str | None = None, hub: Hub = Hub.HUGGING_FACE) -> Job:
        """Start downloading a model of the catalogue. Raises NotFound, Conflict (already running), Unavailable (offline)."""
        require(user, Permission.RUN_MODELS)
        return self.order(user, name, quantization, hub)

    def order(self, owner: User | None, name: str, quantization: str | None = None, hub: Hub = Hub.HUGGING_FACE) -> Job:
        """Do the same as get(), without checking rights. owner: None for the command line."""
        entry = self.hub_catalogue.entry(name)
        wanted = entry.quantization(quantization) if quantization else preferred(entry)
        repository = next((each for each in entry.repositories if each.hub is hub), None)
        if repository is None:
            raise InvalidInput("{model} is not listed on {hub}. Choose another hub.", model=entry.title, hub=hub.value)
        title = f"{entry.title} {wanted.name}"
        return self._start(owner, repository, wanted.name, title, projector=entry.projector, size=wanted.size_bytes)

    def get_file(self, user: User, repository: Repository, name: str) -> Job:
        """Start downloading a model of any repository. name: a model or file that models() lists. Raises as get() does."""
        require(user, Permission.RUN_MODELS)
        return self.order_file(user, repository, name)

    def order_file(self, owner: User | None, repository: Repository, name: str) -> Job:
        """Do the same as get_file(), without checking rights. owner: None for the command line."""
        return self._start(owner, self._checked(repository), name, name, projector=True, size=0)

    def transfers(self, user: User) -> Sequence[Job]:
        """List the unfinished and failed downloads, imports and quantizations of this server, newest first."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.jobs.find(JobFilter(kinds=KINDS, states=(*ACTIVE, JobState.FAILED), server=self.server), MAX_LISTED)

    def active(self, name: str) -> Job | None:
        """Return the waiting, running or paused download of a model or repository, without checking rights; else None."""
        named = {name.lower(), *(entry.title.lower() for entry in self.hub_catalogue.entries() if entry.id == name.lower())}
        with self._unit_of_work() as work:
            found = work.jobs.find(JobFilter(kinds=(DOWNLOAD,), states=ACTIVE, server=self.server), MAX_LISTED)
        return next((job for job in found if _is_named(job, named)), None)

    def disk_free(self, user: User) -> int | None:
        """Return the free bytes of the models folder's disk; None if unknown."""
        require(user, Permission.RUN_MODELS)
        return self._folder.free

    def pause(self, user: User, job_id: str) -> Job:
        require(user, Permission.RUN_MODELS)
        return self._jobs.pause(user, job_id)

    def resume(self, user: User, job_id: str) -> Job:
        require(user, Permission.RUN_MODELS)
        return self._jobs.resume(user, job_id)

    def retry(self, user: User, job_id: str) -> Job:
        require(user, Permission.RUN_MODELS)
        return self._jobs.retry(user, job_id)

    def cancel(self, user: User, job_id: str) -> Job:
        """Stop a download and delete its incomplete files."""
        require(user, Permission.RUN_MODELS)
        job = self._jobs.cancel(user, job_id)
        self._sweep()
        return job

    def dismiss(self, user: User, job_id: str) -> None:
        """Dismiss a failed download and delete its incomplete files."""
        require(user, Permission.RUN_MODELS)
        self._jobs.dismiss(user, job_id)
        self._sweep()

    def _checked(self, repository: Repository) -> Repository:
        if self.offline:
            raise Unavailable(OFFLINE)
        if not _REPOSITORY.fullmatch(repository.name) or ".." in repository.name:
            raise InvalidInput("A repository is named owner/name, for example unsloth/GLM-4-9B-0414-GGUF.")
        return repository

    def _start(self, owner: User | None, repository: Repository, wanted: str, title: str, *, projector: bool, size: int) -> Job:
        self._checked(repository)
        payload: dict[str, Json] = {
            "name": title, "hub": repository.hub.value, "repository": repository.name, "wanted": wanted, "projector": projector,
            "size_bytes": size,
        }  # fmt: skip
        key = transfer_key(self.server, repository.hub.value, repository.name, wanted)
        with self._unit_of_work() as work:
            try:
                job = self._jobs.add(work, DOWNLOAD, payload, owner=owner, key=key, server=self.server)
            except Conflict as problem:
                raise Conflict("{name} is being downloaded already.", name=title) from problem
            details = {"repository": repository.name, "hub": repository.hub.value}
            record(work, self._clock(), owner.id if owner else None, "model.download", title, **details)
            work.commit()
        self._jobs.wake()
        return job

    def _sweep(self) -> None:
        """Delete the incomplete files of cancelled downloads. Paused and failed downloads keep theirs, since they can resume."""
        self._folder.sweep({staging_name(job) for job in self._kept()})

    def _kept(self) -> Sequence[Job]:
        with self._unit_of_work() as work:
            return work.jobs.find(JobFilter(kinds=KINDS, states=(*ACTIVE, JobState.FAILED), server=self.server), 10 * MAX_LISTED)

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        if self.offline:
            raise InvalidInput(OFFLINE)
        self._sweep()
        with self._folder.hold(staging_name(job), report.check):
            try:
                return self._download(job, report)
            finally:
                self._discard_if_cancelled(job)

    def _discard_if_cancelled(self, job: Job) -> None:
        with self._unit_of_work() as work:
            now = work.jobs.get(job.id)
        if now is None or now.cancel_requested:
            self._folder.discard(staging_name(job))

    def _download(self, job: Job, report: Report) -> Mapping[str, Json]:
        repository = Repository(Hub(str(job.payload["hub"])), str(job.payload["repository"]))
        listing = self._hub.files(repository, report.check)
        model = choose(listing, str(job.payload["wanted"]), projector=bool(job.payload["projector"]), repository=repository.name)
        staging = staging_name(job)
        group = repository.name.partition("/")[2]
        tracker = TransferProgress(report, model.size_bytes)
        missing: list[RemoteFile] = []
        for file in model.files:
            target = self._folder.target(group, _base(file))
            if self._folder.has(target, file.size_bytes, file.sha256, tracker.step("verify", _base(file))):
                tracker.before += file.size_bytes
            else:
                missing.append(file)
        needed = sum(file.size_bytes for file in missing)
        self._folder.check_space(max(0, needed - self._folder.staged_bytes(staging)))
        for file in missing:
            name = _base(file)
            folder = self._folder.staging(staging)
            path = self._hub.download(repository, listing.revision, file, folder, tracker.step("download", name))
            tracker.before += file.size_bytes
            verify(path, file.size_bytes, file.sha256, tracker.step("verify", name))
            self._folder.install(path, self._folder.target(group, name))
        self._folder.discard(staging)
        target = self._folder.target(group, _base(model.files[0]))
        record_alone(self._unit_of_work, self._clock(), job.owner_id, "model.downloaded", str(job.payload["name"]), file=target.name)
        return {
            "path": str(target), "size_bytes": model.size_bytes, "revision": listing.revision,
            "verified": all(file.sha256 is not None for file in model.files),
        }  # fmt: skip


def preferred(entry: CatalogueEntry) -> Quantization:
    """Return the default quantization: Q4_K_M, else the smallest."""
    smallest = min(entry.quantizations, key=lambda each: each.size_bytes)
    return next((each for each in entry.quantizations if each.name == "Q4_K_M"), smallest)


def best_offer(offers: Sequence[Offer]) -> Offer | None:
    """Return the largest offer that fits with four chats of 4,096 tokens; else the largest that fits at all; else None."""
    fitting = [each for each in offers if each.plan.fits]
    roomy = [each for each in fitting if each.plan.slots >= 4 and each.plan.context >= 4096]
    return next(reversed(roomy or fitting), None)


def recommended(offers: Mapping[str, Sequence[Offer]], entries: Sequence[CatalogueEntry]) -> str | None:
    """Return the id of the chat model to suggest for this machine: the largest that fits with four chats, in at least 4 bits.

    Without a GPU, it must also be fast enough on the processor. offers: offers by the id of the catalogue entry.
    """
    found = None
    for entry in sorted(entries, key=lambda each: each.parameters):
        best = best_offer(offers[entry.id])
        if entry.kind is not ModelKind.CHAT or best is None or best.plan.slots < 4 or entry.projector:
            continue
        if best.plan.gpus or entry.active_parameters <= QUICK_PARAMETERS:
            found = entry.id
    return found


def staging_name(job: Job) -> str:
    """Return the name of the folder for a job's incomplete files. A repeated download finds the files of an earlier one."""
    return sha256((job.key or job.id).encode()).hexdigest()[:20]


def transfer_key(server: str, *parts: str) -> str:
    """Return the key that keeps the same transfer from running twice on a server."""
    return "model@" + sha256("\n".join((server, *parts)).encode()).hexdigest()[:40]


def _is_named(job: Job, names: Collection[str]) -> bool:
    title, repository = str(job.payload["name"]).lower(), str(job.payload["repository"]).lower()
    return repository in names or title in names or title.rpartition(" ")[0] in names


def _base(file: RemoteFile) -> str:
    return file.name.rpartition("/")[2]
