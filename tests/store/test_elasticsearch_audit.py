"""The audit log in several indices of a real Elasticsearch: each event is in exactly one of them in every case."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from core.errors import Unavailable
from core.search.records import SearchQuery
from data.search.elasticsearch import audit as elasticsearch_audit
from data.search.elasticsearch.documents import SCHEMA_VERSION
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.elasticsearch.rollover import RolloverLimits
from data.search.port import Document
from samples.servers.elasticsearch_node import ElasticsearchNode
from tests.store.things import NOW


@pytest.fixture(autouse=True)
def at_every_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elasticsearch_audit, "MAINTAIN_EVERY_S", 0)
    monkeypatch.setattr(elasticsearch_audit, "AHEAD", 5)


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex[:12]}"


def open_index(node: ElasticsearchNode, prefix: str, documents: int = 3) -> ElasticsearchIndex:
    index = ElasticsearchIndex(node.url, prefix=prefix, rollover=RolloverLimits(documents=documents))
    index.prepare()
    return index


@pytest.fixture
def index(elasticsearch_node: ElasticsearchNode, prefix: str) -> Iterator[ElasticsearchIndex]:
    opened = open_index(elasticsearch_node, prefix)
    yield opened
    opened.close()


def event(number: int, version: int = 1, text: str | None = "sign in") -> Document:
    return Document("audit", str(number).zfill(16), version, text, at=NOW if text else None)


def put(index: ElasticsearchIndex, *documents: Document) -> None:
    """Put each event in a request of its own, as they come in life."""
    for document in documents:
        assert index.put([document]) == {}
        index.refresh()


def found(index: ElasticsearchIndex, text: str = "sign") -> list[int]:
    return sorted(int(hit.id) for hit in index.page(SearchQuery(text, "audit", None, limit=100)).hits)


def live(index: ElasticsearchIndex, prefix: str) -> list[int]:
    """Return how many events each index holds, the oldest index first."""
    names = sorted(index.server.client.indices.get(index=f"{prefix}-audit-*"))
    return [index.server.client.count(index=name, query={"term": {"deleted": False}})["count"] for name in names]


def test_the_audit_begins_new_indices_and_is_found_as_one(index: ElasticsearchIndex, prefix: str) -> None:
    put(index, *(event(number) for number in range(1, 31)))
    assert live(index, prefix) == [7, 7, 7, 7, 2]
    assert found(index) == list(range(1, 31))
    assert set(index.ids("audit")) == set(index.fingerprints("audit", "", None)) == {str(number).zfill(16) for number in range(1, 31)}


def test_an_event_that_is_written_again_replaces_itself_wherever_it_lies(index: ElasticsearchIndex, prefix: str) -> None:
    put(index, *(event(number) for number in range(1, 21)))
    index.put([event(number, version=2, text="log out") for number in range(1, 21)])
    index.put([event(number, version=1) for number in range(1, 21)])
    index.refresh()
    assert found(index) == [] and found(index, "log") == list(range(1, 21)) and sum(live(index, prefix)) == 20


def test_an_index_is_kept_as_long_as_a_row_of_it_is(index: ElasticsearchIndex, prefix: str) -> None:
    put(index, *(event(number) for number in range(1, 21)))
    before = live(index, prefix)
    put(index, *(event(number, version=2, text=None) for number in range(2, 8)))
    assert live(index, prefix) == [before[0] - 6, *before[1:]]
    put(index, event(1, version=2, text=None), event(21))
    assert live(index, prefix)[0] == before[1] and found(index) == list(range(8, 22))


def test_another_portal_learns_of_the_new_index_before_it_is_reached(
    index: ElasticsearchIndex, elasticsearch_node: ElasticsearchNode, prefix: str
) -> None:
    other = open_index(elasticsearch_node, prefix)
    for number in range(1, 21):
        put(other if number % 3 else index, event(number))
    index.put([event(number, version=2) for number in range(1, 21)])
    index.refresh()
    assert found(index) == list(range(1, 21)) and sum(live(index, prefix)) == 20
    other.close()


def test_a_portal_that_does_not_know_of_a_removed_index_writes_nothing_wrong(
    index: ElasticsearchIndex, elasticsearch_node: ElasticsearchNode, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(index, *(event(number) for number in range(1, 11)))
    other = open_index(elasticsearch_node, prefix)
    put(other, event(11))
    monkeypatch.setattr(elasticsearch_audit, "MAINTAIN_EVERY_S", 600)
    index.rebuild()
    with pytest.raises(Unavailable):
        other.put([event(12)])
    other.prepare()
    put(other, event(12))
    assert list(other.ids("audit")) == [str(12).zfill(16)]
    other.close()


def test_a_rebuild_brings_all_into_one_new_index(index: ElasticsearchIndex, prefix: str) -> None:
    put(index, *(event(number) for number in range(1, 21)))
    index.rebuild()
    put(index, *(event(number, version=2) for number in range(1, 21)))
    index.complete()
    index.prepare()
    assert not index.is_building()
    assert live(index, prefix) == [20] and found(index) == list(range(1, 21))
    put(index, *(event(number) for number in range(21, 31)))
    assert len(live(index, prefix)) > 1 and found(index) == list(range(1, 31))


def test_the_single_index_of_an_earlier_release_goes_on(
    index: ElasticsearchIndex, elasticsearch_node: ElasticsearchNode, prefix: str
) -> None:
    put(index, event(1))
    [start] = index.server.client.indices.get_alias(name=f"{prefix}-audit-write-from-*")[f"{prefix}-audit-v{SCHEMA_VERSION}"]["aliases"]
    index.server.client.indices.delete_alias(index=f"{prefix}-audit-v{SCHEMA_VERSION}", name=start)
    later = open_index(elasticsearch_node, prefix)
    put(later, event(1, version=2), event(2))
    assert found(later) == [1, 2] and live(later, prefix) == [2]
    later.close()
