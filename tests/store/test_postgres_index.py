"""What is special about the index in PostgreSQL; what all share is tested in test_store_search.py."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text

from core.search.records import SearchQuery
from data.backup.restore import is_empty
from data.database import Database, open_database
from data.index.worker import IndexWorker
from data.search.port import Document
from data.search.postgresql import index as postgres_index
from data.search.postgresql.index import PostgresIndex
from data.search.postgresql.queries import INDEXED
from samples.servers.postgresql import PostgresServer
from tests.store.things import put_exchange, put_user

BOND = SearchQuery("bond", "message", "ana")


@pytest.fixture
def place(postgres_server: PostgresServer) -> Iterator[Database]:
    url = postgres_server.new_database()
    opened = open_database(url)
    yield opened
    opened.close()
    postgres_server.drop_database(url)


def test_a_search_before_everything_else_finds_nothing_and_fails_nowhere(place: Database) -> None:
    assert PostgresIndex(place).search(BOND) == []


def test_many_replicas_may_prepare_at_once(place: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: PostgresIndex(place).prepare(), range(6))) == [None] * 6


def test_replicas_that_write_the_same_many_documents_lose_none_and_wait_for_none(place: Database) -> None:
    """So many that each writes them over two connections."""
    indexes = [PostgresIndex(place), PostgresIndex(place)]
    documents = [Document("message", f"m{number}", number, f"bond {number}", "ana", "c1") for number in range(2 * postgres_index.MANY + 1)]
    indexes[0].prepare()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda index: index.put(documents), indexes)) == [{}, {}]
    assert set(indexes[0].ids("message")) == {document.id for document in documents}


def test_a_replica_follows_when_another_one_completes_a_rebuild(place: Database) -> None:
    one, other = PostgresIndex(place), PostgresIndex(place)
    one.prepare()
    one.put([Document("message", "m1", 1, "bond", "ana", "c1")])
    one.complete()
    assert [hit.id for hit in other.search(BOND)] == ["m1"]
    one.rebuild()
    other.put([Document("message", "m2", 2, "bond", "ana", "c1")])
    one.complete()
    assert [hit.id for hit in other.search(BOND)] == ["m2"]


def test_a_new_version_is_built_beside_the_old_one(place: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    index = PostgresIndex(place)
    index.prepare()
    index.put([Document("message", "m1", 1, "bond", "ana", "c1")])
    index.complete()
    monkeypatch.setattr(postgres_index, "SCHEMA_VERSION", postgres_index.SCHEMA_VERSION + 1)
    index.prepare()
    assert index.is_building()
    assert index.is_empty()
    assert [hit.id for hit in index.search(BOND)] == ["m1"]


def test_a_text_longer_than_postgresql_can_index_is_found_by_its_beginning(place: Database) -> None:
    index = PostgresIndex(place)
    index.prepare()
    long = "bond " + " ".join(f"word{n}" for n in range(INDEXED))
    assert index.put([Document("message", "m1", 1, long, "ana", "c1")]) == {}
    assert [hit.id for hit in index.search(BOND)] == ["m1"]


def test_the_store_beside_it_stays_as_it_is(postgres_server: PostgresServer, place: Database) -> None:
    index = PostgresIndex(place)
    index.prepare()
    assert is_empty(place)
    index.remove()
    with place.connect() as connection:
        assert "portal_search" not in inspect(connection).get_schema_names()
        assert connection.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_the_worker_fills_it(database: Database) -> None:
    index = PostgresIndex(database)
    ana = put_user(database)
    put_exchange(database, ana)
    assert IndexWorker(database, index).drain(10)
    assert not index.is_building()
    assert [hit.kind for hit in index.search(SearchQuery("loan", "message", ana.id))] == ["message"]
