"""Databases and search indexes of every kind, for all tests that need one."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from data.database import Database, open_database
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.port import WritableIndex
from data.search.postgresql.index import PostgresIndex
from data.search.sqlite.index import SqliteIndex
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.postgresql import PostgresServer
from tests import compiled_once as compiled_once
from tests.migrated import migrated_file, migrated_postgres
from tests.small_disk import small_disk as small_disk

gc.disable()  # Imports make a million objects that stay; pytest_collection_finish enables it.


def pytest_collection_finish() -> None:
    """Collect garbage seldom, and let no test of hypothesis fail because the machine is slow.

    Collecting took a fifth of the REST tests' time: each collection also went through what was imported, which never becomes garbage.
    In CI each run has the same examples of hypothesis: a failure is the change's own.
    """
    gc.freeze()
    gc.set_threshold(50_000, 5, 5)
    gc.enable()
    if "hypothesis" in sys.modules:  # Importing it takes a while, and most parts have no such test.
        from hypothesis import settings

        settings.register_profile("tests", deadline=None, derandomize="CI" in os.environ)
        settings.load_profile("tests")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def elasticsearch_node() -> Iterator[ElasticsearchNode]:
    node = ElasticsearchNode()
    node.start()
    yield node
    node.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'portal.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a migrated database without rows."""
    if request.param == "sqlite":
        yield f"sqlite:///{migrated_file(tmp_path / 'portal.db')}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = migrated_postgres(server)
    yield url
    server.drop_database(url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """Yield a migrated database."""
    opened = open_database(migrated_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "elasticsearch"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WritableIndex]:
    """Yield a search index that the tests of a session share, each with ids of its own: making indices is what takes time."""
    opened = _open_index(request, tmp_path_factory.mktemp("index") / "search.db")
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql", "elasticsearch"])
def new_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WritableIndex]:
    """Yield a search index that does not exist yet."""
    opened = _open_index(request, tmp_path / "search.db")
    yield opened
    opened.close()


def _open_index(request: pytest.FixtureRequest, path: Path) -> WritableIndex:
    if request.param == "sqlite":
        return SqliteIndex(path)
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = open_database(server.new_database())
        request.addfinalizer(database.close)
        return PostgresIndex(database)
    node: ElasticsearchNode = request.getfixturevalue("elasticsearch_node")
    return ElasticsearchIndex(node.url, prefix=f"test-{uuid4().hex[:12]}")
