"""Open the parts that all areas share: the database, the search index, background jobs and the server's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import settings as portal_settings
from bootstrap.limit_counters import open_limit_counters
from bootstrap.parts import disk_space, now, open_index, prepare_home, server_name
from core.clock import Clock
from core.operations.disk import DiskSpace
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.leadership import ALONE, Leadership
from core.unit_of_work import UnitOfWorkFactory
from data.database import Database, open_database
from data.encryption.key_watch import KeyWatch
from data.encryption.sealing import use_keyring
from data.index.worker import IndexWorker
from data.leadership import PostgresLeadership
from data.migrate import migrate
from data.search.port import WritableIndex
from data.unit_of_work import SqlUnitOfWork
from settings import Settings


class HasJobs(Protocol):
    """A service that runs background jobs."""

    def job_kinds(self) -> Sequence[JobKind]: ...


@dataclass(frozen=True, slots=True)
class Foundation:
    """The shared parts from which every area builds its services."""

    settings: Settings
    database: Database
    unit_of_work: UnitOfWorkFactory
    clock: Clock
    index: WritableIndex
    index_worker: IndexWorker
    jobs: Jobs
    server: str
    disk: DiskSpace
    postgres_leadership: PostgresLeadership | None
    """None if no other process uses the database."""
    key_watch: KeyWatch | None
    """None if encryption at rest is off."""
    job_kinds: list[JobKind] = field(default_factory=list)

    @property
    def leadership(self) -> Leadership:
        return self.postgres_leadership or ALONE

    def run_jobs_of(self, *services: HasJobs) -> None:
        """Register the job kinds of these services with the job worker."""
        for service in services:
            self.job_kinds.extend(service.job_kinds())


def open_foundation(settings: Settings) -> Foundation:
    """Open the database, migrated to this release, and the other shared parts. Raises StartFailed."""
    prepare_home(settings)
    database = open_database(settings.database)
    migrate(database)
    database.limit_counters = open_limit_counters(settings)
    leadership = None if database.is_sqlite else PostgresLeadership(database)
    keyring = use_keyring(database, portal_settings.master_key(settings))

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database)

    index = open_index(settings, database)
    return Foundation(
        settings=settings,
        database=database,
        unit_of_work=unit_of_work,
        clock=now,
        index=index,
        index_worker=IndexWorker(database, index),
        jobs=Jobs(unit_of_work, now),
        server=server_name(settings),
        disk=disk_space(settings),
        postgres_leadership=leadership,
        key_watch=KeyWatch(keyring) if keyring is not None else None,
    )
