"""Stores and indexes of every kind for the functional tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.database import Database, open_database
from data.migrate import migrate
from data.search.elasticsearch_index import ElasticsearchIndex
from data.search.port import WritableIndex
from data.search.sqlite_index import SqliteIndex
from tests.servers.elasticsearch_node import ElasticsearchNode
from tests.servers.postgresql import PostgresServer


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
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A migrated store."""
    opened = open_database(empty_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "elasticsearch"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WritableIndex]:
    """A search index with nothing in it."""
    opened: WritableIndex
    if request.param == "sqlite":
        opened = SqliteIndex(tmp_path / "search.db")
    else:
        node: ElasticsearchNode = request.getfixturevalue("elasticsearch_node")
        opened = ElasticsearchIndex(node.url, prefix=f"test-{tmp_path.name.lower()}")
    opened.prepare()
    yield opened
    opened.close()
