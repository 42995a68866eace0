"""Limits that two servers count together in a real Redis, and in the database while Redis is unavailable."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from bootstrap.portal import build_portal
from core.access.limits import LimitReached, Limits
from core.access.records import LEASE, AtLimit, Holder, LimitRule, Measure, Period
from core.people.accounts import Accounts
from core.people.records import Role, User
from data.database import Database, open_database
from data.limits.redis_counters import RETRY_S, RedisCounters
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import FakePool, FakeRouter
from samples.servers.redis_server import RedisServer, redis_server
from settings import Settings
from tests.migrated import migrated_sqlite
from tests.unit.api.conftest import PASSWORD, PlainHasher, Server


class Moving:
    """A clock of the portal, and one of seconds."""

    def __init__(self) -> None:
        self.passed = 1.0

    def __call__(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.passed)

    def seconds(self) -> float:
        return self.passed


class TwoServers:
    """Two servers with connections of their own to one database and one Redis."""

    def __init__(self, path: Path, url: str) -> None:
        self.clock = Moving()
        self.databases = [migrated_sqlite(path / "portal.db"), open_database(f"sqlite:///{path / 'portal.db'}")]
        for database in self.databases:
            database.limit_counters = RedisCounters(url, self.clock.seconds)
        self.one, self.other = (self._limits(each) for each in self.databases)
        accounts = Accounts(lambda: SqlUnitOfWork(self.databases[0]), Argon2Hasher(1, 8), self.clock)
        self.admin = accounts.add(None, "root", Role.ADMIN, password=PASSWORD)
        self.ann = accounts.add(None, "ann", Role.ANALYST, password=PASSWORD)

    def _limits(self, database: Database) -> Limits:
        return Limits(lambda: SqlUnitOfWork(database), self.clock)

    def put(self, amount: int, measure: Measure = Measure.REQUESTS, period: Period = Period.DAY) -> LimitRule:
        rule = LimitRule(id=uuid4().hex, holder=Holder.EVERYONE, measure=measure, period=period, amount=amount, at_limit=AtLimit.REFUSE)
        return self.one.put(self.admin, rule)

    def in_database(self) -> list[tuple[str, int]]:
        with self.databases[0].engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql("SELECT key, count FROM limit_counters")]  # type: ignore[misc]

    def close(self) -> None:
        for database in self.databases:
            database.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def two(tmp_path: Path, server: RedisServer) -> Iterator[TwoServers]:
    made = TwoServers(tmp_path, server.url)
    yield made
    made.close()


def admitted(limits: Limits, user: User) -> bool:
    try:
        limits.admit(user, None)
    except LimitReached:
        return False
    return True


def test_two_servers_together_never_exceed_a_limit(two: TwoServers) -> None:
    two.put(30)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: admitted((two.one, two.other)[number % 2], two.ann), range(60)))
    assert found.count(True) == 30
    assert two.in_database() == [], "Redis counts, not the database"
    assert [each.used for each in two.other.states(two.ann)] == [30]


def test_tokens_of_one_server_count_on_the_other(two: TwoServers) -> None:
    two.put(100, Measure.TOKENS)
    two.one.ended(two.ann, two.one.admit(two.ann, None), 100)
    assert not admitted(two.other, two.ann)
    two.clock.passed += 86_400
    assert admitted(two.other, two.ann)


def test_two_servers_together_run_no_more_answers_and_a_crashed_one_stops_counting(two: TwoServers) -> None:
    two.put(2, Measure.CONCURRENT, Period.NOW)
    first, _ = two.one.admit(two.ann, None), two.other.admit(two.ann, None)
    assert not admitted(two.one, two.ann) and not admitted(two.other, two.ann)
    two.other.ended(two.ann, first, 0)
    assert admitted(two.other, two.ann)
    two.clock.passed += LEASE.total_seconds() / 2
    two.one.alive(first)
    assert not admitted(two.one, two.ann), "an answer that ended is not kept alive"
    two.clock.passed += LEASE.total_seconds()
    assert admitted(two.one, two.ann)


def test_a_refused_request_counts_nothing(two: TwoServers) -> None:
    two.put(9)
    two.put(1, period=Period.MINUTE)
    assert [admitted(two.one, two.ann) for _ in range(3)] == [True, False, False]
    assert sorted(each.used for each in two.one.states(two.ann)) == [1, 1]


@pytest.mark.parametrize("how", ["killed", "hangs"])
def test_while_redis_is_away_the_database_counts(two: TwoServers, server: RedisServer, how: str) -> None:
    two.put(2)
    two.put(2, Measure.CONCURRENT, Period.NOW)
    kept = two.one.admit(two.ann, None)
    server.kill() if how == "killed" else server.pause()
    try:
        assert [admitted(two.one, two.ann) for _ in range(3)] == [True, True, False], "not refused for it, and not without limits"
        assert two.in_database() != []
        two.one.ended(two.ann, kept, 5)
    finally:
        server.start() if how == "killed" else server.go_on()
    two.clock.passed += RETRY_S
    assert [each.used for each in two.one.states(two.ann) if each.rule.measure is Measure.REQUESTS] == [0 if how == "killed" else 1]


def test_over_rest(tmp_path: Path, server: RedisServer) -> None:
    settings = Settings(home=tmp_path, model_titles=False, redis_url=server.url)
    portal = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    rest = Server()
    rest.portal = portal
    portal.accounts.add(None, "ann", Role.ADMIN, password=PASSWORD)
    with httpx.Client(base_url=rest.address, timeout=60) as ann:
        token = ann.post("/api/v1/session", json={"username": "ann", "password": PASSWORD}).json()["token"]
        ann.headers["Authorization"] = f"Bearer {token}"
        rule = {"holder": "everyone", "measure": "requests", "period": "month", "amount": 1}
        assert ann.put("/api/v1/limits", json=rule).status_code == 200
        asked = [ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]}) for _ in range(2)]
        assert [each.status_code for each in asked] == [200, 429]
        assert "r=0" in asked[1].headers["RateLimit"] and int(asked[1].headers["Retry-After"]) > 0
    rest.close()
    portal.close()
