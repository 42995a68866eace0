"""Open the services that bring model files to this server: downloads, imports, uploads and the quantizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import settings as portal_settings
from bootstrap.parts import now, prepare_home, server_name
from core.clock import Clock
from core.models.ports import ModelHub
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.tasks.worker import JobWorker
from core.transfers.downloads import Downloads
from core.transfers.imports import Imports
from core.transfers.model_folder import ModelFolder
from core.transfers.quantizing import Quantizing
from core.transfers.uploads import Uploads
from core.unit_of_work import UnitOfWorkFactory
from data.database import open_database
from data.encryption.sealing import use_keyring
from data.migrate import migrate
from data.unit_of_work import SqlUnitOfWork
from models.gguf.catalogue import Catalogue
from models.gguf.room import Room
from models.hub.client import HubClient
from models.quantizing.quantizer import LlamaQuantizer
from settings import Settings


@dataclass(frozen=True)
class Transfers:
    """Downloads and the quantizer for the command line."""

    downloads: Downloads
    quantizing: Quantizing
    unit_of_work: UnitOfWorkFactory
    worker: JobWorker
    """The worker of downloads, not started yet."""
    folder: Path
    """The models folder."""

    def job(self, job_id: str) -> Job | None:
        with self.unit_of_work() as work:
            return work.jobs.get(job_id)


def open_transfers(
    settings: Settings, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, server: str, hub: ModelHub | None = None,
    room: Callable[[], Room] | None = None,
) -> tuple[Downloads, Imports, Uploads, Quantizing]:
    """Connect all four to the models folder. hub: replaces the real hubs in tests. room: returns the memory that a load can take now."""
    folder = ModelFolder(settings.models_path, settings.disk_reserve_mb * 1024**2)
    downloads = Downloads(unit_of_work, jobs, Catalogue(room=room), hub or HubClient(), folder, clock, server, offline=settings.offline)
    imports, uploads = Imports(unit_of_work, jobs, folder, clock, server), Uploads(unit_of_work, folder, clock)
    return downloads, imports, uploads, Quantizing(unit_of_work, jobs, folder, LlamaQuantizer(), clock, server)


@contextmanager
def open_command(settings: Settings) -> Iterator[Transfers]:
    """Open the database and a worker for downloads, for the command line; works next to a running portal. Raises StartFailed."""
    prepare_home(settings)
    database = open_database(settings.database)
    try:
        migrate(database)
        use_keyring(database, portal_settings.master_key(settings))

        def unit_of_work() -> SqlUnitOfWork:
            return SqlUnitOfWork(database)

        jobs, server = Jobs(unit_of_work, now), server_name(settings)
        downloads, imports, _, quantizing = open_transfers(settings, unit_of_work, jobs, now, server)
        kinds = [*downloads.job_kinds(), *imports.job_kinds(), *quantizing.job_kinds()]
        worker = JobWorker(unit_of_work, kinds, now, server, jobs.woken, alone=False)
        try:
            yield Transfers(
                downloads=downloads, quantizing=quantizing, unit_of_work=unit_of_work, worker=worker, folder=settings.models_path
            )
        finally:
            worker.close()
    finally:
        database.close()
