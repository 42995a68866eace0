"""Compare questions and passages by meaning: vectors where an embedding model is available, and a reranker."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.documents.ports import VectorIndex
from core.documents.records import Collection
from core.errors import PortalError
from core.inference.gateway import Gateway
from core.inference.records import ServedModel
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "document.embed"
AT_ONCE = 32
"""Passages in one request for vectors."""
TRIES = 5


@dataclass(frozen=True, slots=True)
class AskedVector:
    """A question as a vector. version: of the model, whose vectors it can be compared with."""

    version: str
    vector: Sequence[float]


class Meaning:
    """Computes vectors of passages in jobs, and those of questions at once. Without a model for it, words alone decide."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, index: VectorIndex, jobs: Jobs) -> None:
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._index = index
        self._jobs = jobs

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(KIND, self.run, most_tries=TRIES, resumable=True, at_once=1, listed=False, needs_model=True, notices=False)]

    def question(self, user: User, text: str) -> AskedVector | None:
        """Return a question as a vector; None if no embedding model can compute it."""
        try:
            model = self._model(user, ModelKind.EMBEDDING)
            if model is None:
                return None
            request = EmbeddingRequest(inputs=(text,), user_id=user.id, model=model.name, truncate=True)
            return AskedVector(_version(model), self._gateway.embed(user, request).result().rows[0])
        except PortalError as problem:
            log.warning("a question is searched by its words alone: %s", problem)
            return None

    def relevances(self, user: User, question: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return how well each text answers the question, 0 to 1; None if no reranker can tell."""
        try:
            model = self._model(user, ModelKind.RERANKING)
            if model is None or not texts:
                return None
            request = RerankRequest(query=question, documents=tuple(texts), user_id=user.id, model=model.name, truncate=True)
            return [row[0] for row in self._gateway.rerank(user, request).result().rows]
        except PortalError as problem:
            log.warning("passages are not reranked: %s", problem)
            return None

    def complete(self, collections: Sequence[Collection], version: str) -> None:
        """Have vectors computed for documents that have none of this version."""
        added = False
        with self._unit_of_work() as work:
            for each in collections:
                if work.collections.without_vectors(each.id, version):
                    added = self._add(work, each) or added
            if added:
                work.commit()
        if added:
            self._jobs.wake()

    def run(self, job: Job, report: Report) -> Mapping[str, Json] | None:
        """Compute the vectors of all documents of a collection that have none of the owner's embedding model."""
        collection_id = str(job.payload["collection"])
        with self._unit_of_work() as work:
            collection = work.collections.get(collection_id)
            owner = work.users.get(collection.owner_id) if collection is not None else None
        model = self._model(owner, ModelKind.EMBEDDING) if owner is not None else None
        if owner is None or model is None:
            return None
        with self._unit_of_work() as work:
            waits = work.collections.without_vectors(collection_id, _version(model))
        for number, document_id in enumerate(waits):
            report(number / len(waits))
            self._embed(owner, model, document_id, report)
        return {"documents": len(waits)}

    def _embed(self, owner: User, model: ServedModel, document_id: str, report: Report) -> None:
        with self._unit_of_work() as work:
            document = work.collections.document(document_id)
            passages = work.collections.passages(document_id)
        if document is None:
            return
        rows: list[Sequence[float]] = []
        for at in range(0, len(passages), AT_ONCE):
            report.check()
            texts = tuple(f"{each.heading}\n{each.text}" if each.heading else each.text for each in passages[at : at + AT_ONCE])
            request = EmbeddingRequest(inputs=texts, user_id=owner.id, model=model.name, truncate=True)
            rows += self._gateway.embed(owner, request).result().rows
        packed = self._index.packed_vectors(rows)
        with self._unit_of_work() as work:
            now = work.collections.document(document_id)
            if now is not None and now.read_at == document.read_at:  # Else it was read again meanwhile.
                work.collections.put_vectors(document, _version(model), packed)
                work.commit()

    def _add(self, work: UnitOfWork, collection: Collection) -> bool:
        owner = work.users.get(collection.owner_id)
        try:
            self._jobs.add(work, KIND, {"collection": collection.id}, owner=owner, key=f"{KIND} {collection.id}")
        except PortalError:
            return False  # It runs already.
        return True

    def _model(self, user: User, kind: ModelKind) -> ServedModel | None:
        return next((each for each in self._gateway.models(user) if each.kind is kind), None)


def _version(model: ServedModel) -> str:
    return f"{model.name} {model.version}"[:300]
