"""Vectors and reranking, where there are models for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.documents.records import DocumentState
from core.errors import Unavailable
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import LoadedModel, ModelKind
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter
from tests.unit.core.documents.conftest import Library


def of_kind(kind: ModelKind, name: str, version: str = "v1") -> LoadedModel:
    return replace(MODEL, name=name, version=version, file=replace(MODEL.file, kind=kind), default=False)


@pytest.fixture
def collection_id(library: Library, ana: User) -> str:
    made = library.collections.add(ana, "Contracts")
    library.documents.add(ana, made.id, "a.md", b"# Notice\n\nThirty days.\n\n# Price\n\nFixed.")
    library.documents.add(ana, made.id, "b.md", b"# Penalty\n\nHalf a percent.")
    library.read()
    return made.id


def versions(unit_of_work: UnitOfWorkFactory, collection_id: str, version: str) -> int:
    with unit_of_work() as work:
        return len(work.collections.vectors(collection_id, version))


def test_without_a_model_words_alone_decide(library: Library, ana: User, collection_id: str, router: FakeRouter) -> None:
    found = library.finder.find(ana, [collection_id], "Which notice?")
    assert (found.by_meaning, found.reranked, len(found.passages), router.vector_requests) == (False, False, 1, [])


def test_the_first_question_has_the_vectors_computed_and_the_next_one_uses_them(
    library: Library, ana: User, collection_id: str, router: FakeRouter, unit_of_work: UnitOfWorkFactory
) -> None:
    router.available = [MODEL, of_kind(ModelKind.EMBEDDING, "bge")]
    router.rows = [[0.0, 1.0]]
    assert library.finder.find(ana, [collection_id], "When is it over?").passages == ()
    router.rows = [[0.0, 1.0], [1.0, 0.0]]  # a.md has two passages; for b.md, the second row is one too many
    with unit_of_work() as work:
        only = work.collections.documents(collection_id)[1]
        work.collections.remove_document(only)
        work.commit()
    library.read()
    assert versions(unit_of_work, collection_id, "bge v1") == 1
    asked = [each for each in router.vector_requests if isinstance(each, EmbeddingRequest)]
    assert asked[-1].inputs[0] == "Notice\n# Notice\n\nThirty days." and asked[-1].user_id == ana.id
    router.rows = [[0.0, 1.0]]
    found = library.finder.find(ana, [collection_id], "When is it over?")
    assert found.by_meaning and [each.heading for each in found.passages] == ["Notice"], "no word of it is in the question"
    before = len(router.vector_requests)
    library.read()
    assert len(router.vector_requests) == before, "what has its vectors is not computed again"


def test_another_model_gets_vectors_of_its_own(
    library: Library, ana: User, collection_id: str, router: FakeRouter, unit_of_work: UnitOfWorkFactory
) -> None:
    for version in ("v1", "v2"):
        router.available = [of_kind(ModelKind.EMBEDDING, "bge", version)]
        library.finder.find(ana, [collection_id], "Which notice?")
        library.read()
    assert versions(unit_of_work, collection_id, "bge v1") == 0 and versions(unit_of_work, collection_id, "bge v2") == 2


def test_a_reranker_orders_and_refuses(library: Library, ana: User, collection_id: str, router: FakeRouter) -> None:
    router.available = [MODEL, of_kind(ModelKind.RERANKING, "ranker")]
    router.rows = [[0.1], [0.9]]
    found = library.finder.find(ana, [collection_id], "notice penalty")
    [asked] = [each for each in router.vector_requests if isinstance(each, RerankRequest)]
    assert found.reranked and len(asked.documents) == 2
    assert [(each.text, each.score) for each in found.passages] == [(asked.documents[1], 0.9)]
    router.rows = [[0.1], [0.2]]
    refused = library.finder.find(ana, [collection_id], "notice penalty")
    assert refused.passages == () and refused.best == 0.2


def test_models_that_fail_leave_the_words(library: Library, ana: User, collection_id: str, router: FakeRouter) -> None:
    router.available = [of_kind(ModelKind.EMBEDDING, "bge"), of_kind(ModelKind.RERANKING, "ranker")]
    router.vector_error = Unavailable("It does not answer.")
    found = library.finder.find(ana, [collection_id], "Which notice?")
    assert (found.by_meaning, found.reranked, len(found.passages)) == (False, False, 1)
    assert all(each.state is DocumentState.READY for each in library.documents.list(ana, collection_id))
