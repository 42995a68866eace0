"""Collections on a real store, with jobs that run when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core.documents.collections import Collections
from core.documents.documents import Documents
from core.documents.finding import Finder
from core.documents.meaning import Meaning
from core.documents.reading import DocumentReading
from core.documents.records import Document
from core.inference.gateway import Gateway
from core.knowledge.file_texts import FileTexts
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.tasks.handlers import Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState
from core.unit_of_work import UnitOfWorkFactory
from data.passages.index import NumpyPassageIndex
from samples.fakes import FakeReader, FakeRouter
from tests.unit.core.conftest import SERVER, MovingClock


@dataclass
class Library:
    """The services of collections, and a worker for their jobs."""

    collections: Collections
    documents: Documents
    finder: Finder
    meaning: Meaning
    read: Callable[[], None]
    """Runs all jobs that wait."""

    def put(self, user: User, collection_id: str, name: str, text: str) -> Document:
        document = self.documents.add(user, collection_id, name, text.encode())
        self.read()
        return self.documents.get(user, document.id)


@pytest.fixture
def library(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, router: FakeRouter) -> Library:
    index = NumpyPassageIndex()
    meaning = Meaning(unit_of_work, Gateway(unit_of_work, router, clock), index, jobs)
    reading = DocumentReading(unit_of_work, FileTexts(FakeReader()), index, clock)
    kinds = {each.name: each for each in (*reading.job_kinds(), *meaning.job_kinds())}

    def read() -> None:
        while (job := claimed()) is not None:
            kinds[job.kind].run(job, Report(threading.Event()))
            with unit_of_work() as work:
                work.jobs.end(job.id, "test", JobState.DONE, clock(), {}, None)
                work.commit()

    def claimed() -> Job | None:
        with unit_of_work() as work:
            job = work.jobs.claim("test", SERVER, list(kinds), clock(), clock() + timedelta(hours=1))
            work.commit()
        return job

    return Library(
        collections=Collections(unit_of_work, clock), documents=Documents(unit_of_work, jobs, clock, max_bytes=1_000_000),
        finder=Finder(unit_of_work, index, index, meaning), meaning=meaning, read=read,
    )  # fmt: skip


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.add(None, "bob", Role.ANALYST, password="correct horse", full_name="Bob", group="Risk")


@pytest.fixture
def eve(accounts: Accounts) -> User:
    return accounts.add(None, "eve", Role.ANALYST, password="correct horse", group="Sales")
