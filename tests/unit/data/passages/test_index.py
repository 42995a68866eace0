"""The index ranks as BM25 does, and keeps what was asked last."""

from __future__ import annotations

from datetime import UTC, datetime

from core.documents.ports import IndexedDocument, IndexedVectors
from core.documents.records import Collection
from core.prompts.records import Share
from data.passages.index import NumpyPassageIndex
from data.passages.packing import pack, unpack

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def collection(id: str, version: int = 1) -> Collection:
    return Collection(id=id, owner_id="o", name="C", share=Share.OWN, group="", version=version, created_at=NOW, updated_at=NOW)


def test_words_come_back_from_their_bytes() -> None:
    found = unpack(pack([["a", "b", "a"], [], ["c"] * 300]))
    assert found.lengths.tolist() == [3, 0, 300] and found.passages.tolist() == [0, 0, 2] and found.counts.tolist() == [2, 1, 255]


def test_rare_words_and_short_passages_count_for_more() -> None:
    index = NumpyPassageIndex()
    documents = [
        IndexedDocument("one", index.packed([["notice", "period"], ["notice"] + ["other"] * 50])),
        IndexedDocument("two", index.packed([["notice", "penalty"]])),
    ]
    found = index.match(collection("c"), lambda: documents, ["notice", "penalty", "penalty"], 10)
    assert [(each.document_id, each.position) for each in found] == [("two", 0), ("one", 0), ("one", 1)]
    assert found[0].share == 1.0 and 0 < found[1].share < 0.5
    assert [each.document_id for each in index.match(collection("c"), lambda: documents, ["notice", "penalty"], 1)] == ["two"]
    assert index.match(collection("c"), lambda: documents, ["nothing"], 10) == []


def test_a_collection_is_loaded_once_for_each_version() -> None:
    index, loads = NumpyPassageIndex(), list[int]()

    def load() -> list[IndexedDocument]:
        loads.append(1)
        return [IndexedDocument("one", index.packed([["notice"]]))]

    for version in (1, 1, 2, 2):
        assert index.match(collection("c", version), load, ["notice"], 5)
    assert len(loads) == 2
    assert index.match(collection("empty"), list, ["notice"], 5) == []


def test_the_collections_asked_longest_ago_leave_memory_first() -> None:
    index, loads = NumpyPassageIndex(most_bytes=1), list[str]()

    def ask(id: str) -> None:
        def load() -> list[IndexedDocument]:
            loads.append(id)
            return [IndexedDocument(id, index.packed([["notice"]]))]

        index.match(collection(id), load, ["notice"], 5)

    for id in ("a", "a", "b", "a"):
        ask(id)
    assert loads == ["a", "b", "a"]


def test_vectors_rank_by_what_is_above_the_usual_similarity() -> None:
    index = NumpyPassageIndex()
    rows = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    documents = [IndexedVectors("one", index.packed_vectors(rows)), IndexedVectors("two", index.packed_vectors([[0.9, 0.1, 0.0]]))]
    found = index.similar(collection("c"), "v1", lambda: documents, [3.0, 0.0, 0.0], 10)
    assert [(each.document_id, each.position) for each in found] == [("one", 0), ("two", 0), ("one", 1)]
    assert found[0].score == 1.0 and 0.9 < found[1].score < 1.0 and found[2].score == 0.0
    assert len(index.similar(collection("c"), "v1", lambda: documents, [3.0, 0.0, 0.0], 1)) == 1
    assert index.similar(collection("c"), "v1", lambda: documents, [1.0, 0.0], 5) == [], "of another width"
    assert index.similar(collection("c"), "v2", list, [1.0, 0.0, 0.0], 5) == []
