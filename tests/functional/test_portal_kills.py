"""kill -9 of a whole portal while people ask over REST; `./portal bench store` does it some hundred times."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.store_parts.kills import kill_at_random
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.postgresql import PostgresServer

KILLS = 3


@pytest.mark.parametrize("place", ["embedded", "company"])
def test_what_was_confirmed_is_there_afterwards_and_is_found(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    extra = {}
    if place == "company":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        node: ElasticsearchNode = request.getfixturevalue("elasticsearch_node")
        extra = {"PORTAL_DATABASE_URL": server.new_database(), "PORTAL_ELASTICSEARCH_URL": node.url}
    found = kill_at_random(tmp_path, KILLS, random.Random(place), **extra)
    assert found.acknowledged > KILLS
    assert found.cut > 0
    assert (found.lost, found.missing, found.phantom, found.stale, found.failures) == (0, 0, 0, 0, 0)
