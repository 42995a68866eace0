"""kill -9 at random moments: nothing acknowledged is lost, and the index finally equals the store."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.search.records import DocumentKind, SearchQuery
from data.database import open_database
from data.index.documents import SOURCES
from data.index.worker import IndexWorker
from data.migrate import migrate
from data.unit_of_work import SqlUnitOfWork
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.postgresql import PostgresServer
from tests.store.crash_child import open_index
from tests.store.things import new_id

ROUNDS = {"embedded": 10, "servers": 5, "postgresql": 5}
SECONDS = (0.05, 0.8)
"""After its first commit a child lives this long."""


@pytest.fixture(params=["embedded", "servers", "postgresql"])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return a database and a search index, as crash_child takes them."""
    if request.param == "embedded":
        return f"sqlite:///{tmp_path / 'portal.db'}", str(tmp_path / "search.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    if request.param == "postgresql":
        return server.new_database(), "postgresql"
    node: ElasticsearchNode = request.getfixturevalue("elasticsearch_node")
    return server.new_database(), f"{node.url}#test-{new_id()[:12]}"


def lines_until_killed(addresses: tuple[str, str], seconds: float) -> list[tuple[str, str, str]]:
    """Run a child, kill it `seconds` after its first line; returns what it said."""
    command = [sys.executable, "-m", "tests.store.crash_child", *addresses]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        timer = threading.Timer(seconds, child.kill)
        timer.start()
        lines += child.stdout.readlines()
        timer.cancel()
    # The last line may have been cut by the kill.
    return [(words[0], words[1], words[2]) for line in lines if line.endswith("\n") and (words := line.split())]


def test_nothing_acknowledged_is_lost_and_the_index_has_neither_gaps_nor_phantoms(addresses: tuple[str, str]) -> None:
    url, index_name = addresses
    rounds = ROUNDS["servers" if index_name.startswith("http") else "postgresql" if index_name == "postgresql" else "embedded"]
    database = open_database(url)
    migrate(database)
    asked: dict[str, str] = {}
    answered: dict[str, str] = {}
    maybe_gone: set[str] = set()
    gone: set[str] = set()
    for _ in range(rounds):
        for what, talk, message in lines_until_killed(addresses, random.uniform(*SECONDS)):
            match what:
                case "added":
                    asked[message] = talk
                case "finished":
                    answered[message] = talk
                case "removing":
                    maybe_gone.add(talk)
                case "removed":
                    gone.add(talk)
    assert len(asked) > rounds
    with SqlUnitOfWork(database) as work:
        for message, talk in (asked | answered).items():
            found = work.messages.get(message)
            if talk in gone:
                assert found is None
            elif talk not in maybe_gone:
                assert found is not None
                assert message in asked or found.text == f"answer {message}"

    index = open_index(index_name, database)
    assert IndexWorker(database, index).drain(60)
    with database.connect() as connection:
        for kind in DocumentKind:
            stored = set(connection.scalars(SOURCES[kind].ids()))
            indexed = set(index.ids(kind))
            assert (stored - indexed, indexed - stored) == (set(), set()), f"missing and phantom documents of kind {kind}"
    alive = [message for message, talk in answered.items() if talk not in maybe_gone]
    for message in random.sample(alive, min(20, len(alive))):
        assert [hit.id for hit in index.search(SearchQuery(message, "message"))] == [message], "the index has an older text"
    index.close()
    database.close()
