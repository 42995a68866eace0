"""Core on a real store (SQLite in a temporary folder): tests control only clock and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.chat.conversations import Conversations
from core.chat.turns import Turns
from core.clock import Clock
from core.inference.gateway import Gateway
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.people.signing_in.sign_in import SignIn, open_pool
from core.privacy.filter import PrivacyFilter
from core.review.feedback import FeedbackQueue
from core.review.names import ReviewNames
from core.search.ports import SearchIndex
from core.search.records import SearchHit, SearchQuery
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import FakeRouter
from tests.migrated import migrated_sqlite


class MovingClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


def review_names(unit_of_work: UnitOfWorkFactory, clock: Clock, *, hidden: bool = False) -> ReviewNames:
    return ReviewNames(unit_of_work, PrivacyFilter(unit_of_work, clock), clock, hidden=hidden)


def feedback_queue(unit_of_work: UnitOfWorkFactory, index: SearchIndex, clock: Clock, names: ReviewNames | None = None) -> FeedbackQueue:
    """Return a queue that shows names, if no others are given."""
    return FeedbackQueue(unit_of_work, index, clock, PrivacyFilter(unit_of_work, clock), names or review_names(unit_of_work, clock))


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def unit_of_work(tmp_path: Path) -> Iterator[UnitOfWorkFactory]:
    database = migrated_sqlite(tmp_path / "portal.db")
    yield lambda: SqlUnitOfWork(database)
    database.close()


SERVER = "here:/home"


@pytest.fixture
def jobs(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Jobs:
    return Jobs(unit_of_work, clock)


@pytest.fixture
def working(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock) -> Iterator[Callable[[Sequence[JobKind]], JobWorker]]:
    """Start a worker for some kinds of jobs; it is closed after the test."""
    started: list[JobWorker] = []

    def start(kinds: Sequence[JobKind]) -> JobWorker:
        worker = JobWorker(unit_of_work, kinds, clock, SERVER, jobs.woken, alone=True)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
def accounts(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Accounts:
    return Accounts(unit_of_work, Argon2Hasher(1, 8), clock)


@pytest.fixture
def sign_in(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Iterator[SignIn]:
    pool = open_pool(2)
    yield SignIn(unit_of_work, Argon2Hasher(1, 8), clock, pool)
    pool.close()


@pytest.fixture
def admin(accounts: Accounts) -> User:
    return accounts.add(None, "root", Role.ADMIN, password="correct horse")


@pytest.fixture
def ana(accounts: Accounts) -> User:
    return accounts.add(None, "ana", Role.ANALYST, password="correct horse", full_name="Ana Costa", group="Risk")


class NoIndex:
    """Finds nothing."""

    engine = "none"

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return []


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[Turns]:
    service = Turns(unit_of_work, Gateway(unit_of_work, router, clock), clock, 32_000, 1_000_000)
    yield service
    service.close()


@pytest.fixture
def conversations(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Conversations:
    return Conversations(unit_of_work, NoIndex(), clock)
