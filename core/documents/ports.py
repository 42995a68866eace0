"""Declare the repository of collections, and the index of their passages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Ids
from dataclasses import dataclass
from typing import Protocol

from core.documents.records import Collection, Counts, Document, Passage


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """The words of a document's passages, as the index packed them."""

    document_id: str
    words: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A passage with a word of the question."""

    document_id: str
    position: int
    score: float
    """BM25."""
    share: float
    """The share of the question's words that it has, weighted by how rare they are, 0 to 1."""


Load = Callable[[], Sequence[IndexedDocument]]
"""Reads the words of all documents of a collection."""


class PassageIndex(Protocol):
    """Ranks the passages of a collection by their words. Keeps collections in memory, by their version."""

    def packed(self, passages: Sequence[Sequence[str]]) -> bytes:
        """Pack the words of each passage of a document."""
        ...

    def match(self, collection: Collection, load: Load, words: Sequence[str], most: int) -> Sequence[Match]:
        """Return the best passages, best first. load: called if this version of the collection is not in memory."""
        ...


@dataclass(frozen=True, slots=True)
class IndexedVectors:
    """The vectors of a document's passages, as the index packed them."""

    document_id: str
    vectors: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A passage that is similar to a question in meaning."""

    document_id: str
    position: int
    score: float
    """0 to 1: how far its similarity is above that of a usual passage."""


class VectorIndex(Protocol):
    """Ranks the passages of a collection by their vectors, exactly."""

    def packed_vectors(self, rows: Sequence[Sequence[float]]) -> bytes:
        """Pack the vectors of a document's passages."""
        ...

    def similar(
        self, collection: Collection, version: str, load: Callable[[], Sequence[IndexedVectors]], vector: Sequence[float], most: int
    ) -> Sequence[Similar]:
        """Return the most similar passages, best first. version: of the model. load: reads the vectors of all documents."""
        ...


class CollectionRepository(Protocol):
    """Stores collections, their documents and passages. Each change of passages raises the version of the collection."""

    def add(self, collection: Collection) -> None: ...
    def get(self, collection_id: str) -> Collection | None: ...
    def lock(self, collection_id: str) -> Collection | None:
        """Read a collection, and lock it until the transaction ends."""
        ...

    def visible(self, user_id: str, group: str) -> Sequence[Collection]:
        """Return a person's own collections, those shared with the group, and those for everyone, by time of change, newest first."""
        ...

    def counts(self, collection_ids: Ids[str]) -> Mapping[str, Counts]: ...
    def count_of(self, user_id: str) -> int: ...
    def save(self, collection: Collection) -> None:
        """Write all fields but the version. Read the collection with `lock` first."""
        ...

    def remove(self, collection_id: str) -> None:
        """Delete a collection with its documents and their passages."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Assign the collections of a group to its new name."""
        ...

    def withdraw_from(self, group: str) -> None:
        """Stop sharing the collections of a group, so that only their owners see them."""
        ...

    def add_document(self, document: Document, content: bytes) -> None: ...
    def document(self, document_id: str) -> Document | None: ...
    def documents(self, collection_id: str) -> Sequence[Document]:
        """Return the documents of a collection by name."""
        ...

    def named(self, document_ids: Ids[str]) -> Mapping[str, Document]:
        """Return documents by id, without those that do not exist."""
        ...

    def save_document(self, document: Document) -> bool:
        """Write the state of a document. Returns False if it no longer exists."""
        ...

    def remove_document(self, document: Document) -> None: ...
    def content(self, document_id: str) -> bytes: ...
    def text(self, document_id: str) -> str:
        """Return the text that was read; empty if it has not been read."""
        ...

    def put_passages(self, document: Document, text: str, passages: Sequence[Passage], words: bytes) -> None:
        """Replace the text and the passages of a document."""
        ...

    def words(self, collection_id: str) -> Sequence[IndexedDocument]: ...
    def passages(self, document_id: str, positions: Ids[int] | None = None) -> Sequence[Passage]:
        """Return these passages of a document in order; None: all."""
        ...

    def without_vectors(self, collection_id: str, version: str) -> Sequence[str]:
        """Return the ids of documents that were read and have no vectors of this version."""
        ...

    def put_vectors(self, document: Document, version: str, vectors: bytes) -> None:
        """Replace the vectors of a document."""
        ...

    def vectors(self, collection_id: str, version: str) -> Sequence[IndexedVectors]: ...
